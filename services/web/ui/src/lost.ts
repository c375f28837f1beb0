// A picture that did not come, because the network changed or the gallery was
// away for a moment, is asked for again: nobody else would.

import { pause } from './page'

const tries = 4
const firstWait = 1_000 // milliseconds, and twice as long each time

const failures = new WeakMap<HTMLImageElement, number>()
const ours = '.picture img, .card img, .album-card img'

/** Watches the pictures of the page, those that come later too. */
export function askAgain(): void {
  document.addEventListener('error', ({ target }) => {
    if (target instanceof HTMLImageElement && target.matches(ours)) void later(target)
  }, true) // what happens to an image does not bubble
  addEventListener('online', () => {
    for (const image of document.querySelectorAll<HTMLImageElement>(ours)) {
      failures.delete(image)
      if (isMissing(image)) ask(image)
    }
  })
}

async function later(image: HTMLImageElement): Promise<void> {
  const failed = (failures.get(image) ?? 0) + 1
  failures.set(image, failed)
  if (failed > tries) return
  await pause(firstWait * 2 ** (failed - 1) * (0.5 + Math.random()))
  if (image.isConnected && isMissing(image)) ask(image)
}

const isMissing = (image: HTMLImageElement) => image.complete && image.naturalWidth === 0

// The same address, set again, is fetched again.
function ask(image: HTMLImageElement): void {
  const { src } = image
  image.src = src
}
