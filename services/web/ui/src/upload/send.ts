// One file to the server. XMLHttpRequest, because fetch tells no progress.

import type { Outcome } from './queue'

const silence = 60_000 // without a byte sent or an answer: the connection is dead
const checking = 180_000 // for the server to look at the file once it has it

interface Answer {
  results?: { status: string; id?: string; duplicate_of?: string; trashed?: boolean; problem?: { code?: string; detail?: string; status?: number } }[]
  code?: string
  detail?: string
}

export function send(file: File, progress: (sent: number) => void, signal: AbortSignal): Promise<Outcome> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    const lost: Outcome = { kind: 'later', offline: true, after: 0, code: '', detail: '' }
    let watchdog = setTimeout(() => request.abort(), silence)
    const alive = (patience: number) => {
      clearTimeout(watchdog)
      watchdog = setTimeout(() => request.abort(), patience)
    }
    const abort = () => request.abort()
    request.upload.addEventListener('progress', (event) => {
      alive(silence)
      // The form's own bytes count too; the file is what matters.
      progress(event.lengthComputable ? (event.loaded / event.total) * file.size : event.loaded)
    })
    request.upload.addEventListener('load', () => alive(checking))
    request.addEventListener('loadend', () => {
      clearTimeout(watchdog)
      signal.removeEventListener('abort', abort)
      resolve(request.status === 0 ? lost : read(request))
    })
    signal.addEventListener('abort', abort)
    request.open('POST', '/api/v1/images')
    request.responseType = 'json'
    request.send(form(file))
  })
}

function form(file: File): FormData {
  const form = new FormData()
  form.append('last_modified', String(file.lastModified)) // before the file, which is read as it comes
  form.append('file', file, file.name)
  return form
}

function read(request: XMLHttpRequest): Outcome {
  const answer = (request.response ?? {}) as Answer
  const result = answer.results?.[0]
  if (result?.status === 'duplicate') return { kind: 'duplicate', imageID: result.duplicate_of ?? '', trashed: result.trashed ?? false }
  if (result && result.status !== 'refused') return { kind: 'added', imageID: result.id ?? '' }
  const { code = '', detail = '' } = result?.problem ?? answer
  const status = result?.problem?.status ?? request.status
  if (isTemporary(status)) return { kind: 'later', offline: false, after: retryAfter(request), code, detail }
  return { kind: 'refused', code, detail }
}

/** 507 means a full disk: trying again at once would not empty it. */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 423 || status === 425 || status === 429 || (status >= 500 && status !== 501 && status !== 507)
}

function retryAfter(request: XMLHttpRequest): number {
  const header = request.getResponseHeader('Retry-After')
  if (!header) return 0
  const seconds = Number(header)
  return Number.isFinite(seconds) ? seconds * 1_000 : Math.max(0, Date.parse(header) - Date.now()) || 0
}
