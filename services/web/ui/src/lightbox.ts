// One picture at a time, as large as the window: a native dialog around
// PhotoSwipe, which does the gestures. The address follows the picture, so it
// can be shared and the back button closes.

import PhotoSwipe from 'photoswipe'
import 'photoswipe/style.css'
import { InfoPanel } from './info'
import { LivePart } from './livepart'
import { t } from './messages'
import { clone, demand } from './page'
import { trashWithUndo } from './removal'
import { gapBeside, run, type Picture } from './run'
import type { Timeline } from './timeline'

interface Gaps {
  load(rest: HTMLElement): Promise<void>
}

const near = 4 // pictures from the end of what is loaded: time to load on
const detail = 1.15 // zoomed this far beyond the rendition, the original is fetched

export class Lightbox {
  private stage: PhotoSwipe | undefined
  private dialog: HTMLDialogElement | undefined
  private info: InfoPanel | undefined
  private live: LivePart | undefined
  private pictures: Picture[] = []
  private home = ''
  private leaving = false // the history moved first
  private extending = false

  constructor(
    private readonly timeline: Timeline,
    private readonly gaps: Gaps | undefined,
  ) {
    timeline.root.addEventListener('click', (event) => this.clicked(event))
    addEventListener('popstate', (event) => this.travelled(event))
  }

  get isOpen(): boolean {
    return this.stage !== undefined
  }

  private clicked(event: MouseEvent): void {
    const figure = (event.target as Element).closest<HTMLElement>('.picture')
    if (!figure || figure.dataset['state'] !== 'ready' || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    this.home = location.pathname + location.search
    history.scrollRestoration = 'manual' // closing scrolls to the picture that was looked at last
    history.pushState({ picture: figure.dataset['id'] }, '', `/images/${figure.dataset['id']}`)
    this.open(figure)
  }

  private open(figure: HTMLElement): void {
    this.pictures = run(this.timeline, figure)
    const index = this.pictures.findIndex((p) => p.id === figure.dataset['id'])
    this.dialog = clone<HTMLDialogElement>('lightbox-template')
    document.body.append(this.dialog)
    this.dialog.addEventListener('cancel', (event) => {
      event.preventDefault() // Esc: the stage closes, with its motion
      this.whenOpen((stage) => stage.close())
    })
    this.dialog.addEventListener('close', () => this.stage?.destroy()) // the browser insisted
    this.dialog.addEventListener('click', (event) => this.pressed(event))
    document.addEventListener('keydown', this.key)
    this.info = new InfoPanel(demand<HTMLElement>('.lightbox-info', this.dialog), () => this.stage?.updateSize(true))
    this.live = new LivePart(this.dialog)
    this.dialog.showModal()
    this.dialog.focus() // not its first button: nothing was chosen yet
    this.stage = this.makeStage(index)
    this.stage.init()
    this.stage.element?.removeAttribute('role') // the dialog around it is the dialog
    void this.extend()
  }

  private makeStage(index: number): PhotoSwipe {
    const dialog = this.dialog as HTMLDialogElement
    const host = demand<HTMLElement>('.lightbox-stage', dialog)
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    const stage = new PhotoSwipe({
      dataSource: this.pictures, index, appendToEl: host, mainClass: 'lightbox-swipe', bgOpacity: 1, loop: false, wheelToZoom: true,
      arrowPrev: false, arrowNext: false, close: false, zoom: false, counter: false, trapFocus: false, returnFocus: false, escKey: false, arrowKeys: false,
      clickToCloseNonZoomable: false, tapAction: () => void dialog.classList.toggle('bare'), bgClickAction: 'close', imageClickAction: 'zoom', doubleTapAction: 'zoom',
      showHideAnimationType: still ? 'none' : 'zoom', zoomAnimationDuration: still ? 0 : 260, errorMsg: t('picture_failed'),
      getViewportSizeFn: () => ({ x: host.clientWidth, y: host.clientHeight }),
    })
    stage.addFilter('thumbEl', (element, data) => this.timeline.figure((data as Picture).id)?.querySelector('img') ?? (element as HTMLElement))
    stage.on('change', () => this.changed())
    stage.on('zoomPanUpdate', () => this.sharpen())
    stage.on('beforeZoomTo', () => this.live?.stop())
    stage.on('close', () => this.closing())
    stage.on('destroy', () => this.closed())
    return stage
  }

  // extend loads on when the end of the run is near, either way, one gap after
  // the other, until there is enough or nothing more comes.
  private async extend(): Promise<void> {
    if (this.extending || !this.gaps) return
    this.extending = true
    for (let round = 0; round < near; round++) {
      const rest = this.nearRest()
      if (!rest) break
      await this.gaps.load(rest)
      this.adopt()
    }
    this.extending = false
  }

  private nearRest(): HTMLElement | undefined {
    if (!this.stage) return undefined
    const index = this.stage.currIndex
    const later = index >= this.pictures.length - near ? gapBeside(this.timeline, this.pictures.at(-1), true) : undefined
    return later ?? (index < near ? gapBeside(this.timeline, this.pictures[0], false) : undefined)
  }

  // adopt takes the document's present order, and stays on the same picture.
  private adopt(): void {
    const id = this.current()?.id
    const figure = id ? this.timeline.figure(id) : null
    if (!this.stage || !figure) return
    const fresh = run(this.timeline, figure)
    const index = fresh.findIndex((p) => p.id === id)
    const moved = index !== this.stage.currIndex
    this.pictures.splice(0, this.pictures.length, ...fresh)
    if (moved) this.reset(index)
    else this.changed()
  }

  // reset fills the three slides anew, after pictures came or went before them.
  private reset(index: number): void {
    const stage = this.stage
    if (!stage) return
    stage.currIndex = stage.potentialIndex = index
    stage.contentLoader.destroy()
    stage.mainScroll.itemHolders.forEach((holder, i) => stage.setContent(holder, index - 1 + i, true))
    stage.currSlide = stage.mainScroll.itemHolders[1]?.slide
    stage.currSlide?.setIsActive(true)
    stage.dispatch('change')
  }

  private current(): Picture | undefined {
    return this.pictures[this.stage?.currIndex ?? -1]
  }

  private changed(): void {
    const now = this.current()
    if (!now || !this.dialog || !this.stage) return
    const figure = this.timeline.figure(now.id)
    const position = t('position', { position: this.stage.currIndex + 1, total: this.pictures.length })
    demand('[data-name]', this.dialog).textContent = figure?.dataset['name'] ?? ''
    demand('[data-count]', this.dialog).textContent = figure?.dataset['date'] ?? ''
    demand('[data-say]', this.dialog).textContent = `${now.alt}, ${position}`
    const download = demand<HTMLAnchorElement>('[data-do="download"]', this.dialog)
    download.href = figure?.dataset['original'] ?? ''
    download.download = figure?.dataset['name'] ?? ''
    demand<HTMLButtonElement>('[data-do="previous"]', this.dialog).disabled = this.stage.currIndex === 0
    demand<HTMLButtonElement>('[data-do="next"]', this.dialog).disabled = this.stage.currIndex === this.pictures.length - 1
    if (!this.leaving && location.pathname !== `/images/${now.id}`) history.replaceState({ picture: now.id }, '', `/images/${now.id}`)
    this.info?.show(now.id)
    this.live?.show(figure?.dataset['motion'])
    void this.extend()
  }

  // sharpen brings the original once one looks closer than the rendition goes.
  private sharpen(): void {
    const slide = this.stage?.currSlide
    const image = slide?.content.element
    const figure = this.timeline.figure(this.current()?.id ?? '')
    const original = figure?.dataset['original']
    if (!slide || !original || !(image instanceof HTMLImageElement) || image.dataset['sharp'] || figure?.hasAttribute('data-animated') || !figure?.hasAttribute('data-viewable')) return
    const shown = slide.currZoomLevel * slide.width * devicePixelRatio
    if (slide.currZoomLevel <= slide.zoomLevels.initial || shown < image.naturalWidth * detail) return
    image.dataset['sharp'] = 'true'
    const better = new Image()
    better.src = original
    void better.decode().then(
      () => {
        image.removeAttribute('srcset')
        image.src = original
      },
      () => undefined, // the rendition stays
    )
  }

  private pressed(event: MouseEvent): void {
    const what = (event.target as Element).closest<HTMLElement>('[data-do]')?.dataset['do']
    switch (what) {
      case 'close':
        return this.whenOpen((stage) => stage.close())
      case 'previous':
        return this.whenOpen((stage) => stage.prev())
      case 'next':
        return this.whenOpen((stage) => stage.next())
      case 'info':
        return this.toggleInfo()
      case 'motion':
        return this.live?.toggle()
      case 'screen':
        return void this.fullscreen()
      case 'trash':
        return void this.trash()
    }
  }

  // On the document, because the focus may have been on a toast that is gone.
  private readonly key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest('input')) return
    if (event.key === 'ArrowLeft') this.whenOpen((stage) => stage.prev())
    else if (event.key === 'ArrowRight') this.whenOpen((stage) => stage.next())
    else if (event.key === 'i') this.toggleInfo()
    else if (event.key === 'f') void this.fullscreen()
    else if (event.key === 'Delete') void this.trash()
    else return
    event.preventDefault()
  }

  // whenOpen keeps a key that was pressed while the picture is still opening,
  // when the stage would ignore it.
  private whenOpen(run: (stage: PhotoSwipe) => void): void {
    const stage = this.stage
    if (!stage) return
    if (stage.opener.isOpen) run(stage)
    else stage.on('openingAnimationEnd', () => run(stage))
  }

  private toggleInfo(): void {
    const open = this.dialog?.classList.toggle('informed') ?? false
    this.dialog?.querySelector('[data-do="info"]')?.setAttribute('aria-expanded', String(open))
    this.info?.toggle(open)
  }

  private async fullscreen(): Promise<void> {
    if (document.fullscreenElement) await document.exitFullscreen()
    else await this.dialog?.requestFullscreen().catch(() => undefined) // refused by the browser: nothing is lost
  }

  private async trash(): Promise<void> {
    const now = this.current()
    if (!now || !this.stage) return
    const gone = await trashWithUndo(now.id, () => this.timeline.refresh([now.id]).then(() => this.adopt()))
    if (!gone) return
    this.timeline.remove(now.id)
    this.forget(now.id)
  }

  /** Takes a picture out that went elsewhere, such as by another window. */
  forget(id: string): void {
    const at = this.pictures.findIndex((p) => p.id === id)
    if (!this.stage || at < 0) return
    const index = this.stage.currIndex
    if (this.pictures.length === 1) return this.stage.close()
    this.pictures.splice(at, 1)
    if (at <= index + 1) this.reset(at < index ? index - 1 : Math.min(index, this.pictures.length - 1))
  }

  private closing(): void {
    const now = this.current()
    const figure = now && this.timeline.figure(now.id)
    figure?.scrollIntoView({ block: 'nearest' })
    this.dialog?.classList.add('closing')
    if (!this.leaving) history.back()
  }

  private closed(): void {
    const now = this.current()
    const toasts = this.dialog ? [...this.dialog.querySelectorAll('.toast')] : []
    document.querySelector('#toasts')?.append(...toasts)
    const dialog = this.dialog
    this.info?.stop()
    this.live?.stop()
    this.stage = this.dialog = this.info = this.live = undefined
    document.removeEventListener('keydown', this.key)
    dialog?.close()
    dialog?.remove()
    this.leaving = false
    if (now) this.timeline.figure(now.id)?.querySelector<HTMLElement>('a')?.focus({ preventScroll: true })
  }

  // travelled follows the back and forward buttons.
  private travelled(event: PopStateEvent): void {
    const id = (event.state as { picture?: string } | null)?.picture
    const figure = id ? this.timeline.figure(id) : null
    if (this.stage && !id) {
      this.whenOpen((stage) => {
        this.leaving = true
        stage.close()
      })
    } else if (!this.stage && figure) {
      this.open(figure)
    } else if (!this.stage && location.pathname + location.search !== this.home && this.home) {
      location.reload()
    }
    if (!id) history.scrollRestoration = 'auto'
  }
}
