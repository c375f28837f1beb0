// The tray: every file's progress and outcome. Only the rows in sight are in
// the document, so that a thousand files cost no more than ten.

import { restore } from '../api'
import { t } from '../messages'
import { clone, demand, mount, pause } from '../page'
import { toast } from '../toast'
import { mostFiles, type Found } from './files'
import { detail, headline, outcome, Speed, tally, type Progress } from './progress'
import { isOver, Queue, type Item } from './queue'
import { fillRow } from './row'
import { send } from './send'
import { Thumbnails } from './thumbnails'

const rowHeight = 64 // pixels, as the style sheet says
const spare = 3 // rows kept beyond each edge
const tick = 500 // milliseconds between looks at the speed

export class Tray {
  private readonly queue: Queue
  private readonly thumbnails = new Thumbnails()
  private element: HTMLElement | undefined
  private list!: HTMLElement
  private readonly rows = new Map<number, HTMLElement>()
  private readonly title = document.title
  private speed = new Speed()
  private rate = 0
  private timer = 0
  private drawing = false
  private followed = -1 // where the list was scrolled to by itself

  constructor() {
    this.queue = new Queue({ send, pause, changed: () => this.draw() })
    addEventListener('beforeunload', (event) => {
      if (this.queue.unfinished) event.preventDefault()
    })
    addEventListener('online', () => this.queue.retryFailed())
  }

  /** Takes what came in through a door. */
  take(found: Found): void {
    if (found.pictures.length + found.strangers.length === 0) {
      if (found.skipped > 0) toast(t('nothing'))
      return
    }
    this.show()
    this.note(found)
    found.strangers.forEach((file) => this.queue.refuse(file, 'unsupported_media_type'))
    this.queue.add(found.pictures)
    this.timer ||= window.setInterval(() => this.measure(), tick)
    this.draw()
  }

  private show(): void {
    if (this.element) return
    this.element = mount('tray-template')
    document.documentElement.classList.add('with-tray')
    this.list = demand('.tray-list', this.element)
    this.list.addEventListener('scroll', () => this.draw(), { passive: true })
    this.element.addEventListener('click', (event) => this.pressed(event))
    // A phone's window is for the pictures: the list opens when it is asked for.
    if (matchMedia('(max-width: 40rem)').matches) this.minimise()
  }

  private note(found: Found): void {
    if (!this.element) return
    const note = demand<HTMLElement>('[data-note]', this.element)
    const parts = []
    if (found.skipped > 0) parts.push(t('skipped', { n: found.skipped }))
    if (found.cut) parts.push(t('too_many', { n: mostFiles }))
    note.textContent = parts.join(' ')
    note.hidden = parts.length === 0
  }

  private pressed(event: MouseEvent): void {
    const target = (event.target as Element).closest<HTMLElement>('[data-do]')
    const row = target?.closest<HTMLElement>('[data-key]')
    const item = this.queue.items[Number(row?.dataset['key'] ?? -1)]
    switch (target?.dataset['do']) {
      case 'minimise':
        return this.minimise()
      case 'pause':
        return this.pauseOrGoOn()
      case 'dismiss':
        return this.dismiss()
      case 'retry':
        return item ? this.queue.retry(item) : this.queue.retryFailed()
      case 'cancel':
        return item ? this.queue.cancel(item) : this.queue.cancelAll()
      case 'restore':
        if (item) void this.restore(item)
    }
  }

  private pauseOrGoOn(): void {
    if (this.queue.paused) this.queue.resume()
    else this.queue.pause()
    this.speed = new Speed()
    this.draw()
  }

  private minimise(): void {
    if (!this.element) return
    const small = this.element.classList.toggle('small')
    demand('[data-do="minimise"]', this.element).setAttribute('aria-expanded', String(!small))
    this.draw()
  }

  private dismiss(): void {
    this.queue.clear()
    this.element?.remove()
    document.documentElement.classList.remove('with-tray')
    this.element = undefined
    this.rows.clear()
    this.followed = -1
    this.rest()
  }

  private async restore(item: Item): Promise<void> {
    try {
      await restore(item.imageID)
      item.trashed = false
      toast(t('restored'))
    } catch (error) {
      toast(error instanceof Error ? error.message : t('action_failed'))
    }
    this.draw()
  }

  private measure(): void {
    const progress = tally(this.queue.items)
    this.rate = this.speed.measure(performance.now(), progress.sent)
    if (progress.over === progress.files) this.finished(progress)
    this.draw()
  }

  private finished(progress: Progress): void {
    this.rest()
    if (this.element) demand('[data-say]', this.element).textContent = `${headline(progress)}. ${outcome(progress)}`
  }

  private rest(): void {
    clearInterval(this.timer)
    this.timer = 0
    this.speed = new Speed()
    this.rate = 0
    document.title = this.title
  }

  // Many things change between two frames; each frame is drawn once.
  private draw(): void {
    if (this.drawing) return
    this.drawing = true
    requestAnimationFrame(() => {
      this.drawing = false
      if (!this.element) return
      // The rows first: they ask where the list is, which is costly once the head has changed.
      if (!this.element.classList.contains('small')) this.drawRows()
      this.drawHead(this.element, tally(this.queue.items))
    })
  }

  private drawHead(element: HTMLElement, progress: Progress): void {
    const over = progress.over === progress.files
    const share = progress.size > 0 ? progress.sent / progress.size : 1
    demand('[data-headline]', element).textContent = headline(progress, this.queue.paused)
    demand('[data-detail]', element).textContent = detail(progress, this.queue.paused ? 0 : this.rate)
    const bar = demand<HTMLProgressElement>('header progress', element)
    bar.value = share
    bar.hidden = over
    demand<HTMLElement>('footer [data-do="retry"]', element).hidden = progress.counts.failed === 0
    demand<HTMLElement>('footer [data-do="cancel"]', element).hidden = over
    const hold = demand<HTMLElement>('[data-do="pause"]', element)
    hold.hidden = over
    hold.textContent = this.queue.paused ? t('go_on') : t('pause')
    demand<HTMLElement>('footer', element).hidden = over && progress.counts.failed === 0
    element.dataset['state'] = !over ? 'working' : progress.counts.failed + progress.counts.refused > 0 ? 'trouble' : 'done'
    document.title = over ? this.title : `${Math.floor(100 * share)}% · ${this.title}`
  }

  private drawRows(): void {
    const items = this.queue.items
    this.follow(items)
    const first = Math.max(0, Math.floor(this.list.scrollTop / rowHeight) - spare)
    const last = Math.min(items.length, Math.ceil((this.list.scrollTop + this.list.clientHeight) / rowHeight) + spare)
    this.list.style.setProperty('--rows', String(items.length))
    for (const [key, row] of this.rows) {
      if (key >= first && key < last) continue
      row.remove()
      this.rows.delete(key)
    }
    const now = Date.now()
    for (const item of items.slice(first, last)) fillRow(this.row(item), item, items.length, now)
  }

  private row(item: Item): HTMLElement {
    const known = this.rows.get(item.key)
    if (known) return known
    const row = clone('tray-row')
    row.style.translate = `0 ${item.key * rowHeight}px`
    const after = [...this.rows.keys()].filter((key) => key > item.key).sort((a, b) => a - b)[0]
    this.list.insertBefore(row, after === undefined ? null : (this.rows.get(after) ?? null))
    this.rows.set(item.key, row)
    this.thumbnails.show(item.file, demand('canvas', row))
    return row
  }

  // follow keeps the file that is on its way in sight, until somebody scrolls.
  private follow(items: Item[]): void {
    const touched = this.followed >= 0 && Math.abs(this.list.scrollTop - this.followed) > 2
    if (touched || this.list.matches(':focus-within, :hover')) return
    const current = items.findIndex((item) => !isOver(item.state))
    if (current < 0) return
    this.list.scrollTop = Math.max(0, (current - 1) * rowHeight)
    this.followed = this.list.scrollTop
  }
}
