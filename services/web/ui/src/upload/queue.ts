// The files on their way: how many at once, what is tried again and when. It
// knows no network and no document, so that a test can drive it.

export type State =
  | 'waiting'
  | 'sending'
  | 'checking' // all sent; the server looks at it
  | 'pausing' // before another try
  | 'added'
  | 'duplicate'
  | 'refused' // the server will never take it
  | 'failed' // may be tried again
  | 'cancelled'

export interface Item {
  readonly key: number
  readonly file: File
  state: State
  sent: number // bytes
  tries: number
  retryAt: number // of pausing, milliseconds since the epoch
  offline: boolean // of pausing: no answer came, rather than a refusal for now
  imageID: string // what was made of it, or what it is a duplicate of
  trashed: boolean // of a duplicate: it is in the trash
  code: string // of a problem
  detail: string
}

/** What one try came to. `later` is worth trying again. */
export type Outcome =
  | { kind: 'added'; imageID: string }
  | { kind: 'duplicate'; imageID: string; trashed: boolean }
  | { kind: 'refused'; code: string; detail: string }
  | { kind: 'later'; offline: boolean; after: number /* milliseconds, 0: not said */; code: string; detail: string }

export type Send = (file: File, progress: (sent: number) => void, signal: AbortSignal) => Promise<Outcome>

export interface Options {
  send: Send
  changed: (item: Item) => void
  pause: (ms: number, signal: AbortSignal) => Promise<void>
  random?: () => number
}

export const maxTries = 7
const firstBackoff = 1_000
const mostBackoff = 30_000
const mostPause = 120_000 // even if the server says longer
const startParallel = 3
const mostParallel = 4
const steadyBefore = 6 // successes in a row before one more at once

export class Queue {
  readonly items: Item[] = []
  private readonly aborts = new Map<Item, AbortController>()
  private parallel = startParallel
  private steady = 0
  private held = false // by a person; what is being checked goes on
  private next = 0 // no waiting item is before this one

  constructor(private readonly options: Options) {}

  add(files: File[]): void {
    this.items.push(...files.map((file, i) => fresh(this.items.length + i, file)))
    this.fill()
  }

  /** Adds a file that is not worth sending, with the code that says why. */
  refuse(file: File, code: string): void {
    this.items.push({ ...fresh(this.items.length, file), state: 'refused', code })
  }

  cancel(item: Item): void {
    if (isOver(item.state)) return
    item.state = 'cancelled'
    this.aborts.get(item)?.abort()
    this.options.changed(item)
  }

  cancelAll(): void {
    this.items.forEach((item) => this.cancel(item))
  }

  retry(item: Item): void {
    if (item.state !== 'failed' && item.state !== 'cancelled' && item.state !== 'refused') return
    Object.assign(item, { state: 'waiting', tries: 0, sent: 0 })
    this.next = Math.min(this.next, item.key)
    this.options.changed(item)
    this.fill()
  }

  retryFailed(): void {
    this.items.filter((item) => item.state === 'failed').forEach((item) => this.retry(item))
  }

  /** Forgets every file; what is under way is cancelled. */
  clear(): void {
    this.cancelAll()
    this.held = false
    this.items.length = 0
    this.next = 0
  }

  get paused(): boolean {
    return this.held
  }

  /** Starts nothing more and takes back what is on its way; what the server has already, it finishes. */
  pause(): void {
    this.held = true
    for (const [item, abort] of this.aborts) {
      if (item.state === 'checking') continue
      Object.assign(item, { state: 'waiting', sent: 0, tries: 0 })
      abort.abort()
      this.options.changed(item)
    }
  }

  resume(): void {
    this.held = false
    this.next = 0
    this.fill()
  }

  /** Whether something would be lost if the page went away now. */
  get unfinished(): boolean {
    return this.items.some((item) => !isOver(item.state))
  }

  get busy(): boolean {
    return this.aborts.size > 0
  }

  private fill(): void {
    while (!this.held && this.aborts.size < this.parallel) {
      const item = this.take()
      if (!item) return
      void this.process(item)
    }
  }

  private take(): Item | undefined {
    for (; this.next < this.items.length; this.next++) {
      const item = this.items[this.next]
      if (item?.state === 'waiting') return item
    }
    return undefined
  }

  private async process(item: Item): Promise<void> {
    const abort = new AbortController()
    this.aborts.set(item, abort)
    while (!isOver(item.state) && !abort.signal.aborted) await this.attempt(item, abort.signal)
    if (this.aborts.get(item) === abort) this.aborts.delete(item) // else it was resumed meanwhile
    this.options.changed(item)
    this.fill()
  }

  private async attempt(item: Item, signal: AbortSignal): Promise<void> {
    Object.assign(item, { state: 'sending', sent: 0, tries: item.tries + 1 })
    this.options.changed(item)
    const progress = (sent: number) => {
      if (signal.aborted) return
      item.sent = Math.min(sent, item.file.size)
      if (item.sent === item.file.size) item.state = 'checking'
      this.options.changed(item)
    }
    const outcome = await this.options.send(item.file, progress, signal)
    if (signal.aborted) return // it was cancelled or paused meanwhile
    if (outcome.kind === 'later') return this.later(item, outcome, signal)
    this.parallel = Math.min(mostParallel, this.parallel + (++this.steady % steadyBefore === 0 ? 1 : 0))
    const { kind, ...rest } = outcome
    Object.assign(item, rest, { state: kind, sent: item.file.size })
  }

  // later waits before the next try, or gives up. A server that is busy gets
  // fewer files at once.
  private async later(item: Item, outcome: Extract<Outcome, { kind: 'later' }>, signal: AbortSignal): Promise<void> {
    this.steady = 0
    this.parallel = Math.max(1, this.parallel - 1)
    const { code, detail, offline } = outcome
    if (item.tries >= maxTries) {
      Object.assign(item, { state: 'failed', code, detail, offline })
      return
    }
    const backoff = Math.min(mostBackoff, firstBackoff * 2 ** (item.tries - 1)) * (0.5 + (this.options.random ?? Math.random)())
    const wait = Math.min(mostPause, Math.max(backoff, outcome.after))
    Object.assign(item, { state: 'pausing', sent: 0, code, detail, offline, retryAt: Date.now() + wait })
    this.options.changed(item)
    await this.options.pause(wait, signal)
  }
}

function fresh(key: number, file: File): Item {
  return { key, file, state: 'waiting', sent: 0, tries: 0, retryAt: 0, offline: false, imageID: '', trashed: false, code: '', detail: '' }
}

export function isOver(state: State): boolean {
  return state === 'added' || state === 'duplicate' || state === 'refused' || state === 'failed' || state === 'cancelled'
}
