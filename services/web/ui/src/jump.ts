// The month navigation: says where one is, and goes where one points.

import { demand } from './page'
import type { Timeline } from './timeline'

const labelHeight = 22 // pixels that a year needs on the rail

export class Jump {
  private readonly links: HTMLAnchorElement[]
  private readonly rail: HTMLElement
  private readonly label: HTMLElement

  constructor(
    private readonly nav: HTMLElement,
    private readonly timeline: Timeline,
  ) {
    this.links = [...nav.querySelectorAll<HTMLAnchorElement>('a[data-month]')]
    this.label = demand('[data-current]', nav)
    this.rail = this.makeRail()
    this.nameYears()
    addEventListener('resize', () => this.nameYears())
    nav.addEventListener('click', (event) => this.clicked(event))
    this.rail.addEventListener('click', (event) => this.clicked(event))
    this.closeWhenDone(demand<HTMLDetailsElement>('details', nav))
    addEventListener('scroll', () => requestAnimationFrame(() => this.follow()), { passive: true })
    this.follow()
  }

  months(): { month: string; count: number; title: string }[] {
    return this.links.map(({ dataset }) => ({ month: dataset['month'] ?? '', count: Number(dataset['count']), title: dataset['title'] ?? '' }))
  }

  // The rail repeats the list for the pointer only, so it is hidden from
  // assistive technology and from the tab order.
  private makeRail(): HTMLElement {
    const rail = document.createElement('div')
    rail.className = 'rail'
    rail.ariaHidden = 'true'
    for (const link of this.links) {
      const tick = document.createElement('a')
      tick.href = link.href
      tick.tabIndex = -1
      tick.dataset['month'] = link.dataset['month'] ?? ''
      tick.style.flexGrow = String(1 + Math.sqrt(Number(link.dataset['count'])))
      const label = document.createElement('span')
      label.textContent = link.dataset['title'] ?? ''
      tick.append(label)
      rail.append(tick)
    }
    if (this.links.length > 2) {
      document.body.append(rail)
      document.documentElement.classList.add('railed')
    }
    return rail
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
    demand<HTMLDetailsElement>('details', this.nav).open = false
    const first = this.timeline.months()[0] === section
    if (first) scrollTo({ top: 0 })
    else section.scrollIntoView({ block: 'start' })
    const heading = section.querySelector('h2')
    heading?.setAttribute('tabindex', '-1')
    heading?.focus({ preventScroll: true })
  }

  private follow(): void {
    const line = innerHeight * 0.25
    const months = this.timeline.months()
    const current = months.findLast((month) => month.getBoundingClientRect().top <= line) ?? months[0]
    const name = current?.dataset['month']
    if (!name || this.nav.dataset['at'] === name) return
    this.nav.dataset['at'] = name
    this.label.textContent = current.querySelector('h2')?.textContent ?? ''
    for (const link of [...this.links, ...(this.rail.children as HTMLCollectionOf<HTMLElement>)]) {
      if (link.dataset['month'] === name) link.setAttribute('aria-current', 'true')
      else link.removeAttribute('aria-current')
    }
  }

  private closeWhenDone(details: HTMLDetailsElement): void {
    document.addEventListener('click', (event) => {
      if (!details.contains(event.target as Node)) details.open = false
    })
    details.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return
      details.open = false
      details.querySelector('summary')?.focus()
    })
  }
}
