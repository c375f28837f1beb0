// One request that carries bytes. XMLHttpRequest, because fetch tells no
// progress. No cookies or headers of ours go to another host.

const silence = 60_000 // milliseconds without a byte sent or an answer: the connection is dead
const checking = 180_000 // for the server to look at the file once it has it

export interface Answer {
  status: number // 0: none came
  range: string | null // the header
  body: unknown // its JSON
  retryAfter: number // milliseconds, 0: not said
}

export interface Shipment {
  method: 'PUT' | 'POST'
  url: string
  body: Blob | FormData | null
  range?: string // the header Content-Range
  progress?: (share: number) => void // of the body, 0 to 1
}

/** Resolves with whatever came of it; an aborted request has status 0. */
export function ship({ method, url, body, range, progress }: Shipment, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest()
    const abort = () => request.abort()
    let watchdog = setTimeout(abort, silence)
    const alive = (patience: number) => {
      clearTimeout(watchdog)
      watchdog = setTimeout(abort, patience)
    }
    request.upload.addEventListener('progress', ({ loaded, total }) => {
      alive(silence)
      progress?.(total > 0 ? loaded / total : 0)
    })
    request.upload.addEventListener('load', () => alive(checking))
    request.addEventListener('loadend', () => {
      clearTimeout(watchdog)
      signal.removeEventListener('abort', abort)
      resolve(read(request))
    })
    signal.addEventListener('abort', abort)
    request.open(method, url)
    if (range) request.setRequestHeader('Content-Range', range)
    request.send(body)
    if (signal.aborted) request.abort()
  })
}

function read(request: XMLHttpRequest): Answer {
  const range = request.status === 308 ? header(request, 'range') : null
  return { status: request.status, range, body: parse(request), retryAfter: retryAfter(header(request, 'retry-after')) }
}

// Asking for a header that another host does not let us see is an error in the console.
function header(request: XMLHttpRequest, name: string): string | null {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(request.getAllResponseHeaders())?.[1]?.trim() ?? null
}

function parse(request: XMLHttpRequest): unknown {
  try {
    return JSON.parse(request.responseText) as unknown
  } catch {
    return undefined
  }
}

/** Milliseconds by the header Retry-After: seconds or a date. */
export function retryAfter(header: string | null): number {
  if (!header) return 0
  const seconds = Number(header)
  return Number.isFinite(seconds) ? seconds * 1_000 : Math.max(0, Date.parse(header) - Date.now()) || 0
}
