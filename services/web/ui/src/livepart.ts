// The moving part of a live picture: a video without sound over the still, as
// long as its button is on.

import { demand } from './page'

export class LivePart {
  private readonly video: HTMLVideoElement
  private readonly button: HTMLButtonElement

  constructor(dialog: HTMLElement) {
    this.video = demand<HTMLVideoElement>('.lightbox-motion', dialog)
    this.button = demand<HTMLButtonElement>('[data-do="motion"]', dialog)
    this.video.addEventListener('click', () => this.stop())
    this.video.addEventListener('error', () => this.stop()) // the browser knows no such video: the still remains
  }

  /** Offers what belongs to the picture that is shown now, if it moves. */
  show(address: string | undefined): void {
    this.stop()
    this.button.hidden = !address
    if (address) this.video.dataset['address'] = address
  }

  toggle(): void {
    if (!this.video.hidden) return this.stop()
    this.video.src = this.video.dataset['address'] ?? ''
    this.video.hidden = false
    this.button.setAttribute('aria-pressed', 'true')
    void this.video.play().catch(() => this.stop())
  }

  stop(): void {
    if (this.video.hidden) return
    this.video.hidden = true
    this.video.removeAttribute('src') // ends the loading, too
    this.video.load()
    this.button.setAttribute('aria-pressed', 'false')
  }
}
