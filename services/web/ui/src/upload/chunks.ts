// How much of a file goes in one request: so much that a request lasts a few
// seconds, since each costs a round trip, and one that breaks off costs what
// had not arrived.

const step = 256 * 1024 // every chunk but a file's last is a multiple of it
export const leastChunk = 4 * step
export const mostChunk = 64 * step // well below the 32 MiB that some proxies allow a request
const aim = 4_000 // milliseconds that a chunk should take

export class ChunkSize {
  private size = 16 * step

  /** Where the chunk that begins at an offset ends. A short rest goes along. */
  end(offset: number, total: number): number {
    const left = total - offset
    return left <= this.size * 1.25 && left <= mostChunk ? total : offset + this.size
  }

  /** Learns from a chunk that arrived. */
  took(bytes: number, ms: number): void {
    if (bytes < leastChunk) return // says more about the round trip
    const fit = (bytes * aim) / Math.max(1, ms)
    this.set(Math.min(fit, this.size * 2))
  }

  broke(): void {
    this.set(this.size / 2)
  }

  private set(bytes: number): void {
    this.size = Math.min(mostChunk, Math.max(leastChunk, Math.round(bytes / step) * step))
  }
}

/** The Content-Range of the bytes from offset before end. */
export const span = (offset: number, end: number, total: number) => `bytes ${offset}-${end - 1}/${total}`

/** The Content-Range that asks how far a session has come. */
export const question = (total: number) => `bytes */${total}`

/** How many bytes a session has, by the Range of its answer; NaN if that cannot be read. */
export function arrived(range: string | null): number {
  if (!range) return 0
  const last = /^bytes=0-(\d+)$/.exec(range)?.[1]
  return last === undefined ? NaN : Number(last) + 1
}
