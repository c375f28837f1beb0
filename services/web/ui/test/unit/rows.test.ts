import assert from 'node:assert/strict'
import { test } from 'node:test'
import { justify, setDays, setMonths, type Cell, type Measure } from '../../src/rows'

const measure: Measure = { width: 1200, row: 240, gap: 4, dayGap: 24, dayMin: 176, monthMin: 224 }

/** The rows of a run of cells, told apart by where they no longer fit. */
function rows(cells: Cell[], m: Measure): Cell[][] {
  const out: Cell[][] = []
  let used = Infinity
  for (const cell of cells) {
    if (used + m.gap + cell.width > m.width) {
      out.push([])
      used = -m.gap
    }
    out.at(-1)?.push(cell)
    used += m.gap + cell.width
  }
  return out
}

// A sequence that looks random and is the same every time.
function* ratios(seed: number): Generator<number> {
  for (;;) {
    seed = (seed * 1103515245 + 12345) % 2147483648
    yield [0.5, 0.67, 0.75, 1, 1.33, 1.5, 1.78, 3][Math.floor(seed / 65536) % 8] ?? 1
  }
}

test('full rows reach the edge exactly, at one height, near the one aimed at', () => {
  for (let seed = 1; seed <= 40; seed++) {
    for (const width of [340, 366, 700, 1200, 1883]) {
      const m = { ...measure, width, row: width < 500 ? 130 : 240 }
      const source = ratios(seed)
      const all = Array.from({ length: 23 }, () => source.next().value as number)
      const set = rows(justify(all, m), m)
      assert.equal(set.flat().length, 23)
      for (const row of set.slice(0, -1)) {
        const sum = row.reduce((total, c) => total + c.width, 0) + m.gap * (row.length - 1)
        assert.equal(sum, width)
        assert.equal(new Set(row.map((c) => c.height)).size, 1)
        const height = row[0]?.height ?? 0
        assert.ok(height > m.row * 0.5 && height < m.row * 2, `height ${height} for ${m.row}`)
      }
    }
  }
})

test('a ragged last row is not blown up', () => {
  const cells = justify([1.5, 1.5, 1.5, 1.5, 1.5, 1], measure)
  const last = cells.at(-1)
  assert.ok(last && last.height <= 240 * 1.28 && last.width < 400)
})

test('pictures keep their proportions to a pixel', () => {
  const all = [1.5, 0.67, 1.33, 1.78, 1, 0.75, 1.5]
  const cells = justify(all, measure)
  cells.slice(0, 3).forEach((cell, i) => assert.ok(Math.abs(cell.width / cell.height - (all[i] ?? 0)) < 0.02))
})

test('days with few pictures share a line, and never more than fits', () => {
  const days = [[1.5], [1.33, 0.75], [1.5], [1.5], [1, 1, 1, 1, 1, 1, 1, 1, 1]]
  const set = setDays(days, measure)
  assert.equal(set.length, days.length)
  const [a, b] = set
  assert.ok(a && b && a.width + measure.dayGap + b.width <= measure.width)
  assert.equal(set[4]?.width, measure.width)
  set.forEach((day, i) => assert.equal(day.cells.length, days[i]?.length))
  for (const day of set) assert.ok(day.width <= measure.width && day.width >= measure.dayMin)
})

test('a day is never narrower than its heading, even on the smallest screen', () => {
  const m = { ...measure, width: 300, row: 120, dayMin: 176 }
  const [day] = setDays([[0.5]], m)
  assert.equal(day?.width, 176)
  assert.deepEqual(setDays([], m), [])
})

test('one panorama wider than the window fits', () => {
  const [day] = setDays([[3]], { ...measure, width: 320 })
  assert.ok(day && (day.cells[0]?.width ?? 999) <= 320)
})

const month = (...days: number[][]) => ({ days, missing: 0 })

test('months of few pictures share lines that reach the edge; a full month has its own', () => {
  const many = Array.from({ length: 12 }, () => 1.5)
  const set = setMonths([month([1.33]), month([1.33]), month([0.75], [1]), month(many), month([1.5])], measure)
  const line = set.slice(0, 3)
  assert.equal(line.reduce((total, m) => total + m.width, 0) + 2 * measure.dayGap, measure.width)
  const heights = line.flatMap((m) => m.days.flatMap((day) => day.cells.map((cell) => cell.height)))
  assert.equal(new Set(heights).size, 1)
  assert.ok((heights[0] ?? 0) >= measure.row * 0.8 && (heights[0] ?? 0) <= measure.row * 1.28)
  assert.equal(set[3]?.width, measure.width)
  assert.equal(set[4]?.days[0]?.cells[0]?.height, measure.row, 'alone on its line, it is not blown up')
})

test('a month that is not loaded takes about the place it will need, and two fit on a phone', () => {
  const m = { ...measure, width: 366, row: 123, dayGap: 16, dayMin: 175, monthMin: 168 }
  const [a, b, c] = setMonths([month([1.33]), { days: [], missing: 170 }, { days: [], missing: 900 }], m)
  assert.ok(a && b && a.width + m.dayGap + b.width === m.width)
  assert.equal(c?.width, m.width)
  const [d, e] = setMonths([month([1.33]), month([1.5])], m)
  assert.equal((d?.width ?? 0) + m.dayGap + (e?.width ?? 0), m.width, 'a little smaller, rather than each on its own')
})

test('the months of a line are exactly as wide as the line, so that the next cannot slip in', () => {
  const source = ratios(7)
  const months = Array.from({ length: 60 }, () => month([source.next().value as number]))
  let used = -measure.dayGap
  for (const { width, days } of setMonths(months, measure)) {
    assert.ok(days.every((day) => day.width <= width))
    used += measure.dayGap + width
    assert.ok(used <= measure.width)
    if (used === measure.width) used = -measure.dayGap
  }
  assert.equal(used, -measure.dayGap)
})
