// The files on their way: which are prepared, which are sent, how many at once,
// what is tried again and when. It knows no network and no document, so that a
// test can drive it.

import { follow, waits } from './films'
import { blank, fresh, isActive, isOver, type Item, type Later, type Outcome, type Picked } from './item'
import { Pace } from './pace'
import { signedOut } from './answers'

export interface Options {
  /** Reads the file and asks the server for it. */
  prepare: (item: Item, signal: AbortSignal) => Promise<Outcome>
  /** Sends what was prepared; progress tells how many bytes are on their way. */
  send: (item: Item, progress: (sent: number) => void, signal: AbortSignal) => Promise<Outcome>
  changed: (item: Item) => void
  /** Waits before another try, shorter when the connection comes back. */
  pause: (ms: number, offline: boolean, signal: AbortSignal) => Promise<void>
  /** A person gave the item up; its session may be. */
  dropped?: (item: Item) => void
  /** A film knows its image now. */
  led?: (film: Item) => void
  random?: () => number
  now?: () => number
  mostParallel?: number
}

export const maxTries = 7 // without progress, of a server that answers
export const maxTriesOffline = 30 // of one that cannot be reached: about a quarter of an hour
export const maxRenewals = 3 // sessions of one file
const firstBackoff = 1_000
const mostBackoff = 30_000
const mostPause = 120_000 // even if the server says longer
export const ahead = 64 // files that are prepared before they are sent

type Stage = 'prepare' | 'send'

export class Queue {
  readonly items: Item[] = []
  readonly pace: Pace
  private readonly stages: Record<Stage, Map<Item, AbortController>> = { prepare: new Map(), send: new Map() }
  private readonly ready: Item[] = []
  private readonly films = new Map<Item, Item>() // by their pictures
  private held = false // by a person; what is being checked goes on
  private next = 0 // no waiting item is before this one

  constructor(private readonly options: Options) {
    this.pace = new Pace(options.mostParallel ?? 4, options.now ?? (() => performance.now()))
  }

  /** Adds files; a film may come with its picture, after it, or be of one that is there. */
  add(picked: Picked[]): Item[] {
    const items = picked.map((one, i) => fresh(this.items.length + i, one))
    const made = new Map(picked.map((one, i) => [one, items[i] as Item]))
    picked.forEach(({ filmOf }, i) => {
      const picture = filmOf && 'key' in filmOf ? filmOf : filmOf && made.get(filmOf)
      if (picture) this.join(items[i] as Item, picture)
    })
    for (const item of items) this.items.push(item)
    this.fill()
    return items
  }

  /** Makes an item the film of another, which it waits for. */
  join(film: Item, picture: Item): void {
    film.filmOf = picture
    this.films.set(picture, film)
    this.lead(picture)
  }

  /** Adds files of an earlier visit, whose bytes are not there yet. */
  recall(known: Omit<Partial<Item> & Pick<Item, 'name' | 'size' | 'modified' | 'type' | 'folder'>, 'key'>[]): Item[] {
    return known.map((k) => {
      const item: Item = { ...blank(this.items.length, k.name, k.size, k.modified, k.type, k.folder), ...k, key: this.items.length, state: 'absent' }
      this.items.push(item)
      return item
    })
  }

  /** Gives an absent item its bytes; it goes on. */
  attach(item: Item, picked: Pick<Picked, 'file' | 'handle' | 'root'>): void {
    if (item.state !== 'absent') return
    Object.assign(item, { ...picked, state: 'waiting' })
    this.wake(item)
  }

  /** Puts another file in an absent item's place: what was known of it holds no more. */
  replace(item: Item, picked: Picked): Item {
    const anew = { ...fresh(item.key, picked), filmOf: item.filmOf, companionOf: item.companionOf }
    this.items[item.key] = anew
    if (item.filmOf) this.films.set(item.filmOf, anew)
    const film = this.films.get(item)
    if (film) this.join(film, anew)
    this.wake(anew)
    return anew
  }

  /** Adds a file that is not worth sending, with the code that says why. */
  refuse(picked: Picked, code: string): void {
    this.items.push({ ...fresh(this.items.length, picked), state: 'refused', code })
  }

  cancel(item: Item): void {
    if (isOver(item.state)) return
    item.state = 'cancelled'
    this.abort(item)
    this.options.dropped?.(item)
    Object.assign(item, { session: undefined, begun: false, durable: 0 })
    this.lead(item)
    this.options.changed(item)
  }

  cancelAll(): void {
    this.items.forEach((item) => this.cancel(item))
  }

  retry(item: Item): void {
    if (item.state !== 'failed' && item.state !== 'cancelled' && item.state !== 'refused') return
    // What was refused for its content is read and planned anew.
    if (item.state === 'refused' || item.code === 'checksum_mismatch') Object.assign(item, { sha256: '', session: undefined, begun: false, durable: 0 })
    Object.assign(item, { state: item.file ? 'waiting' : 'absent', renewals: 0, sent: item.durable, code: '', detail: '' })
    this.wake(item)
    if (item.filmOf) this.lead(item.filmOf)
    const film = this.films.get(item)
    if (film && waits(film)) this.retry(film)
  }

  retryFailed(): void {
    this.items.filter((item) => item.state === 'failed').forEach((item) => this.retry(item))
  }

  /** Forgets every file; what is under way is cancelled. */
  clear(): void {
    this.cancelAll()
    this.held = false
    this.items.length = 0
    this.ready.length = 0
    this.films.clear()
    this.next = 0
  }

  get paused(): boolean {
    return this.held
  }

  /** Starts nothing more and stops what is being sent; what the server has already, it finishes. */
  pause(): void {
    this.held = true
    for (const item of [...this.stages.send.keys()]) {
      if (item.state === 'checking') continue
      this.abort(item)
      Object.assign(item, { state: 'waiting', sent: item.durable })
      this.options.changed(item)
    }
  }

  resume(): void {
    this.held = false
    this.next = 0
    this.fill()
  }

  get busy(): boolean {
    return this.stages.prepare.size + this.stages.send.size > 0
  }

  /** Whether something is under way or will be, without anybody's help. */
  get active(): boolean {
    return this.items.some((item) => isActive(item.state))
  }

  // A film goes to the image that its picture has become, and not without it.
  private lead(picture: Item): void {
    const film = this.films.get(picture)
    if (!film || !waits(film) || isOver(film.state)) return
    follow(film, picture)
    this.next = Math.min(this.next, film.key)
    if (film.companionOf) this.options.led?.(film)
    this.options.changed(film)
  }

  private wake(item: Item): void {
    this.next = Math.min(this.next, item.key)
    this.options.changed(item)
    this.fill()
  }

  private abort(item: Item): void {
    for (const stage of Object.values(this.stages)) {
      stage.get(item)?.abort()
      stage.delete(item)
    }
    const at = this.ready.indexOf(item)
    if (at >= 0) this.ready.splice(at, 1)
  }

  private fill(): void {
    while (!this.held && this.stages.send.size < this.pace.parallel) {
      const item = this.ready.shift()
      if (!item) break
      void this.run('send', item)
    }
    while (!this.held && this.stages.prepare.size + this.ready.length < ahead) {
      const item = this.take()
      if (!item) return
      void this.run('prepare', item)
    }
  }

  private take(): Item | undefined {
    for (; this.next < this.items.length; this.next++) {
      const item = this.items[this.next]
      if (item?.state === 'waiting' && !waits(item)) return item
    }
    return undefined
  }

  // run takes an item through one stage, try by try.
  private async run(stage: Stage, item: Item): Promise<void> {
    const abort = new AbortController()
    const { signal } = abort
    this.stages[stage].set(item, abort)
    item.tries = 0
    let outcome = await this.attempt(stage, item, signal)
    while (outcome?.kind === 'later') {
      if (!(await this.later(item, outcome, signal))) break
      outcome = await this.attempt(stage, item, signal)
    }
    if (signal.aborted) return // whoever aborted it has put it where it belongs
    this.stages[stage].delete(item)
    if (outcome) this.settle(item, outcome)
    this.lead(item)
    this.options.changed(item)
    this.fill()
  }

  private async attempt(stage: Stage, item: Item, signal: AbortSignal): Promise<Outcome | undefined> {
    if (signal.aborted) return undefined
    Object.assign(item, { state: stage === 'send' ? 'sending' : 'reading', sent: item.durable, tries: item.tries + 1 })
    this.options.changed(item)
    const durable = item.durable
    const outcome = await (stage === 'prepare' ? this.options.prepare(item, signal) : this.options.send(item, (sent) => this.progress(item, sent, signal), signal))
    if (signal.aborted) return undefined
    this.pace.moved(Math.max(0, item.durable - durable))
    if (item.durable > durable) item.tries = 1
    return outcome
  }

  private progress(item: Item, sent: number, signal: AbortSignal): void {
    if (signal.aborted) return
    Object.assign(item, { sent: Math.min(sent, item.size), code: '', detail: '' })
    item.state = item.sent === item.size ? 'checking' : 'sending'
    this.options.changed(item)
  }

  private settle(item: Item, outcome: Outcome): void {
    switch (outcome.kind) {
      case 'later':
        return // it has failed
      case 'ready':
        Object.assign(item, { state: 'ready', code: '', detail: '' })
        this.ready.push(item)
        return
      case 'again':
        Object.assign(item, { session: undefined, begun: false, durable: 0, sent: 0, renewals: item.renewals + 1 })
        item.state = item.renewals < maxRenewals ? 'waiting' : 'failed'
        this.next = Math.min(this.next, item.key)
        return
      default: {
        const { kind, ...rest } = outcome
        Object.assign(item, rest, { state: kind, sent: item.size })
        this.pace.finished(this.ready.length === 0)
      }
    }
  }

  // later waits before the next try and says whether there is one. A server
  // that is busy gets fewer files at once.
  private async later(item: Item, outcome: Later, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return false
    if (!outcome.exact) this.pace.trouble()
    const { code, detail, offline } = outcome
    if (code === signedOut) item.tries = 0 // a person may take their time
    if (item.tries >= (offline ? maxTriesOffline : maxTries)) {
      Object.assign(item, { state: 'failed', code, detail, offline })
      return false
    }
    const wait = outcome.exact ? outcome.after : Math.max(backoff(item.tries, this.options.random ?? Math.random), outcome.after)
    Object.assign(item, { state: 'pausing', sent: item.durable, code, detail, offline, retryAt: Date.now() + Math.min(mostPause, wait) })
    this.options.changed(item)
    await this.options.pause(Math.min(mostPause, wait), offline, signal)
    return !signal.aborted
  }
}

/** Milliseconds before try number n + 1: longer and longer, and never all at one moment. */
export function backoff(n: number, random: () => number): number {
  return Math.min(mostBackoff, firstBackoff * 2 ** (n - 1)) * (0.5 + random())
}
