// What a page sends: its plans, its chunks, and how fast it may.

/** Notes what a page asks and sends from now on. */
export function watch(page) {
  const seen = { plans: [], chunks: [], questions: 0, whole: 0 }
  page.on('request', (request) => {
    const { pathname } = new URL(request.url())
    const range = request.headers()['content-range'] ?? ''
    const [, from, to] = /^bytes (\d+)-(\d+)/.exec(range) ?? []
    if (request.method() === 'POST' && pathname === '/api/v1/uploads') seen.plans.push(...request.postDataJSON().files)
    if (request.method() === 'POST' && pathname === '/api/v1/images') seen.whole++
    if (request.method() !== 'PUT') return
    if (from) seen.chunks.push({ url: request.url(), from: Number(from), bytes: Number(to) - Number(from) + 1 })
    else if (range) seen.questions++
  })
  return seen
}

/** Gives the page a network that the test sets: how many bytes a second it may send, or none at all. */
export async function network(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Network.enable')
  const set = (offline, uploadThroughput) => session.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput })
  return { slow: (bytes) => set(false, bytes), fast: () => set(false, -1), lost: () => set(true, -1) }
}

/** Resolves when the server has at least one chunk of a file. */
export function firstChunk(page) {
  return page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.status() === 308, { timeout: 60_000 })
}

/**
 * Lets the server have each file's first chunk only: a slow network does not hold
 * the rest back for as long as a busy machine may need. `go` lets the rest pass,
 * `lose` breaks it off until then, as a network does that is gone.
 */
export async function firstChunkOnly(page) {
  const held = []
  const hold = (route) => void held.push(route)
  const pass = (route) => route.continue()
  const abort = (route) => route.abort('internetdisconnected')
  let further = hold // what becomes of a chunk that is not the first
  await page.route('**/api/v1/uploads/*', (route) => {
    const isFurther = /^bytes [1-9]/.test(route.request().headers()['content-range'] ?? '')
    return isFurther ? further(route) : pass(route)
  })
  const settle = () => Promise.all(held.splice(0).map((route) => further(route).catch(() => undefined))) // its page may be gone
  return {
    go: () => {
      further = pass
      return settle()
    },
    lose: () => {
      further = abort // also what the page is only about to send
      return settle()
    },
  }
}
