import assert from 'node:assert/strict'
import { test } from 'node:test'
import { arrived, ChunkSize, leastChunk, mostChunk } from '../../src/upload/chunks'
import { fresh, type Outcome } from '../../src/upload/item'
import { sendBySession, type Ship } from '../../src/upload/session'
import type { Answer, Shipment } from '../../src/upload/wire'

const KiB = 1024
const MiB = 1024 * KiB

test('chunks are multiples of 256 KiB within their limits, and a short rest goes along', () => {
  const chunks = new ChunkSize()
  assert.equal(chunks.end(0, 100 * MiB), 4 * MiB)
  assert.equal(chunks.end(0, 5 * MiB), 5 * MiB)
  assert.equal(chunks.end(0, 5 * MiB + 1), 4 * MiB)
  for (let i = 0; i < 10; i++) chunks.took(chunks.end(0, 1e12), 100)
  assert.equal(chunks.end(0, 1e12), mostChunk)
  assert.equal(chunks.end(0, mostChunk + 1), mostChunk, 'a rest never makes a chunk too large')
  for (let i = 0; i < 10; i++) chunks.broke()
  assert.equal(chunks.end(0, 1e12), leastChunk)
  chunks.took(leastChunk, 2_500)
  assert.equal(chunks.end(0, 1e12) % (256 * KiB), 0)
})

test('a Range says how much arrived', () => {
  assert.deepEqual([arrived(null), arrived('bytes=0-0'), arrived('bytes=0-262143')], [0, 1, 262144])
  for (const odd of ['bytes=1-5', 'bytes 0-5', '0-5', 'bytes=0-']) assert.ok(Number.isNaN(arrived(odd)), odd)
})

const blank: Answer = { status: 0, range: null, body: undefined, retryAfter: 0 }
const created: Answer = { ...blank, status: 201, body: { status: 'stored', id: 'I' } }

/** A server that holds bytes; `answers` go before what it would say. */
function make(size: number, answers: (Answer | undefined)[] = [], url = '/s') {
  const log: string[] = []
  let has = 0
  const ship: Ship = async ({ method, url, range = '', body }: Shipment) => {
    log.push(method === 'PUT' ? range : `${method} ${url}`)
    const said = answers.shift()
    if (said) return said
    const [, from, to] = /^bytes (\d+)-(\d+)/.exec(range) ?? []
    if (body && Number(from) === has) has = Number(to) + 1
    return has === size ? created : { ...blank, status: 308, range: has ? `bytes=0-${has - 1}` : null }
  }
  const file = new File([new Uint8Array(size)], 'a.jpg')
  const item = fresh(0, { file, folder: '' })
  const session = { url, id: 'I', expiresAt: Infinity }
  const sent: number[] = []
  const run = (signal = new AbortController().signal): Promise<Outcome> =>
    sendBySession({ item, file, session, chunks: new ChunkSize(), ship, progress: (n) => sent.push(n), signal, now: () => 0 })
  return { run, item, log, holds: (bytes: number) => (has = bytes), sent }
}

test('a file goes chunk by chunk and ends with what became of it', async () => {
  const { run, log, item } = make(9 * MiB)
  assert.deepEqual(await run(), { kind: 'added', imageID: 'I' })
  assert.deepEqual(log, ['bytes 0-4194303/9437184', 'bytes 4194304-9437183/9437184'])
  assert.equal(item.durable, 9 * MiB)
})

test('after a break it asks first, and sends what is missing only', async () => {
  const { run, log, item, holds } = make(9 * MiB, [blank])
  assert.equal((await run()).kind, 'later')
  assert.ok(item.begun)
  holds(1 * MiB)
  assert.deepEqual(await run(), { kind: 'added', imageID: 'I' })
  assert.deepEqual(log.slice(1), ['bytes */9437184', 'bytes 1048576-5242879/9437184', 'bytes 5242880-9437183/9437184'])
})

test('a server that took half a chunk is sent the other half', async () => {
  const { run, log, holds } = make(9 * MiB, [{ ...blank, status: 308, range: 'bytes=0-2097151' }])
  holds(2 * MiB)
  assert.equal((await run()).kind, 'added')
  assert.equal(log[1], 'bytes 2097152-9437183/9437184')
})

test('a server that takes nothing is not sent the same for ever', async () => {
  const nothing = { ...blank, status: 308 }
  const { run, log } = make(9 * MiB, [nothing, nothing, nothing])
  assert.equal((await run()).kind, 'failed')
  assert.equal(log.length, 3)
})

test('a server that has all and does not say what became of it is asked again later', async () => {
  const all = { ...blank, status: 308, range: 'bytes=0-2' }
  const { run, log } = make(3, [all, all])
  assert.deepEqual(await run(), { kind: 'later', offline: false, after: 500, code: 'unavailable', detail: '' })
  assert.deepEqual(log, ['bytes 0-2/3', 'bytes */3'])
})

test('where another host answers with an object, our server is asked to complete it', async () => {
  const object = { ...blank, status: 200, body: { kind: 'storage#object', size: '3' } }
  const { run, log } = make(3, [object, { ...blank, status: 409, body: { code: 'upload_incomplete' } }, object, { ...created, status: 200 }])
  assert.equal((await run()).kind, 'later')
  assert.deepEqual(await run(), { kind: 'added', imageID: 'I' })
  assert.deepEqual(log, ['bytes 0-2/3', 'POST /api/v1/uploads/I/complete', 'bytes */3', 'POST /api/v1/uploads/I/complete'])
})

test('where another host has the object already, our server is asked to complete it', async () => {
  const { run, log } = make(3, [{ ...blank, status: 412 }, { ...created, status: 200 }], 'https://storage.example/s')
  assert.deepEqual(await run(), { kind: 'added', imageID: 'I' })
  assert.deepEqual(log, ['bytes 0-2/3', 'POST /api/v1/uploads/I/complete'])
  assert.equal((await make(3, [{ ...blank, status: 412 }]).run()).kind, 'failed', 'ours says no such thing')
})

test('every answer has its consequence', async () => {
  const cases: [Partial<Answer>, Outcome['kind'], string][] = [
    [{ status: 409, body: { code: 'offset_mismatch' } }, 'later', 'unavailable'],
    [{ status: 423, body: { code: 'upload_locked' } }, 'later', 'unavailable'],
    [{ status: 429, body: { code: 'rate_limited' }, retryAfter: 5_000 }, 'later', 'rate_limited'],
    [{ status: 503, body: undefined }, 'later', ''],
    [{ status: 404, body: { code: 'not_found' } }, 'again', ''],
    [{ status: 410, body: { code: 'upload_expired' } }, 'again', ''],
    [{ status: 499 }, 'again', ''],
    [{ status: 415, body: { code: 'unsupported_media_type', detail: 'No.' } }, 'refused', 'unsupported_media_type'],
    [{ status: 422, body: { code: 'checksum_mismatch' } }, 'failed', 'checksum_mismatch'],
    [{ status: 507, body: { code: 'out_of_space' } }, 'refused', 'out_of_space'],
    [{ status: 400, body: undefined }, 'failed', ''],
    [{ status: 200, body: { status: 'duplicate', duplicate_of: 'D', trashed: true } }, 'duplicate', ''],
    [{ status: 201, body: { status: 'processing', id: 'P' } }, 'added', ''],
  ]
  for (const [answer, kind, code] of cases) {
    const outcome = await make(3, [{ ...blank, ...answer }]).run()
    assert.equal(outcome.kind, kind, JSON.stringify(answer))
    assert.equal('code' in outcome ? outcome.code : '', code, JSON.stringify(answer))
  }
})
