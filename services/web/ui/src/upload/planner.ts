// Asks the server for files before they are sent, many in one request: which
// are new and where they go, which it has already, which it will never take.

import { ofProblem, type ProblemBody } from './answers'
import { backoff } from './queue'
import type { Item, Outcome, Session } from './item'

export const mostFiles = 500 // a plan; the server takes 1000
export const mostBytes = 2 * 1024 * 1024 // of its JSON; the server takes 4 MiB
const gather = 20 // milliseconds in which files that are ready at once come together

/** The request and the answer, as the API has them (uploadapi.PlanFile and PlanResult). */
export interface PlanFile {
  name: string
  size: number
  content_type?: string
  sha256?: string
  last_modified: number
  path?: string
  album?: string
  companion_of?: string
}

interface PlanResult {
  status: 'new' | 'duplicate' | 'refused'
  id?: string
  session_url?: string
  expires_at?: string
  duplicate_of?: string
  trashed?: boolean
  problem?: ProblemBody
}

export interface PlanAnswer {
  status: number // 0: none came
  retryAfter: number // milliseconds
  body: unknown
}

interface Request {
  item: Item
  done: (outcome: Outcome) => void
}

export interface PlannerOptions {
  post: (body: string) => Promise<PlanAnswer>
  planned: (items: Item[]) => void // they have sessions now
  album: () => string // of the page, in which all is put
  wait: (ms: number) => Promise<void>
  random?: () => number
}

export class Planner {
  private waiting: Request[] = []
  private busy = false
  private failures = 0
  private whole = false

  constructor(private readonly options: PlannerOptions) {}

  /** The gallery has no sessions: files are sent whole, without a plan. */
  get unsupported(): boolean {
    return this.whole
  }

  /** Resolves when the server has answered for the item. */
  ask(item: Item): Promise<Outcome> {
    return new Promise((done) => {
      this.waiting.push({ item, done })
      void this.work()
    })
  }

  // One plan at a time: what comes meanwhile goes together in the next.
  private async work(): Promise<void> {
    if (this.busy) return
    this.busy = true
    await this.options.wait(gather)
    while (this.waiting.length > 0) {
      const [requests, body] = this.batch()
      const answer = await this.options.post(body)
      const items = requests.map(({ item }) => item)
      const outcomes = this.read(answer, items)
      const opened = items.filter((_, i) => outcomes[i]?.kind === 'ready' && !this.whole)
      if (opened.length > 0) this.options.planned(opened)
      requests.forEach(({ done }, i) => done(outcomes[i] ?? { kind: 'failed', code: '', detail: '' }))
    }
    this.busy = false
  }

  private batch(): [Request[], string] {
    const files: string[] = []
    let bytes = 0
    for (const { item } of this.waiting.slice(0, mostFiles)) {
      const text = JSON.stringify(planFile(item, this.options.album()))
      bytes += 3 * text.length // UTF-8 takes three bytes for a unit at most
      if (files.length > 0 && bytes > mostBytes) break
      files.push(text)
    }
    return [this.waiting.splice(0, files.length), `{"files":[${files.join(',')}]}`]
  }

  private read({ status, retryAfter, body }: PlanAnswer, items: Item[]): Outcome[] {
    const { files, code, detail } = (body ?? {}) as { files?: PlanResult[] } & ProblemBody
    if (status === 200 && files?.length === items.length) {
      this.failures = 0
      return files.map((result, i) => settle(items[i] as Item, result))
    }
    if (status === 415 && code === 'sessions_unsupported') {
      this.whole = true
      return items.map(() => ({ kind: 'ready' }))
    }
    return this.failed(status, { code: code ?? '', detail: detail ?? '' }, retryAfter, items)
  }

  // All that were in the plan try again at one moment, so that they are one plan again.
  private failed(status: number, problem: ProblemBody, retryAfter: number, items: Item[]): Outcome[] {
    const after = Math.max(retryAfter, backoff(++this.failures, this.options.random ?? Math.random))
    const outcome: Outcome =
      status === 0 ? { kind: 'later', offline: true, after, exact: true, code: '', detail: '' } : ofProblem(problem, status, after)
    const same = outcome.kind === 'later' ? { ...outcome, after, exact: true } : outcome
    return items.map(() => same)
  }
}

function planFile(item: Item, album: string): PlanFile {
  const { name, size, type, sha256, modified, companionOf } = item
  const folder = item.folder.normalize() // some systems write names taken apart
  const into = [album, folder].filter(Boolean).join('/')
  return {
    name, size, last_modified: modified,
    ...(type ? { content_type: type } : {}), ...(sha256 ? { sha256 } : {}), ...(folder ? { path: folder } : {}), ...(into ? { album: into } : {}),
    ...(companionOf ? { companion_of: companionOf } : {}),
  }
}

function settle(item: Item, result: PlanResult): Outcome {
  if (result.status === 'duplicate') return { kind: 'duplicate', imageID: result.duplicate_of ?? '', trashed: result.trashed ?? false }
  if (result.status === 'refused') return ofProblem(result.problem ?? {}, result.problem?.status ?? 422, 0)
  item.session = session(result)
  Object.assign(item, { begun: false, durable: 0 })
  return { kind: 'ready' }
}

function session({ session_url, id, expires_at }: PlanResult): Session {
  return { url: session_url ?? '', id: id ?? '', expiresAt: Date.parse(expires_at ?? '') || Infinity }
}
