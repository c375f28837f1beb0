// The month navigation: says where one is, and goes where one points.

import { months } from './api'
import { demand, pause } from './page'
import type { Timeline } from './timeline'
import { unfolds } from './unfold'

const labelHeight = 22 // pixels that a year needs on the rail
const settle = 700 // milliseconds: changes come in bursts

export class Jump {
  private readonly rail = document.createElement('div')
  private readonly label: HTMLElement
  private readonly details: HTMLDetailsElement
  private chosen = '' // the month gone to last: on a line of several, it is the one meant
  private asked = false

  constructor(
    private readonly nav: HTMLElement,
    private readonly timeline: Timeline,
  ) {
    this.label = demand('[data-current]', nav)
    this.details = demand<HTMLDetailsElement>('details', nav)
    // The rail repeats the list for the pointer only, so it is hidden from
    // assistive technology and from the tab order.
    this.rail.className = 'rail'
    this.rail.ariaHidden = 'true'
    document.body.append(this.rail)
    this.fillRail()
    addEventListener('resize', () => this.nameYears())
    nav.addEventListener('click', (event) => this.clicked(event))
    this.rail.addEventListener('click', (event) => this.clicked(event))
    unfolds(this.details)
    this.details.addEventListener('toggle', () => this.details.open && this.showCurrent())
    addEventListener('scroll', () => requestAnimationFrame(() => this.follow()), { passive: true })
    this.follow()
  }

  months(): { month: string; count: number; title: string }[] {
    return this.links().map(({ dataset }) => ({ month: dataset['month'] ?? '', count: Number(dataset['count']), title: dataset['title'] ?? '' }))
  }

  /** Opens the list, with the focus on the month one is at. */
  open(): void {
    if (this.nav.hidden) return
    this.details.open = true
    const links = this.links()
    ;(links.find((link) => link.ariaCurrent) ?? links[0])?.focus()
  }

  /** Takes over months and counts as they are now, once for a burst of changes. */
  async refresh(): Promise<void> {
    if (this.asked) return
    this.asked = true
    await pause(settle)
    this.asked = false
    const fresh = await months().catch(() => undefined)
    if (fresh) this.adopt(fresh) // else the next change tries again
  }

  private adopt(fresh: ParentNode): void {
    const inside = this.details.contains(document.activeElement) && document.activeElement?.closest<HTMLElement>('a')?.dataset['month']
    for (const selector of ['.years', '[data-total]']) {
      const [old, its] = [document.querySelector(selector), fresh.querySelector(selector)]
      if (old && its) old.replaceChildren(...its.childNodes)
    }
    this.nav.hidden = this.links().length === 0
    if (inside) this.links().find((link) => link.dataset['month'] === inside)?.focus()
    this.fillRail()
    delete this.nav.dataset['at']
    this.follow()
  }

  // showCurrent scrolls the list, and not the page, to the month one is at.
  private showCurrent(): void {
    const list = demand<HTMLElement>('.years', this.details)
    const link = list.querySelector<HTMLElement>('[aria-current]')
    if (link) list.scrollTop += link.getBoundingClientRect().top - list.getBoundingClientRect().top - (list.clientHeight - link.offsetHeight) / 2
  }

  private links(): HTMLAnchorElement[] {
    return [...this.nav.querySelectorAll<HTMLAnchorElement>('a[data-month]')]
  }

  private fillRail(): void {
    const links = this.links()
    this.rail.replaceChildren(...links.map(makeTick))
    this.rail.hidden = links.length <= 2
    document.documentElement.classList.toggle('railed', !this.rail.hidden)
    this.nameYears()
  }

  // nameYears marks the first month of each year, as far as the labels do not
  // run into each other.
  private nameYears(): void {
    let year = ''
    let free = -Infinity
    for (const tick of this.rail.children as HTMLCollectionOf<HTMLElement>) {
      const own = tick.dataset['month']?.slice(0, 4) ?? ''
      const middle = tick.offsetTop + tick.offsetHeight / 2
      delete tick.dataset['year']
      if (own === year) continue
      year = own
      if (middle < free) continue
      tick.dataset['year'] = own
      free = middle + labelHeight
    }
  }

  private clicked(event: MouseEvent): void {
    const link = (event.target as Element).closest<HTMLElement>('a[data-month]')
    const section = link && this.timeline.month(link.dataset['month'] ?? '')
    if (!section || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    this.details.open = false
    this.chosen = section.dataset['month'] ?? ''
    const first = this.timeline.months()[0] === section
    if (first) scrollTo({ top: 0 })
    else section.scrollIntoView({ block: 'start' })
    const heading = section.querySelector('h2')
    heading?.setAttribute('tabindex', '-1')
    heading?.focus({ preventScroll: true })
    this.follow()
  }

  private follow(): void {
    const current = this.here()
    const name = current?.dataset['month']
    if (!name || this.nav.dataset['at'] === name) return
    this.nav.dataset['at'] = name
    this.label.textContent = current.querySelector('h2')?.textContent ?? ''
    for (const link of [...this.links(), ...(this.rail.children as HTMLCollectionOf<HTMLElement>)]) {
      if (link.dataset['month'] === name) link.setAttribute('aria-current', 'true')
      else link.removeAttribute('aria-current')
    }
  }

  // here is the month at the top of the window. The one that was chosen wins
  // over others on its line, and at the end of the page, where it cannot come up.
  private here(): HTMLElement | undefined {
    const line = innerHeight * 0.25
    const months = this.timeline.months()
    const top = (month: HTMLElement) => Math.round(month.getBoundingClientRect().top)
    const last = months.findLast((month) => top(month) <= line) ?? months[0]
    if (!last) return undefined
    const chosen = months.find((month) => month.dataset['month'] === this.chosen)
    const atEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2
    if (chosen && (top(chosen) === top(last) || (atEnd && top(chosen) > line && top(chosen) < innerHeight))) return chosen
    return months.find((month) => top(month) === top(last))
  }
}

function makeTick(link: HTMLAnchorElement): HTMLElement {
  const tick = document.createElement('a')
  tick.href = link.href
  tick.tabIndex = -1
  tick.dataset['month'] = link.dataset['month'] ?? ''
  tick.style.flexGrow = String(1 + Math.sqrt(Number(link.dataset['count'])))
  const label = document.createElement('span')
  label.textContent = link.dataset['title'] ?? ''
  tick.append(label)
  return tick
}
