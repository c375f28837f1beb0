// The calls to our own server, each with a deadline.

import { fault } from './messages'
import { signedOut } from './upload/answers'
import { retryAfter } from './upload/wire'
import type { PlanAnswer } from './upload/planner'

/** What the server said went wrong (RFC 9457), fit to be shown. */
export class Problem extends Error {
  constructor(
    readonly status: number, // 0: no answer
    readonly code: string | undefined,
    detail: string | undefined,
  ) {
    super(fault(code, detail))
  }
}

export interface Change {
  image_id?: string
  album_id?: string
  kind: 'added' | 'updated' | 'trashed' | 'restored' | 'removed' | 'album_changed' | 'album_removed'
}

const patience = 20_000 // milliseconds for an ordinary answer

async function call(method: string, url: string, wait = patience, signal?: AbortSignal, json?: string): Promise<Response> {
  const deadline = AbortSignal.timeout(wait)
  const content = json === undefined ? {} : { body: json, headers: { 'Content-Type': 'application/json' } }
  const init = { method, signal: signal ? AbortSignal.any([signal, deadline]) : deadline, ...content }
  const answer = await fetch(url, init).catch(() => {
    throw new Problem(0, 'unavailable', undefined)
  })
  if (answer.ok) return answer
  const body = (await answer.json().catch(() => ({}))) as { code?: string; detail?: string }
  throw new Problem(answer.status, body.code ?? (answer.status === 401 ? signedOut : undefined), body.detail)
}

const image = (id: string) => `/api/v1/images/${encodeURIComponent(id)}`

export async function moveToTrash(id: string): Promise<void> {
  await call('DELETE', image(id))
}

export async function restore(id: string): Promise<void> {
  await call('POST', `${image(id)}/restore`)
}

export async function purge(id: string): Promise<void> {
  await call('DELETE', `/api/v1/trash/${encodeURIComponent(id)}`)
}

const planning = 60_000 // milliseconds: a plan may open hundreds of sessions

/** Asks for files before they are sent. Never fails: status 0 is no answer. */
export async function plan(body: string): Promise<PlanAnswer> {
  const init = { method: 'POST', body, headers: { 'Content-Type': 'application/json' }, signal: AbortSignal.timeout(planning) }
  try {
    const answer = await fetch('/api/v1/uploads', init)
    const said: unknown = await answer.json().catch(() => undefined)
    return { status: answer.status, retryAfter: retryAfter(answer.headers.get('Retry-After')), body: said }
  } catch {
    return { status: 0, retryAfter: 0, body: undefined }
  }
}

/** Gives a session up, with what it has. It is answered with 499 where it was there. */
export async function release(session: string): Promise<void> {
  await fetch(session, { method: 'DELETE', credentials: 'same-origin', keepalive: true })
}

/** What is stored (uploadapi.Receipt). */
export interface Receipt {
  files: unknown[]
  missing?: string[]
  [more: string]: unknown
}

export async function receipt(ids: string[]): Promise<Receipt> {
  const answer = await call('POST', '/api/v1/receipts', planning, undefined, JSON.stringify({ ids }))
  return (await answer.json()) as Receipt
}

export interface Fragment {
  html: string
  next: string // cursor, empty at the end
}

/** A run of pictures as HTML. */
export async function fragment(query: Record<string, string>): Promise<Fragment> {
  const answer = await call('GET', `/fragments/images?${new URLSearchParams(query)}`)
  return { html: await answer.text(), next: answer.headers.get('Sajin-Next-Cursor') ?? '' }
}

/** The information about a picture, as its own page shows it. */
export async function information(id: string, signal: AbortSignal): Promise<Element | null> {
  const answer = await call('GET', `/images/${encodeURIComponent(id)}`, patience, signal)
  return new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('[data-info]')
}

/** Sends a form about a picture's albums, and gives the information as it is then. */
export async function sendAbout(form: HTMLFormElement): Promise<Element | null> {
  const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, String(value)]))
  const answer = await fetch(form.action, { method: 'POST', body, signal: AbortSignal.timeout(patience) }).catch(() => {
    throw new Problem(0, 'unavailable', undefined)
  })
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
  if (!answer.ok) throw new Error(page.querySelector('main p:not(.status)')?.textContent || fault(undefined, undefined))
  return page.querySelector('[data-info]')
}

/** The list of months and the gallery's total, as they are now. */
export async function months(): Promise<DocumentFragment> {
  const parsed = document.createElement('template')
  parsed.innerHTML = await (await call('GET', '/fragments/months')).text()
  return parsed.content
}

/** A page as it is now, for its counts. */
export async function overview(path: string): Promise<Document> {
  const answer = await call('GET', path)
  return new DOMParser().parseFromString(await answer.text(), 'text/html')
}

const longPoll = 25_000

/** Waits up to 25 s for changes after the cursor; without one, gives the cursor of now. */
export async function changes(cursor: string, signal: AbortSignal): Promise<{ changes: Change[]; cursor: string }> {
  const query = new URLSearchParams(cursor ? { cursor, wait_ms: String(longPoll) } : {})
  const answer = await call('GET', `/api/v1/changes?${query}`, longPoll + patience, signal)
  return (await answer.json()) as { changes: Change[]; cursor: string }
}
