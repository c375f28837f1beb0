// The service worker of the installed page. It takes pictures that another app
// shares, and does nothing else: it answers no other request and caches nothing.
// What was shared is put where the page remembers unfinished files, and the page
// sends it from there as any other. If that cannot be done, the server's own form
// takes it.

import { isFilm, nothing } from './upload/files'
import { pair } from './upload/films'
import type { Picked } from './upload/item'
import { newKey, openMemory } from './upload/memory'

interface ShareEvent extends Event {
  readonly request: Request
  respondWith(answer: Promise<Response>): void
}

interface InstallEvent extends Event {
  addRoutes?(rules: object[]): Promise<void>
}

const target = '/share' // as the manifest says

addEventListener('install', (event) => {
  // Where the browser knows routes, other requests do not even wake the worker.
  const share = { condition: { urlPattern: { pathname: target }, requestMethod: 'POST' }, source: 'fetch-event' }
  void (event as InstallEvent).addRoutes?.([share, { condition: { urlPattern: { pathname: '/*' } }, source: 'network' }]).catch(() => undefined)
})

addEventListener('fetch', (event) => {
  const { request, respondWith } = event as ShareEvent
  if (request.method === 'POST' && new URL(request.url).pathname === target) respondWith.call(event, take(request))
})

async function take(request: Request): Promise<Response> {
  const spare = request.clone()
  try {
    await keep(await request.formData())
    return Response.redirect('/', 303)
  } catch {
    return fetch(spare)
  }
}

async function keep(form: FormData): Promise<void> {
  const files = [...form.values()].filter((value) => value instanceof File)
  if (files.length === 0) throw new Error('nothing was shared')
  const database = await openMemory()
  const transaction = database.transaction('files', 'readwrite')
  const now = Date.now()
  const keys = new Map<Picked, string>()
  inPairs(files).forEach((picked, i) => {
    const { file, filmOf } = picked
    const { name, size, lastModified, type } = file
    const key = newKey(i, now)
    keys.set(picked, key)
    const picture = keys.get(filmOf as Picked)
    void transaction.store.put({
      key, tab: '', addedAt: now, name, size, modified: lastModified, type, folder: '', sha256: '', file, ...(picture ? { filmOf: picture } : {}),
    })
  })
  await transaction.done
  database.close()
}

/** The films of live photos come after their pictures, and say which those are. One without a picture the server refuses, and says why. */
function inPairs(files: File[]): Picked[] {
  const found = nothing()
  for (const file of files) (isFilm(file.name) ? found.films : found.pictures).push({ file, folder: '' })
  pair(found, [])
  return [...found.pictures, ...found.strangers]
}
