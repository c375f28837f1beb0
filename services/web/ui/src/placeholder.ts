// The blurred picture that is shown until the real one has come.

import { thumbHashToRGBA } from 'thumbhash'

/** Puts the placeholder behind a figure's picture, and takes it away again. */
export function placeholder(figure: HTMLElement): void {
  const image = figure.querySelector('img')
  const hash = figure.dataset['thumbhash']
  if (!image || image.complete || !hash) return
  const canvas = paint(hash)
  if (!canvas) return
  image.before(canvas)
  figure.classList.add('waiting')
  const done = () => {
    figure.classList.remove('waiting')
    setTimeout(() => discard(canvas), 400) // after the fade
  }
  image.addEventListener('load', done, { once: true }) // one that does not come is asked for again
}

/** Takes a canvas away with its pixels, which would else wait for the collector. */
export function discard(canvas: HTMLCanvasElement): void {
  canvas.remove()
  canvas.width = canvas.height = 0
}

function paint(hash: string): HTMLCanvasElement | undefined {
  try {
    const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(hash), (c) => c.charCodeAt(0)))
    const canvas = document.createElement('canvas')
    canvas.width = w
    canvas.height = h
    canvas.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(rgba), w, h), 0, 0)
    return canvas
  } catch {
    return undefined // a damaged hash costs the blur, nothing else
  }
}
