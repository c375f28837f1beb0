import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ofProblem } from '../../src/upload/answers'
import type { Item, Outcome } from '../../src/upload/item'
import { ahead, maxRenewals, maxTries, maxTriesOffline, Queue, type Options } from '../../src/upload/queue'

const added: Outcome = { kind: 'added', imageID: 'A' }
const busy: Outcome = { kind: 'later', offline: false, after: 0, code: 'unavailable', detail: '' }

type Send = Options['send']

const file = (name: string) => ({ file: new File(['12345'], name, { type: 'image/jpeg' }), folder: '' })
const files = (n: number) => Array.from({ length: n }, (_, i) => file(`${i}.jpg`))

/** A queue whose clock does not wait, and what it waited for. */
function make(send: Send, more: Partial<Options> = {}) {
  const waits: number[] = []
  let over: () => void
  const done = new Promise<void>((resolve) => (over = resolve))
  const queue: Queue = new Queue({
    prepare: async () => ({ kind: 'ready' }),
    send,
    random: () => 0.5,
    now: () => 0,
    pause: (ms) => {
      waits.push(ms)
      return Promise.resolve()
    },
    changed: () => queueMicrotask(() => !queue.active && over()),
    ...more,
  })
  return { queue, waits, done }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

const states = (queue: Queue) => queue.items.map((item) => item.state)

test('every file is sent once, three at once to begin with', async () => {
  let now = 0
  let most = 0
  const { queue, done } = make(async () => {
    most = Math.max(most, ++now)
    await turn()
    now--
    return added
  })
  queue.add(files(50))
  await done
  assert.deepEqual(new Set(states(queue)), new Set(['added']))
  assert.equal(most, 3)
})

test('who is signed out may sign in when they like, and it goes on', async () => {
  let sent = 0
  const { queue, waits, done } = make(async () => (sent++ < 3 * maxTries ? ofProblem({ code: 'unauthenticated' }, 401, 0) : added))
  queue.add([file('a')])
  await done
  assert.deepEqual(states(queue), ['added'])
  assert.equal(waits.length, 3 * maxTries)
  assert.deepEqual([...new Set(waits)], [5_000])
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
  while (queue.active) await turn()
  assert.deepEqual(states(queue), ['added', 'added', 'added'])
})

test('cancelling stops what is under way and what waits', async () => {
  const { queue } = make((_file, _progress, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(busy))))
  queue.add(files(6))
  queue.cancelAll()
  while (queue.active) await turn()
  assert.deepEqual(new Set(states(queue)), new Set(['cancelled']))
})

test('files added later are sent too', async () => {
  const { queue } = make(async () => added)
  queue.add(files(2))
  queue.refuse(file('x.txt'), 'unsupported_media_type')
  while (queue.active) await turn()
  queue.add(files(2))
  while (queue.active) await turn()
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

test('a pause stops what is on its way, lets the checked finish, and goes on with every file where it was', async () => {
  const sent: string[] = []
  const { queue } = make(async (item, progress, signal) => {
    sent.push(`${item.name} from ${item.durable}`)
    if (item.name === '1.jpg' && item.durable === 0) {
      progress(4)
      item.durable = 3
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return { ...busy, offline: true }
    }
    progress(item.size) // the server has it
    await turn()
    return added
  })
  queue.add(files(2))
  await turn()
  queue.pause()
  queue.add(files(1))
  assert.deepEqual(states(queue), ['checking', 'waiting', 'waiting'])
  assert.equal(queue.items[1]?.sent, 3)
  while (queue.busy) await turn()
  assert.deepEqual(states(queue), ['added', 'waiting', 'waiting'])
  assert.ok(queue.paused && queue.active)
  queue.resume()
  while (queue.active) await turn()
  assert.deepEqual(new Set(states(queue)), new Set(['added']))
  assert.deepEqual(sent, ['0.jpg from 0', '1.jpg from 0', '1.jpg from 3', '0.jpg from 0'])
})

test('no more files are prepared than may soon be sent', async () => {
  for (const [n, most] of [[ahead - 1, ahead - 1], [ahead, ahead], [ahead + 1, ahead]] as const) {
    const begun: Item[] = []
    const { queue } = make(async () => added, { prepare: (item) => (begun.push(item), new Promise(() => undefined)) })
    queue.add(files(n))
    assert.equal(begun.length, most)
  }
})

test('what the server has already is not sent', async () => {
  let sent = 0
  const { queue, done } = make(async () => (sent++, added), { prepare: async () => ({ kind: 'duplicate', imageID: 'B', trashed: true }) })
  queue.add(files(3))
  await done
  assert.equal(sent, 0)
  assert.deepEqual(queue.items.map(({ state, imageID, trashed }) => [state, imageID, trashed]), Array(3).fill(['duplicate', 'B', true]))
})

test('a session that is gone is planned anew, but not for ever', async () => {
  let prepared = 0
  const { queue, done } = make(async (item) => ((item.durable = 2), { kind: 'again' }), { prepare: async () => (prepared++, { kind: 'ready' }) })
  queue.add([file('a')])
  await done
  assert.equal(prepared, maxRenewals)
  assert.deepEqual(states(queue), ['failed'])
  assert.equal(queue.items[0]?.durable, 0)
})

test('who makes progress is never given up; who cannot be reached, late', async () => {
  let tries = 0
  const slow = make(async (item) => (++tries < 40 ? ((item.durable += 0.1), { ...busy, offline: true }) : added))
  slow.queue.add([file('a')])
  await slow.done
  assert.deepEqual(states(slow.queue), ['added'])
  const gone = make(async () => ({ ...busy, offline: true }))
  gone.queue.add([file('a')])
  await gone.done
  assert.equal(gone.waits.length, maxTriesOffline - 1)
  assert.deepEqual(states(gone.queue), ['failed'])
})

test('files of an earlier visit wait for their bytes and then go on', async () => {
  const { queue, done } = make(async () => added)
  const [item] = queue.recall([{ name: 'a.jpg', size: 5, modified: 1, type: '', folder: '', begun: true, sha256: 'x' }])
  assert.ok(item)
  assert.ok(!queue.active && !queue.busy)
  queue.attach(item, file('a.jpg'))
  await done
  assert.deepEqual(states(queue), ['added'])
})

test('a file that was cancelled gives its session up', async () => {
  const dropped: (string | undefined)[] = []
  const { queue } = make(() => new Promise(() => undefined), {
    prepare: async (item) => ((item.session = { url: '/s', id: 'I', expiresAt: 9e15 }), { kind: 'ready' }),
    dropped: (item) => dropped.push(item.session?.url),
  })
  queue.add([file('a')])
  await turn()
  queue.cancelAll()
  assert.deepEqual(dropped, ['/s'])
  assert.equal(queue.items[0]?.session, undefined)
})
