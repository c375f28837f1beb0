// Small pictures for the tray, made one at a time and only for what is seen:
// decoding a photograph costs a tenth of a second and its pixels in memory.

const side = 80
const remembered = 200
const largest = 60_000_000 // bytes of file

type Key = File

export class Thumbnails {
  private readonly made = new Map<Key, ImageBitmap | null>()
  private readonly wanted = new Map<Key, HTMLCanvasElement>()
  private busy = false

  /** Draws the file into the canvas, now or when its turn comes. */
  show(file: File | undefined, canvas: HTMLCanvasElement): void {
    this.forget(canvas)
    canvas.getContext('2d')?.clearRect(0, 0, side, side)
    if (!file) return
    const bitmap = this.made.get(file)
    if (bitmap) return draw(bitmap, canvas)
    if (bitmap === null || file.size > largest) return
    this.wanted.set(file, canvas)
    void this.work()
  }

  /** Makes nothing more for a canvas that is not seen any more. */
  forget(canvas: HTMLCanvasElement): void {
    for (const [file, its] of this.wanted) if (its === canvas) this.wanted.delete(file)
  }

  private async work(): Promise<void> {
    if (this.busy) return
    this.busy = true
    for (let next = this.wanted.entries().next(); !next.done; next = this.wanted.entries().next()) {
      const [file] = next.value
      const bitmap = await shrink(file)
      this.remember(file, bitmap)
      const canvas = this.wanted.get(file)
      this.wanted.delete(file)
      if (canvas && bitmap) draw(bitmap, canvas)
    }
    this.busy = false
  }

  private remember(file: File, bitmap: ImageBitmap | null): void {
    this.made.set(file, bitmap)
    const oldest = this.made.keys().next().value
    if (this.made.size <= remembered || !oldest) return
    this.made.get(oldest)?.close()
    this.made.delete(oldest)
  }
}

async function shrink(file: File): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(file, { resizeWidth: side * 1.5, resizeQuality: 'medium' })
  } catch {
    return null // not a picture that this browser knows: the server may still
  }
}

function draw(bitmap: ImageBitmap, canvas: HTMLCanvasElement): void {
  const scale = Math.max(side / bitmap.width, side / bitmap.height)
  const [w, h] = [bitmap.width * scale, bitmap.height * scale]
  canvas.getContext('2d')?.drawImage(bitmap, (side - w) / 2, (side - h) / 2, w, h)
}
