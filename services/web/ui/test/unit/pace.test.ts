import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pace } from '../../src/upload/pace'

/** Runs a pace against a line whose rate depends on how many files go at once. */
function drive(pace: Pace, clock: { at: number }, rate: (parallel: number) => number, steps: number): number[] {
  return Array.from({ length: steps }, () => {
    clock.at += 2_500
    pace.moved(rate(pace.parallel) * 2_500)
    pace.finished(false)
    return pace.parallel
  })
}

test('while more at once move more, there are more, up to the limit', () => {
  const clock = { at: 0 }
  const pace = new Pace(8, () => clock.at)
  drive(pace, clock, (n) => n * 1_000, 20)
  assert.equal(pace.parallel, 8)
})

test('where one more moves no more, it goes back and stays for a while', () => {
  const clock = { at: 0 }
  const pace = new Pace(8, () => clock.at)
  const seen = drive(pace, clock, (n) => Math.min(n, 4) * 100_000, 10)
  assert.equal(Math.max(...seen), 5)
  assert.equal(pace.parallel, 4)
})

test('trouble halves, never below one, and holds', () => {
  const clock = { at: 0 }
  const pace = new Pace(8, () => clock.at)
  drive(pace, clock, (n) => n * 1_000, 20)
  pace.trouble()
  assert.equal(pace.parallel, 4)
  assert.deepEqual(drive(pace, clock, (n) => n * 1_000, 3), [4, 4, 4])
  for (let i = 0; i < 5; i++) pace.trouble()
  assert.equal(pace.parallel, 1)
  drive(pace, clock, (n) => n * 1_000, 20)
  assert.ok(pace.parallel > 1, 'it recovers')
})

test('too few files to judge by change nothing', () => {
  const clock = { at: 0 }
  const pace = new Pace(8, () => clock.at)
  for (let i = 0; i < 10; i++) {
    clock.at += 5_000
    pace.finished(true)
  }
  assert.equal(pace.parallel, 3)
})
