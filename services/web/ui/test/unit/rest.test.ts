import assert from 'node:assert/strict'
import { test } from 'node:test'
import { follow, settle } from '../../src/live'
import { mostFiles, sort } from '../../src/upload/files'
import { Speed, tally } from '../../src/upload/progress'
import { isTemporary } from '../../src/upload/answers'
import type { Item, State } from '../../src/upload/item'

const file = (name: string, type = '', folder = '') => {
  const made = new File(['x'], name, { type })
  Object.defineProperty(made, 'webkitRelativePath', { value: folder && `${folder}/${name}` })
  return made
}

test('each image is settled once, by its last change of place', () => {
  const change = (image_id: string, kind: 'added' | 'updated' | 'trashed' | 'restored' | 'removed') => ({ image_id, kind })
  const got = settle(
    [change('a', 'added'), change('b', 'added'), change('a', 'updated'), change('b', 'trashed'), change('c', 'trashed'), change('c', 'restored'), change('b', 'updated'), change('d', 'updated')],
    ['added', 'updated', 'restored'],
    ['trashed', 'removed'],
  )
  assert.deepEqual(got, { show: ['a', 'c', 'd'], hide: ['b'] })
})

test('a follower that has lost its place takes a new one before it looks at everything again', async (t) => {
  const log: string[] = []
  const asked = (url: string) => new URL(url, 'http://gallery').searchParams.get('cursor') ?? 'no place'
  const page = { hidden: false, addEventListener: () => undefined, getElementById: () => null, documentElement: { lang: 'en' } }
  t.mock.method(globalThis, 'setTimeout', (f: () => void) => queueMicrotask(f)) // no time passes between tries
  Object.defineProperty(globalThis, 'document', { value: page, configurable: true })
  t.after(() => Reflect.deleteProperty(globalThis, 'document'))
  await new Promise<void>((done) => {
    t.mock.method(globalThis, 'fetch', (url: string) => {
      log.push(asked(url))
      if (asked(url) === 'old') return Promise.resolve(new Response('{"code":"cursor_expired"}', { status: 410 }))
      if (asked(url) === 'no place') return Promise.resolve(new Response('{"changes":[],"cursor":"new"}'))
      done()
      return new Promise(() => undefined)
    })
    const lost = async () => {
      if (log.push('lost') === 3) throw new Error('it cannot be looked at now')
    }
    void follow('old', { apply: () => Promise.resolve(), lost })
  })
  assert.deepEqual(log, ['old', 'no place', 'lost', 'no place', 'lost', 'new'])
})

test('pictures are told by type, else by name; strangers are told apart from what a folder holds', () => {
  const found = sort([
    file('a.jpg', 'image/jpeg'), file('b.HEIC'), file('c.txt', 'text/plain'), file('d.mp4', 'video/mp4', 'trip'), file('d.MOV', 'video/quicktime', 'trip'),
    file('.DS_Store', '', 'trip'), file('Thumbs.db', '', 'trip'), file('e.png', 'image/png', 'trip'),
  ])
  assert.deepEqual(found.pictures.map((f) => f.file.name), ['a.jpg', 'b.HEIC', 'e.png'])
  assert.deepEqual(found.strangers.map((f) => f.file.name), ['c.txt'])
  assert.deepEqual(found.films.map((f) => f.file.name), ['d.MOV'])
  assert.equal(found.skipped, 1)
  assert.equal(found.cut, false)
})

test('no more files than the limit are taken', () => {
  const one = file('a.jpg', 'image/jpeg')
  for (const [n, cut] of [[mostFiles - 1, false], [mostFiles, false], [mostFiles + 1, true]] as const) {
    const found = sort(Array.from({ length: n }, () => one))
    assert.equal(found.cut, cut)
    assert.equal(found.pictures.length, Math.min(n, mostFiles))
  }
})

test('a full disk and a method unknown are not worth trying again', () => {
  for (const status of [408, 423, 425, 429, 500, 502, 503, 504]) assert.ok(isTemporary(status), String(status))
  for (const status of [400, 404, 413, 415, 422, 501, 507]) assert.ok(!isTemporary(status), String(status))
})

test('the tally counts what is over as sent', () => {
  const item = (state: State, sent: number) => ({ state, sent, size: 100 }) as Item
  const sum = tally([item('added', 100), item('failed', 0), item('sending', 40), item('waiting', 0)])
  assert.deepEqual([sum.files, sum.over, sum.sent, sum.size, sum.counts.sending], [4, 2, 240, 400, 1])
})

test('the speed is that of the last seconds', () => {
  const speed = new Speed()
  assert.equal(speed.measure(0, 0), 0)
  assert.equal(speed.measure(1000, 5000), 5000)
  for (let at = 2000; at <= 30_000; at += 1000) speed.measure(at, 5000)
  assert.equal(speed.measure(31_000, 5000), 0)
})
