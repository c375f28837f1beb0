import assert from 'node:assert/strict'
import { test } from 'node:test'
import { add, nothing } from '../../src/upload/files'
import { alone, pair } from '../../src/upload/films'
import type { Outcome, Picked } from '../../src/upload/item'
import { Queue, type Options } from '../../src/upload/queue'

const one = (name: string, folder = ''): Picked => ({ file: new File(['12345'], name, { lastModified: 1 }), folder })

function found(...picked: Picked[]) {
  const all = nothing()
  for (const each of picked) add(all, each)
  pair(all, [])
  return all
}

const names = (all: Picked[]) => all.map(({ file, filmOf }) => (filmOf && 'file' in filmOf ? `${file.name} of ${filmOf.file?.name}` : file.name))

test('a film goes after the picture beside it, the one that a telephone makes', () => {
  const all = found(one('a.MOV'), one('a.jpg'), one('a.HEIC'), one('b.jpeg'), one('b.mov'), one('c.png'))
  assert.deepEqual(names(all.pictures), ['a.jpg', 'a.HEIC', 'a.MOV of a.HEIC', 'b.jpeg', 'b.mov of b.jpeg', 'c.png'])
  assert.deepEqual([all.films.length, all.strangers.length, all.skipped], [0, 0, 0])
})

test('a film without its picture is a stranger, and one in a folder is left out', () => {
  const all = found(one('a.mov'), one('A.jpg'), one('c.png'), one('c.mov'), one('d.mov', 'x'), one('d.jpg', 'y'), one('e.jpg', 'z'), one('e.mov', 'z'), one('e.MOV', 'z'))
  assert.deepEqual(names(all.strangers), ['a.mov', 'c.mov'])
  assert.deepEqual(names(all.pictures), ['A.jpg', 'c.png', 'd.jpg', 'e.jpg', 'e.mov of e.jpg'])
  assert.equal(all.skipped, 2)
})

test('a film of an earlier visit needs no picture', () => {
  const { queue } = make(() => ({ kind: 'ready' }))
  const [left] = queue.recall([{ name: 'a.mov', size: 5, modified: 1, type: '', folder: '' }])
  const all = nothing()
  all.films.push(one('a.mov'))
  pair(all, [left!])
  assert.deepEqual([names(all.films), all.strangers], [['a.mov'], []])
})

const added = (imageID: string): Outcome => ({ kind: 'added', imageID })

function make(outcome: (name: string) => Outcome, more: Partial<Options> = {}) {
  const sent: string[] = []
  let over: () => void
  const done = new Promise<void>((resolve) => (over = resolve))
  const queue: Queue = new Queue({
    prepare: async () => ({ kind: 'ready' }),
    send: async (item) => {
      sent.push(`${item.name} ${item.companionOf}`)
      return outcome(item.name)
    },
    pause: async () => undefined,
    changed: () => queueMicrotask(() => !queue.active && over()),
    ...more,
  })
  return { queue, sent, done }
}

test('a film is sent after its picture, to the image that this became', async () => {
  const { queue, sent, done } = make((name) => (name === 'b.jpg' ? { kind: 'duplicate', imageID: 'old', trashed: false } : added(name)))
  queue.add(found(one('a.jpg'), one('a.mov'), one('b.jpg'), one('b.mov'), one('c.jpg')).pictures)
  await done
  assert.deepEqual(sent.sort(), ['a.jpg ', 'a.mov a.jpg', 'b.jpg ', 'b.mov old', 'c.jpg '])
  assert.ok(queue.items.every(({ state }) => state === 'added' || state === 'duplicate'))
})

for (const [kind, state] of [['refused', 'refused'], ['failed', 'failed']] as const) {
  test(`without its picture a film is not sent: ${kind}`, async () => {
    const { queue, sent, done } = make(() => ({ kind, code: 'x', detail: '' }))
    queue.add(found(one('a.jpg'), one('a.mov')).pictures)
    await done
    assert.deepEqual(sent, ['a.jpg '])
    assert.deepEqual([queue.items[1]?.state, queue.items[1]?.code], [state, alone])
  })
}

test('a film goes with its picture when that is cancelled, and comes back with it', async () => {
  let over: () => void
  const done = new Promise<void>((resolve) => (over = resolve))
  const { queue, sent } = make((name) => added(name), {
    changed: () => queueMicrotask(() => queue.items.length > 0 && queue.items.every(({ state }) => state === 'added') && over()),
  })
  queue.pause()
  queue.add(found(one('a.jpg'), one('a.mov')).pictures)
  queue.cancel(queue.items[0]!)
  assert.deepEqual(queue.items.map(({ state }) => state), ['cancelled', 'cancelled'])
  queue.retry(queue.items[1]!) // by itself it cannot
  assert.equal(queue.items[1]?.state, 'cancelled')
  queue.resume()
  queue.retry(queue.items[0]!)
  await done
  assert.deepEqual(sent, ['a.jpg ', 'a.mov a.jpg'])
})

test('a film that is remembered finds its image again', async () => {
  const led: string[] = []
  const { queue, sent, done } = make((name) => added(name), { led: (film) => led.push(film.companionOf) })
  const known = (name: string) => ({ name, size: 5, modified: 1, type: '', folder: '' })
  const [picture, film, other] = queue.recall([known('a.jpg'), known('a.mov'), { ...known('b.mov'), companionOf: 'B' }])
  queue.join(film!, picture!)
  for (const item of [film!, other!, picture!]) queue.attach(item, one(item.name))
  await done
  assert.deepEqual(sent.sort(), ['a.jpg ', 'a.mov a.jpg', 'b.mov B'])
  assert.deepEqual(led, ['a.jpg'])
})
