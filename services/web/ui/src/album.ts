// The page of an album: its pictures load on as one scrolls, and come and go as
// they do in the album. The timeline's own rules lay them out.

import { fragment, overview, type Change } from './api'
import type { Lightbox } from './lightbox'
import { follow, settle } from './live'
import type { Timeline } from './timeline'

export class Album {
  constructor(
    private readonly id: string,
    private readonly timeline: Timeline,
    private readonly lightbox: Lightbox,
    onFirstPage: boolean,
  ) {
    this.more(timeline.root.dataset['next'] ?? '')
    if (onFirstPage) void follow(timeline.root.dataset['changes'] ?? '', this)
  }

  async apply(changes: Change[]): Promise<void> {
    if (changes.some((change) => change.kind === 'album_removed' && change.album_id === this.id)) return location.assign('/albums')
    const { show, hide } = settle(changes, ['added', 'updated', 'restored'], ['trashed', 'removed'])
    this.hide(hide)
    const mine = changes.some((change) => change.album_id === this.id)
    if (mine || show.some((id) => this.timeline.figure(id)) || changes.some((change) => change.kind === 'restored')) await this.lost()
    else if (hide.length > 0) await this.count() // this window may have taken them out already
  }

  /** Looks at the newest pictures again. */
  async lost(): Promise<void> {
    const { html, next } = await fragment({ album: this.id })
    this.timeline.merge(html, true)
    await this.count()
    if (next) return
    const gone = [...this.timeline.root.querySelectorAll<HTMLElement>('.picture')].map((figure) => figure.dataset['id'] ?? '')
    this.hide(gone.filter((id) => !html.includes(`id="p-${id}"`)))
  }

  // How many there are is for the server to say, in the page's own words.
  private async count(): Promise<void> {
    const fresh = await overview(`/albums/${encodeURIComponent(this.id)}`)
    const [old, its] = [document.querySelector('[data-total]'), fresh.querySelector('[data-total]')]
    if (old && its) old.replaceChildren(...its.childNodes)
  }

  private hide(ids: string[]): void {
    this.timeline.remove(...ids)
    ids.forEach((id) => this.lightbox.forget(id))
  }

  // The button for the next page is pressed by coming near.
  private more(next: string): void {
    const older = document.querySelector<HTMLElement>('.older')
    if (!older || !next) return
    const observer = new IntersectionObserver(
      async (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return
        observer.disconnect()
        const page = await fragment({ album: this.id, cursor: next }).catch(() => undefined)
        if (!page) return // the link is still there
        this.timeline.merge(page.html)
        if (page.next) this.more(page.next)
        else older.remove()
      },
      { rootMargin: '100% 0px' },
    )
    observer.observe(older)
  }
}
