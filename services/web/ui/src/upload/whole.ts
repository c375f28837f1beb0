// One file in one request, for a gallery that has no sessions.

import { lost, ofFailure, ofResult, type Result } from './answers'
import type { Outcome } from './item'
import type { Ship } from './session'

export async function sendWhole(file: File, companionOf: string, ship: Ship, progress: (sent: number) => void, signal: AbortSignal): Promise<Outcome> {
  // The form's own bytes count too; the file is what matters.
  const answer = await ship({ method: 'POST', url: '/api/v1/images', body: form(file, companionOf), progress: (share) => progress(share * file.size) }, signal)
  if (answer.status === 0) return lost
  const result = ((answer.body ?? {}) as { results?: Result[] }).results?.[0]
  return result ? ofResult(result, answer.retryAfter) : ofFailure(answer)
}

function form(file: File, companionOf: string): FormData {
  const form = new FormData()
  form.append('last_modified', String(file.lastModified)) // before the file, which is read as it comes
  if (companionOf) form.append('companion_of', companionOf)
  form.append('file', file, file.name)
  return form
}
