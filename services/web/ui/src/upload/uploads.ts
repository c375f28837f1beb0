// All files of this page: the queue with what it needs of the browser and the
// server, and the memory of what is not finished.

import { plan, release } from '../api'
import { pause } from '../page'
import { recall, match, remember, reopen } from './again'
import { ChunkSize } from './chunks'
import { isFilm, type Found } from './files'
import { alone } from './films'
import { Hasher, Unreadable } from './hasher'
import { isActive, isOver, type Item, type Outcome, type Picked } from './item'
import { Memory } from './memory'
import { Planner } from './planner'
import { Queue } from './queue'
import { sendBySession } from './session'
import { sendWhole } from './whole'
import { ship } from './wire'

// A browser opens six connections to a host by HTTP/1.1, and the page needs
// some for itself; later versions share one.
const mostByOne = 4
const mostShared = 8
const secondLook = 2_000 // milliseconds until the page before this one is surely gone

export class Uploads {
  readonly queue: Queue
  private readonly memory = new Memory()
  private readonly hasher = new Hasher(document.querySelector<HTMLElement>('script[data-hasher]')?.dataset['hasher'])
  private readonly planner: Planner
  private readonly chunks = new ChunkSize()

  constructor(private readonly changed: () => void) {
    this.planner = new Planner({ post: plan, planned: (items) => this.planned(items), album: pageAlbum, wait: pause })
    this.queue = new Queue({
      prepare: (item, signal) => this.prepare(item, signal),
      send: (item, progress, signal) => this.send(item, progress, signal),
      changed: (item) => this.noticed(item),
      dropped: (item) => this.drop(item),
      led: (film) => this.learn([film]),
      pause: untilWorthTrying,
      mostParallel: sharedConnection() ? mostShared : mostByOne,
    })
  }

  /** Takes what came in through a door. What an earlier visit left is recognised and goes on. */
  take(found: Found): void {
    const { pairs, others } = match(this.absent, [...found.pictures, ...found.films])
    for (const [item, picked] of pairs) this.queue.attach(item, picked)
    found.strangers.forEach((picked) => this.queue.refuse(picked, isFilm(picked.file.name) ? alone : 'unsupported_media_type'))
    const known = new Map<unknown, Item>(pairs.map(([item, picked]) => [picked, item]))
    const beside = (one: Picked) => (known.has(one.filmOf) ? { ...one, filmOf: known.get(one.filmOf) as Item } : one)
    remember(this.memory, this.queue.add(others.map(beside)))
  }

  /** Brings back what an earlier visit did not finish, and goes on with what can be read. */
  async recall(came: () => void): Promise<void> {
    for (const wait of [0, secondLook]) {
      await pause(wait)
      const records = await this.memory.adopt()
      if (records.length === 0) continue
      const items = recall(this.queue, records)
      came()
      await reopen(this.queue, this.memory, items, false)
      came() // some are on their way now
    }
  }

  /** Asks for leave to read absent files again, by a person's click. */
  async reopen(): Promise<void> {
    await reopen(this.queue, this.memory, this.absent, true)
    this.changed()
  }

  get absent(): Item[] {
    return this.queue.items.filter(({ state }) => state === 'absent')
  }

  /** Whether something would be lost if the page went away now. */
  get wouldLose(): boolean {
    const safe = (item: Item) => this.memory.works && item.record !== '' && (item.kept || item.handle !== undefined)
    return this.queue.items.some((item) => isActive(item.state) && !safe(item))
  }

  private async prepare(item: Item, signal: AbortSignal): Promise<Outcome> {
    if (item.size === 0) return { kind: 'refused', code: 'file_empty', detail: '' }
    if ((item.session && item.session.expiresAt > Date.now()) || this.planner.unsupported) return { kind: 'ready' }
    try {
      if (item.file) item.sha256 ||= await this.hasher.sum(item.file, signal)
    } catch (error) {
      if (error instanceof Unreadable) return { kind: 'refused', code: 'file_unreadable', detail: '' }
      throw error
    }
    if (signal.aborted) return { kind: 'ready' }
    const outcome = await this.planner.ask(item)
    if (signal.aborted) this.drop(item)
    return outcome
  }

  private send(item: Item, progress: (sent: number) => void, signal: AbortSignal): Promise<Outcome> {
    const { file, session } = item
    if (!file) return Promise.resolve({ kind: 'refused', code: 'file_unreadable', detail: '' })
    if (!session) return sendWhole(file, item.companionOf, ship, progress, signal)
    return sendBySession({ item, file, session, chunks: this.chunks, ship, progress, signal, now: () => performance.now() })
  }

  private planned(items: Item[]): void {
    if (items.some(({ session }) => session && !session.url.startsWith('/'))) this.queue.pace.most = mostShared // another host's connections
    this.learn(items)
  }

  private learn(items: Item[]): void {
    this.memory.learn(items.filter(({ record }) => record).map(({ record: key, sha256, session, companionOf }) => ({ key, sha256, session, companionOf })))
  }

  // A failed file stays remembered: it may be tried again after a reload.
  private noticed(item: Item): void {
    if (item.record && isOver(item.state) && item.state !== 'failed') {
      this.memory.forget([item.record])
      item.record = ''
    }
    this.changed()
  }

  private drop(item: Item): void {
    if (item.session) void release(item.session.url).catch(() => undefined) // it expires by itself
  }
}

/** The album that the page shows, if it is one. */
function pageAlbum(): string {
  return document.querySelector<HTMLElement>('main[data-album-path]')?.dataset['albumPath'] ?? ''
}

function sharedConnection(): boolean {
  const [navigation] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
  return /^h[23]/.test(navigation?.nextHopProtocol ?? '')
}

/**
 * Waits, or until the network is back. A machine without one can still reach a
 * gallery of its own, so that no network is no reason not to try.
 */
async function untilWorthTrying(ms: number, offline: boolean, signal: AbortSignal): Promise<void> {
  const back = new AbortController()
  const done = () => back.abort()
  const options = { signal: back.signal }
  signal.addEventListener('abort', done, options)
  if (offline) addEventListener('online', done, options)
  await pause(ms, back.signal)
  back.abort()
}
