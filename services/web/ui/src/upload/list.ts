// The tray's list. Only the rows in sight are in the document, so that a
// thousand files cost no more than ten.

import { clone, demand } from '../page'
import { discard } from '../placeholder'
import { isActive, type Item } from './item'
import type { Queue } from './queue'
import { fillRow } from './row'
import { Thumbnails } from './thumbnails'

const rowHeight = 64 // pixels, as the style sheet says
const spare = 3 // rows kept beyond each edge

export class List {
  private readonly thumbnails = new Thumbnails()
  private readonly rows = new Map<number, HTMLElement>()
  private readonly pictured = new Map<number, File | undefined>() // by key, what its row shows
  private followed = -1 // where the list was scrolled to by itself

  constructor(
    private readonly element: HTMLElement,
    private readonly queue: Queue,
    scrolled: () => void,
  ) {
    element.addEventListener('scroll', scrolled, { passive: true })
  }

  draw(): void {
    const { items } = this.queue
    this.element.style.setProperty('--rows', String(items.length)) // its height depends on it
    this.follow(items)
    const first = Math.max(0, Math.floor(this.element.scrollTop / rowHeight) - spare)
    const last = Math.min(items.length, Math.ceil((this.element.scrollTop + this.element.clientHeight) / rowHeight) + spare)
    for (const [key, row] of this.rows) {
      if (key >= first && key < last) continue
      this.drop(row)
      this.rows.delete(key)
      this.pictured.delete(key)
    }
    const now = Date.now()
    for (const item of items.slice(first, last)) fillRow(this.row(item), item, items.length, now)
  }

  private row(item: Item): HTMLElement {
    const row = this.rows.get(item.key) ?? this.place(item)
    if (!this.pictured.has(item.key) || this.pictured.get(item.key) !== item.file) {
      this.pictured.set(item.key, item.file)
      this.thumbnails.show(item.file, demand('canvas', row))
    }
    return row
  }

  private drop(row: HTMLElement): void {
    const canvas = demand<HTMLCanvasElement>('canvas', row)
    this.thumbnails.forget(canvas)
    discard(canvas)
    row.remove()
  }

  private place(item: Item): HTMLElement {
    const row = clone('tray-row')
    row.style.translate = `0 ${item.key * rowHeight}px`
    const after = [...this.rows.keys()].filter((key) => key > item.key).sort((a, b) => a - b)[0]
    this.element.insertBefore(row, after === undefined ? null : (this.rows.get(after) ?? null))
    this.rows.set(item.key, row)
    return row
  }

  // follow keeps the file that is on its way in sight, until somebody scrolls.
  private follow(items: Item[]): void {
    const touched = this.followed >= 0 && Math.abs(this.element.scrollTop - this.followed) > 2
    if (touched || this.element.matches(':focus-within, :hover')) return
    const current = items.findIndex((item) => isActive(item.state))
    if (current < 0) return
    this.element.scrollTop = Math.max(0, (current - 1) * rowHeight)
    this.followed = this.element.scrollTop
  }
}
