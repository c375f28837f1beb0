import assert from 'node:assert/strict'
import { test } from 'node:test'
import { maxTries, Queue, type Outcome, type Send } from '../../src/upload/queue'

const added: Outcome = { kind: 'added', imageID: 'A' }
const busy: Outcome = { kind: 'later', offline: false, after: 0, code: 'unavailable', detail: '' }

const file = (name: string) => new File(['12345'], name, { type: 'image/jpeg' })
const files = (n: number) => Array.from({ length: n }, (_, i) => file(`${i}.jpg`))

/** A queue whose clock does not wait, and what it waited for. */
function make(send: Send) {
  const waits: number[] = []
  let over: () => void
  const done = new Promise<void>((resolve) => (over = resolve))
  const queue: Queue = new Queue({
    send,
    random: () => 0.5,
    pause: (ms) => {
      waits.push(ms)
      return Promise.resolve()
    },
    changed: () => queueMicrotask(() => !queue.busy && over()),
  })
  return { queue, waits, done }
}

const states = (queue: Queue) => queue.items.map((item) => item.state)

test('every file is sent once, at most four at once', async () => {
  let now = 0
  let most = 0
  const { queue, done } = make(async () => {
    most = Math.max(most, ++now)
    await new Promise((resolve) => setImmediate(resolve))
    now--
    return added
  })
  queue.add(files(50))
  await done
  assert.deepEqual(new Set(states(queue)), new Set(['added']))
  assert.equal(most, 4)
})

test('what the server never takes is not tried again', async () => {
  let sent = 0
  const { queue, waits, done } = make(async () => (sent++, { kind: 'refused', code: 'file_empty', detail: 'x' }))
  queue.add([file('a')])
  await done
  assert.equal(sent, 1)
  assert.deepEqual(waits, [])
  assert.equal(queue.items[0]?.code, 'file_empty')
})

test('a busy server is asked again, later and later, until we give up', async () => {
  const { queue, waits, done } = make(async () => busy)
  queue.add([file('a')])
  await done
  assert.deepEqual(waits, [1000, 2000, 4000, 8000, 16000, 30000])
  assert.equal(queue.items[0]?.tries, maxTries)
  assert.deepEqual(states(queue), ['failed'])
})

test('Retry-After is honoured, within reason', async () => {
  const answers: Outcome[] = [{ ...busy, after: 7_000 }, { ...busy, after: 9e9 }, added]
  const { queue, waits, done } = make(async () => answers.shift() ?? added)
  queue.add([file('a')])
  await done
  assert.deepEqual(waits, [7_000, 120_000])
  assert.deepEqual(states(queue), ['added'])
})

test('failed files can be tried again, all or one', async () => {
  let healthy = false
  const { queue, done } = make(async () => (healthy ? added : busy))
  queue.add(files(3))
  await done
  assert.deepEqual(states(queue), ['failed', 'failed', 'failed'])
  healthy = true
  const item = queue.items[0]
  assert.ok(item)
  queue.retry(item)
  queue.retryFailed()
  while (queue.busy) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(states(queue), ['added', 'added', 'added'])
})

test('cancelling stops what is under way and what waits', async () => {
  const { queue } = make((_file, _progress, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(busy))))
  queue.add(files(6))
  queue.cancelAll()
  while (queue.busy) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(new Set(states(queue)), new Set(['cancelled']))
})

test('files added later are sent too', async () => {
  const { queue } = make(async () => added)
  queue.add(files(2))
  queue.refuse(file('x.txt'), 'unsupported_media_type')
  while (queue.busy) await new Promise((resolve) => setImmediate(resolve))
  queue.add(files(2))
  while (queue.busy) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(states(queue), ['added', 'added', 'refused', 'added', 'added'])
  queue.clear()
  assert.equal(queue.items.length, 0)
})

test('progress is bounded by the size, and the whole file sent means checking', async () => {
  const seen: string[] = []
  const { queue, done } = make(async (_file, progress) => {
    progress(2)
    seen.push(`${queue.items[0]?.state} ${queue.items[0]?.sent}`)
    progress(99)
    seen.push(`${queue.items[0]?.state} ${queue.items[0]?.sent}`)
    return added
  })
  queue.add([file('a')])
  await done
  assert.deepEqual(seen, ['sending 2', 'checking 5'])
})

test('a pause takes back what is on its way, lets the checked finish, and goes on with every file once', async () => {
  const sent: string[] = []
  const { queue, done } = make(async (f, progress, signal) => {
    if (sent.length === 0 || f.name !== '1.jpg') progress(f.size) // the server has it
    sent.push(f.name)
    if (f.name === '1.jpg' && sent.filter((name) => name === '1.jpg').length === 1) {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return { ...busy, offline: true }
    }
    return added
  })
  queue.add(files(2))
  queue.pause()
  queue.add(files(3))
  assert.deepEqual(states(queue), ['checking', 'waiting', 'waiting', 'waiting', 'waiting'])
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(states(queue), ['added', 'waiting', 'waiting', 'waiting', 'waiting'])
  assert.ok(queue.paused && queue.unfinished)
  await done
  queue.resume()
  while (queue.unfinished) await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(new Set(states(queue)), new Set(['added']))
  assert.deepEqual(sent, ['0.jpg', '1.jpg', '1.jpg', '0.jpg', '1.jpg', '2.jpg'])
})
