// One file through a session: chunk by chunk, from where the server has come
// to. https://cloud.google.com/storage/docs/performing-resumable-uploads

import { asResult, lost, ofFailure, ofResult } from './answers'
import { arrived, question, span, type ChunkSize } from './chunks'
import type { Item, Outcome, Session } from './item'
import type { Answer, Shipment } from './wire'

export type Ship = (what: Shipment, signal: AbortSignal) => Promise<Answer>

const inVain = 3 // answers in a row that say the same offset
const soon = 500 // milliseconds until somebody else's chunk may be through

export interface Sending {
  item: Item
  file: File
  session: Session
  chunks: ChunkSize
  ship: Ship
  progress: (sent: number) => void
  signal: AbortSignal
  now: () => number
}

/** Sends what is missing. The item's durable and begun say how far it has come, whatever comes of it. */
export async function sendBySession(s: Sending): Promise<Outcome> {
  let stuck = 0
  // What may have come further than we know is asked for.
  let ask = s.item.begun
  while (!s.signal.aborted) {
    const answer = ask ? await inquire(s) : await sendChunk(s)
    if (answer.status !== 308) return conclude(s, answer)
    const offset = arrived(answer.range)
    if (ask && offset === s.item.size) return unsaid(s, answer)
    stuck = !ask && offset <= s.item.durable ? stuck + 1 : 0
    if (Number.isNaN(offset) || offset > s.item.size || stuck >= inVain) return { kind: 'failed', code: '', detail: '' }
    ask = false
    s.item.durable = offset
    s.progress(offset)
    if (offset === s.item.size) ask = true // all is there, and not yet looked at
  }
  return lost
}

// unsaid waits for a server that has all and does not say what became of it.
function unsaid({ item, progress }: Sending, { retryAfter }: Answer): Outcome {
  item.durable = item.size
  progress(item.size)
  return { kind: 'later', offline: false, after: Math.max(soon, retryAfter), code: 'unavailable', detail: '' }
}

function inquire({ ship, session, item, signal }: Sending): Promise<Answer> {
  return ship({ method: 'PUT', url: session.url, body: null, range: question(item.size) }, signal)
}

async function sendChunk(s: Sending): Promise<Answer> {
  const { item, file, chunks } = s
  const from = item.durable
  const end = chunks.end(from, item.size)
  const begun = s.now()
  item.begun = true
  const progress = (share: number) => s.progress(from + share * (end - from))
  const answer = await s.ship({ method: 'PUT', url: s.session.url, body: file.slice(from, end), range: span(from, end, item.size), progress }, s.signal)
  if (answer.status === 308) chunks.took(end - from, s.now() - begun)
  else if (answer.status === 0 || answer.status >= 500) chunks.broke()
  return answer
}

// conclude reads an answer that is not "go on".
async function conclude(s: Sending, answer: Answer): Promise<Outcome> {
  const { status, retryAfter } = answer
  const result = asResult(answer.body)
  if ((status === 200 || status === 201) && !result) return complete(s)
  if (status === 412 && !s.session.url.startsWith('/')) return complete(s) // its object is there: by a try whose answer was lost
  if (status === 200 || status === 201) s.item.durable = s.item.size
  if (result && status < 300) return ofResult(result, retryAfter)
  if (status === 409 || status === 423) return { kind: 'later', offline: false, after: Math.max(soon, retryAfter), code: 'unavailable', detail: '' }
  if (status === 404 || status === 410 || status === 499) return { kind: 'again' }
  if (status === 0 && !s.signal.aborted && (await gone(s.file))) return { kind: 'refused', code: 'file_unreadable', detail: '' }
  return ofFailure(answer)
}

// complete asks our server to take in what another host has received.
async function complete({ ship, session, item, signal, progress }: Sending): Promise<Outcome> {
  item.durable = item.size
  progress(item.size)
  const answer = await ship({ method: 'POST', url: `/api/v1/uploads/${encodeURIComponent(session.id)}/complete`, body: null }, signal)
  const result = asResult(answer.body)
  if (result && answer.status < 300) return ofResult(result, answer.retryAfter)
  if (answer.status === 404) return { kind: 'again' }
  if (answer.status === 409) return { kind: 'later', offline: false, after: soon, code: 'unavailable', detail: '' }
  return ofFailure(answer)
}

/** Whether the browser cannot read the file any more: it was changed, moved or removed. */
async function gone(file: File): Promise<boolean> {
  return file.slice(0, 1).arrayBuffer().then(() => false, () => true)
}
