// Every month has its place in the document from the start, as high as its
// pictures will need, so that the scrollbar tells the truth and one can jump
// anywhere. What is near the window is then loaded.

import { fragment } from './api'
import { t } from './messages'
import { demand, pause } from './page'
import { headingHeight, type Timeline } from './timeline'

const atOnce = 2 // requests
const tries = 3
const usualRatio = 1.4
const mostPictures = 1_500 // in the document at once
const screensKept = 6 // above and below the window

interface Rest {
  month: string
  total: number // pictures in the month
  cursor: string
  failed: boolean // then a person has to ask again
  loading: Promise<void> | undefined
}

export class Months {
  private readonly rests = new Map<HTMLElement, Rest>()
  private readonly observer: IntersectionObserver
  private readonly queue = new Set<HTMLElement>()
  private busy = 0

  /** counts: how many pictures each month has, newest first. */
  constructor(
    private readonly timeline: Timeline,
    counts: { month: string; count: number; title: string }[],
  ) {
    this.observer = new IntersectionObserver((entries) => this.seen(entries), { rootMargin: '150% 0px' })
    for (const { month, count, title } of counts) {
      const section = timeline.month(month) ?? this.hollow(month, title)
      if (section.querySelectorAll('.picture').length < count) this.addRest(section, month, count)
    }
    timeline.lay()
  }

  /** Loads the next page of a gap in the timeline, or waits for the one that is on its way. */
  load(element: HTMLElement): Promise<void> {
    const rest = this.rests.get(element)
    if (!rest) return Promise.resolve()
    rest.loading ??= this.fill(element, rest).finally(() => (rest.loading = undefined))
    return rest.loading
  }

  private async fill(element: HTMLElement, rest: Rest): Promise<void> {
    element.replaceChildren()
    rest.failed = false
    try {
      await this.page(element, rest)
    } catch (error) {
      rest.failed = true
      this.trouble(element, error)
    }
  }

  private async page(element: HTMLElement, rest: Rest): Promise<void> {
    const query = { month: rest.month, ...(rest.cursor ? { cursor: rest.cursor } : {}) }
    const { html, next } = await patiently(() => fragment(query))
    if (next) {
      rest.cursor = next
    } else {
      this.observer.unobserve(element)
      this.rests.delete(element)
      element.remove()
    }
    this.timeline.merge(html)
    const section = this.timeline.month(rest.month)
    if (next) {
      this.watch(element, rest)
      this.timeline.lay()
    } else if (section && !section.querySelector('.picture')) {
      section.remove()
      this.timeline.lay()
    }
    this.release()
  }

  // release empties months that are far away, so that the document stays small
  // however long one scrolls. They keep their height and load again when near.
  private release(): void {
    let excess = this.timeline.root.querySelectorAll('.picture').length - mostPictures
    if (excess <= 0 || document.querySelector('dialog[open]')) return
    const far = (section: HTMLElement) => {
      const { top, bottom } = section.getBoundingClientRect()
      return Math.max(top - innerHeight, -bottom)
    }
    const away = this.timeline.months().filter((section) => !section.contains(document.activeElement) && section.querySelector('.picture'))
    const distances = new Map(away.map((section) => [section, far(section)]))
    for (const [section, distance] of [...distances].sort(([, a], [, b]) => b - a)) {
      if (excess <= 0 || distance < screensKept * innerHeight) break
      excess -= this.empty(section)
    }
    this.timeline.lay()
  }

  private empty(section: HTMLElement): number {
    const days = demand<HTMLElement>('.days', section)
    const known = section.querySelector<HTMLElement>('.rest')
    const height = days.offsetHeight + (known?.offsetHeight ?? 0)
    const count = days.querySelectorAll('.picture').length
    const width = [...days.children].reduce((sum, day) => sum + (day as HTMLElement).offsetWidth, 0)
    const shares = width < this.timeline.measure().width // its line with other months, and so it shall go on
    const total = (known && this.rests.get(known)?.total) || count
    if (known) {
      this.observer.unobserve(known)
      this.rests.delete(known)
      known.remove()
    }
    days.replaceChildren()
    section.classList.add('hollow')
    const rest = this.addRest(section, section.dataset['month'] ?? '', total)
    rest.style.height = `${height}px`
    rest.dataset['span'] = String(shares ? width : Infinity)
    return count
  }

  private hollow(month: string, title: string): HTMLElement {
    const section = document.createElement('section')
    section.className = 'month hollow'
    section.dataset['month'] = month
    const heading = document.createElement('h2')
    heading.textContent = title
    const days = document.createElement('div')
    days.className = 'days'
    section.append(heading, days)
    const after = this.timeline.months().find((other) => (other.dataset['month'] ?? '') < month)
    this.timeline.root.insertBefore(section, after ?? null)
    return section
  }

  private addRest(section: HTMLElement, month: string, total: number): HTMLElement {
    const element = document.createElement('div')
    element.className = 'rest'
    section.append(element)
    const rest: Rest = { month, total, cursor: '', failed: false, loading: undefined }
    this.rests.set(element, rest)
    this.watch(element, rest)
    return element
  }

  // watch sizes the gap by what is still missing. Observing anew makes the
  // observer report it even if it never left the neighbourhood.
  private watch(element: HTMLElement, rest: Rest): void {
    const here = this.timeline.month(rest.month)?.querySelectorAll('.picture').length ?? 0
    const { width, row } = this.timeline.measure()
    const missing = Math.max(1, rest.total - here)
    element.dataset['missing'] = String(missing)
    delete element.dataset['span']
    element.style.height = `${Math.ceil((missing * usualRatio * row) / width) * (row + 12) + (here > 0 ? 0 : headingHeight)}px`
    this.observer.unobserve(element)
    this.observer.observe(element)
  }

  private seen(entries: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) this.queue.add(target as HTMLElement)
      else this.queue.delete(target as HTMLElement) // scrolled past: not worth loading now
    }
    void this.drain()
  }

  private async drain(): Promise<void> {
    const element = this.queue.values().next().value
    if (!element || this.busy >= atOnce) return
    this.queue.delete(element)
    this.busy++
    void this.drain()
    if (this.rests.get(element)?.failed === false) await this.load(element)
    this.busy--
    await this.drain()
  }

  private trouble(element: HTMLElement, error: unknown): void {
    const box = document.createElement('div')
    box.className = 'trouble'
    const text = document.createElement('p')
    text.textContent = `${t('load_failed')} ${error instanceof Error ? error.message : ''}`
    const button = document.createElement('button')
    button.type = 'button'
    button.className = 'button small'
    button.textContent = t('retry')
    button.addEventListener('click', () => void this.load(element))
    box.append(text, button)
    element.replaceChildren(box)
  }
}

// A hiccup of the network is not worth a person's attention.
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      if (attempt === tries) throw error
      await pause(attempt * 1_000 * (0.5 + Math.random()))
    }
  }
}
