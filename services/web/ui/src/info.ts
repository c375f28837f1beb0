// The information about the picture in the lightbox, as its own page shows it.

import { information, sendAbout } from './api'
import { t } from './messages'
import { toast } from './toast'

const remembered = 50
const settle = 120 // milliseconds on one picture before its information is fetched

export class InfoPanel {
  private readonly known = new Map<string, Element>()
  private open = false
  private id = ''
  private timer = 0
  private request = new AbortController()

  constructor(
    private readonly panel: HTMLElement,
    private readonly resized: () => void,
  ) {
    panel.addEventListener('submit', (event) => void this.submitted(event))
  }

  toggle(open: boolean): void {
    this.open = open
    this.panel.hidden = !open
    this.resized()
    if (open) this.show(this.id)
  }

  /** Shows the information about this picture, if the panel is open. */
  show(id: string): void {
    this.id = id
    this.stop()
    if (!this.open) return
    const known = this.known.get(id)
    if (known?.parentElement === this.panel) return // somebody may be typing in it
    if (known) return this.panel.replaceChildren(known)
    this.panel.replaceChildren()
    this.timer = window.setTimeout(() => void this.fetch(id), settle)
  }

  stop(): void {
    clearTimeout(this.timer)
    this.request.abort()
  }

  private async fetch(id: string): Promise<void> {
    const { signal } = (this.request = new AbortController())
    const found = await information(id, signal).catch(() => null)
    if (signal.aborted || id !== this.id) return
    if (!found) {
      this.panel.textContent = t('info_failed')
      return
    }
    this.remember(id, found)
    this.panel.replaceChildren(found)
  }

  // A form about the albums changes the panel and not the page.
  private async submitted(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const id = this.id
    try {
      const found = await sendAbout(event.target as HTMLFormElement)
      if (!found) return
      this.known.delete(id)
      this.remember(id, found)
      if (id !== this.id) return
      this.panel.replaceChildren(found)
      found.querySelector<HTMLElement>('.image-album input')?.focus()
    } catch (error) {
      toast(error instanceof Error ? error.message : t('action_failed'))
    }
  }

  private remember(id: string, element: Element): void {
    this.known.set(id, element)
    const oldest = this.known.keys().next().value
    if (this.known.size > remembered && oldest !== undefined) this.known.delete(oldest)
  }
}
