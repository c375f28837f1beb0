// Takes SHA-256 sums beside the page. A file is read slice by slice, so that
// none is ever in memory as a whole. What fits one slice is left to the browser's
// own implementation, which is faster but takes no stream; larger files go
// through WebAssembly, several times as fast as JavaScript.

import { createSHA256, type IHasher } from 'hash-wasm'

const slice = 8 * 1024 * 1024

let hasher: IHasher | undefined

async function sum(file: File): Promise<string> {
  if (file.size <= slice && crypto.subtle) return hex(await crypto.subtle.digest('SHA-256', await file.arrayBuffer()))
  hasher ??= await createSHA256()
  hasher.init()
  for (let at = 0; at < file.size; at += slice) hasher.update(new Uint8Array(await file.slice(at, at + slice).arrayBuffer()))
  return hasher.digest('hex')
}

function hex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, '0')).join('')
}

addEventListener('message', ({ data }: MessageEvent<File>) => {
  sum(data).then(
    (sha256) => postMessage({ sha256 }),
    (error: unknown) => postMessage({ unreadable: error instanceof DOMException && error.name === 'NotReadableError' || error instanceof DOMException && error.name === 'NotFoundError' }),
  )
})
