// What the server's answers mean for a file.

import type { Later, Outcome } from './item'
import type { Answer } from './wire'

export interface ProblemBody {
  code?: string
  detail?: string
  status?: number
}

/** What became of a file (uploadapi.Result). */
export interface Result {
  status: string
  id?: string
  duplicate_of?: string
  trashed?: boolean
  problem?: ProblemBody
}

/** 507 means a full disk: trying again at once would not empty it. */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 423 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 507)
}

/** The code of an answer to nobody. */
export const signedOut = 'unauthenticated'
const untilSignedIn = 5_000 // milliseconds between tries

export const lost: Later = { kind: 'later', offline: true, after: 0, code: '', detail: '' }

/** Reads a body as a Result, if it is one; Cloud Storage answers with its own object. */
export function asResult(body: unknown): Result | undefined {
  const { status } = (body ?? {}) as { status?: unknown }
  return typeof status === 'string' ? (body as Result) : undefined
}

export function ofResult(result: Result, retryAfter: number): Outcome {
  if (result.status === 'duplicate') return { kind: 'duplicate', imageID: result.duplicate_of ?? '', trashed: result.trashed ?? false }
  if (result.status !== 'refused') return { kind: 'added', imageID: result.id ?? '' }
  return ofProblem(result.problem ?? {}, result.problem?.status ?? 422, retryAfter)
}

/** An answer that is no success. What nobody explained may be tried again. */
export function ofFailure({ status, body, retryAfter }: Answer): Outcome {
  if (status === 0) return lost
  return ofProblem((body ?? {}) as ProblemBody, status, retryAfter)
}

export function ofProblem({ code, detail }: ProblemBody, status: number, retryAfter: number): Outcome {
  const said = { code: typeof code === 'string' ? code : '', detail: detail ?? '' }
  // Nobody is signed in any more: as soon as somebody is, in whichever window, it goes on.
  if (status === 401 && said.code === signedOut) return { kind: 'later', offline: false, after: untilSignedIn, exact: true, ...said }
  if (isTemporary(status)) return { kind: 'later', offline: false, after: retryAfter, ...said }
  return { kind: said.code && said.code !== 'checksum_mismatch' ? 'refused' : 'failed', ...said }
}
