// The timeline's document: months, days and pictures in their order. Whatever
// arrives (a page on scroll, a new upload, a restored picture) is merged by the
// same rule, so that merging twice changes nothing.

import { fragment } from './api'
import { demand } from './page'
import { setMonths, type Measure } from './rows'
import { alter, Sight } from './sight'

const batch = 50 // ids asked for at once
export const headingHeight = 44 // pixels over a day's pictures
const headingEms = 7.9 // of the longest month's name with its year
const usualRatio = 1.4 // of a picture that is not known yet

export class Timeline {
  readonly root: HTMLElement
  private readonly sight = new Sight()
  private width = 0

  constructor(root: HTMLElement) {
    this.root = root
    this.root.querySelectorAll<HTMLElement>('.picture').forEach((figure) => this.sight.watch(figure))
    this.root.classList.add('laid')
    new ResizeObserver(() => this.resized()).observe(root)
    this.resized()
  }

  months(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>(':scope > .month')]
  }

  month(name: string): HTMLElement | null {
    return this.root.querySelector<HTMLElement>(`:scope > .month[data-month="${name}"]`)
  }

  figure(id: string): HTMLElement | null {
    return this.root.querySelector<HTMLElement>(`#p-${CSS.escape(id)}`)
  }

  /** Merges a fragment; returns how many pictures were not there before. */
  merge(html: string, arriving = false): number {
    const parsed = document.createElement('template')
    parsed.innerHTML = html
    const touched = new Set<HTMLElement>()
    let added = 0
    for (const figure of parsed.content.querySelectorAll<HTMLElement>('.picture')) {
      if (!this.place(figure, touched)) continue
      added++
      if (arriving) figure.classList.add('arriving')
    }
    if (touched.size > 0) this.lay()
    this.showEmpty()
    return added
  }

  /** Fetches these pictures and merges them; those not in the timeline are taken out. */
  async refresh(ids: string[]): Promise<void> {
    for (let i = 0; i < ids.length; i += batch) {
      const some = ids.slice(i, i + batch)
      const { html } = await fragment({ ids: some.join(',') })
      this.remove(...some.filter((id) => !html.includes(`id="p-${id}"`)))
      this.merge(html, true)
    }
  }

  remove(...ids: string[]): void {
    const gone = ids.filter((id) => this.take(id))
    if (gone.length === 0) return
    this.lay()
    this.showEmpty()
  }

  // take takes one picture out, with the headings that nothing is left under.
  private take(id: string): boolean {
    const figure = this.figure(id)
    const month = figure?.closest<HTMLElement>('.month')
    if (!figure || !month) return false
    const day = figure.closest('.day')
    figure.remove()
    if (!day?.querySelector('.picture')) day?.remove()
    if (!month.querySelector('.picture, .rest')) month.remove()
    return true
  }

  /** Sets all rows anew. Only what changes is written, so that the browser has little to do. */
  lay(): void {
    const measure = this.measure()
    const months = this.months().map((month) => {
      const days = [...month.querySelectorAll<HTMLElement>('.day')]
      return { month, days, figures: days.map((day) => [...day.querySelectorAll<HTMLElement>('.picture')]) }
    })
    const content = months.map(({ month, figures }) => ({ days: figures.map((day) => day.map(ratio)), missing: missing(month, measure) }))
    const set = setMonths(content, measure)
    months.forEach(({ month, days, figures }, i) => {
      write(month, 'width', set[i]?.width)
      days.forEach((day, j) => {
        const its = set[i]?.days[j]
        write(day, 'width', its?.width)
        // What is out of sight is not rendered; this keeps its place.
        write(day, 'containIntrinsicBlockSize', (its?.height ?? 0) + headingHeight)
        figures[j]?.forEach((figure, k) => {
          write(figure, 'width', its?.cells[k]?.width)
          write(figure, 'height', its?.cells[k]?.height)
        })
      })
    })
  }

  measure(): Measure {
    const style = getComputedStyle(this.root)
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
    const heading = this.root.querySelector('h2')
    const width = Math.max(1, Math.floor(this.root.getBoundingClientRect().width)) // clientWidth rounds up, and the last of a line would not fit
    const dayGap = parseFloat(style.columnGap) || 0
    const half = Math.floor((width - dayGap) / 2) // two stand side by side even on a phone
    const monthMin = headingEms * (heading ? parseFloat(getComputedStyle(heading).fontSize) : 1.5 * rem)
    return { width, row: parseFloat(style.getPropertyValue('--row')), gap: 4, dayGap, dayMin: Math.min(11 * rem, half), monthMin: Math.min(monthMin, half) }
  }

  private resized(): void {
    if (this.root.clientWidth === this.width) return
    this.width = this.root.clientWidth
    this.lay()
  }

  // place puts one picture where it belongs and tells whether it is new.
  private place(figure: HTMLElement, touched: Set<HTMLElement>): boolean {
    const day = figure.closest<HTMLElement>('.day')
    const month = figure.closest<HTMLElement>('.month')
    const old = this.figure(figure.dataset['id'] ?? '')
    if (!day || !month) return false
    const home = old?.closest<HTMLElement>('.day')
    if (old && home?.dataset['day'] === day.dataset['day'] && old.dataset['taken'] === figure.dataset['taken']) {
      return this.replace(old, figure, touched)
    }
    if (old) this.take(figure.dataset['id'] ?? '')
    const ourMonth = this.section(this.root, month, 'month')
    ourMonth.classList.remove('hollow')
    const ourDay = this.section(demand<HTMLElement>('.days', ourMonth), day, 'day')
    insert(demand('.pictures', ourDay), figure, (other) => before(figure, other))
    this.sight.watch(figure)
    touched.add(ourMonth)
    return !old
  }

  // A picture that is the same already stays as it is: replacing it would flash.
  private replace(old: HTMLElement, figure: HTMLElement, touched: Set<HTMLElement>): boolean {
    const same = old.dataset['state'] === figure.dataset['state'] && old.dataset['display'] === figure.dataset['display']
    if (same) {
      moves(old, figure)
      return false
    }
    const focused = old.contains(document.activeElement)
    old.replaceWith(figure)
    this.sight.watch(figure)
    if (focused) figure.querySelector('a')?.focus()
    const month = figure.closest<HTMLElement>('.month')
    if (month) touched.add(month)
    return false
  }

  // section is our month or day of that name; a missing one is made from the
  // arriving one's heading.
  private section(parent: HTMLElement, model: HTMLElement, key: 'month' | 'day'): HTMLElement {
    const name = model.dataset[key] ?? ''
    const found = parent.querySelector<HTMLElement>(`:scope > [data-${key}="${name}"]`)
    if (found) return found
    const made = model.cloneNode(true) as HTMLElement
    made.querySelectorAll('.day, .picture').forEach((e) => e.remove())
    insert(parent, made, (other) => name > (other.dataset[key] ?? ''))
    return made
  }

  // An empty timeline invites; the invitation goes when a picture comes.
  private showEmpty(): void {
    const shown = this.root.parentElement?.querySelector('.empty')
    const any = this.root.querySelector('.picture, .rest')
    if (any) return shown?.remove()
    const template = document.querySelector<HTMLTemplateElement>('template#empty')
    if (!shown && template) this.root.after(document.importNode(template.content, true))
  }
}

// missing is how wide the pictures that are not loaded would be in one line.
function missing(month: HTMLElement, m: Measure): number {
  const rest = month.querySelector<HTMLElement>(':scope > .rest')
  if (!rest) return 0
  return Number(rest.dataset['span']) || Number(rest.dataset['missing']) * usualRatio * m.row
}

function write(element: HTMLElement, property: 'width' | 'height' | 'containIntrinsicBlockSize', pixels = 0): void {
  const value = `${pixels}px`
  if (element.style[property] !== value) element.style[property] = value
}

/** Width to height, as the server holds it within bounds. */
function ratio(figure: HTMLElement): number {
  return Number(figure.dataset['ratioWidth']) / Number(figure.dataset['ratioHeight']) || 4 / 3
}

// Newest first; pictures of one instant by id, as the catalog orders them.
function before(a: HTMLElement, b: HTMLElement): boolean {
  const [x, y] = [a.dataset['taken'] ?? '', b.dataset['taken'] ?? '']
  return x === y ? (a.dataset['id'] ?? '') > (b.dataset['id'] ?? '') : x > y
}

function insert(parent: Element, child: HTMLElement, goesBefore: (other: HTMLElement) => boolean): void {
  const others = [...parent.children] as HTMLElement[]
  parent.insertBefore(child, others.find(goesBefore) ?? null)
}

// A film comes after its picture, which is shown by then.
function moves(old: HTMLElement, figure: HTMLElement): void {
  const { motion } = figure.dataset
  if (!motion || old.dataset['motion'] === motion) return
  old.dataset['motion'] = motion
  const badge = figure.querySelector('.badge')
  if (badge) alter(old, () => old.querySelector('.badge') ?? old.querySelector('img')?.after(badge))
}
