// Pictures far from the window give up their image, which costs a hundred times
// the memory of all else in a figure. The figure keeps its place, and its link
// the picture's words, so that the scrollbar, the keyboard and a screen reader
// find everything where it was.

import { discard, placeholder } from './placeholder'

const near = '300% 0px' // of the window's height: what is kept above and below it

interface Content {
  html: string
  alt: string
  src: string
}

const given = new WeakMap<Element, Content>() // what figures without their image had

export class Sight {
  private readonly observer = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) fill(target as HTMLElement)
      else empty(target as HTMLElement)
    }
  }, { rootMargin: near })

  /** Shows a figure that is new in the document, for as long as it is near. */
  watch(figure: HTMLElement): void {
    placeholder(figure)
    this.observer.observe(figure)
  }
}

/** What a figure's image says and shows, whether or not it is there. */
export function imageOf(figure: HTMLElement): { alt: string; src: string } {
  const image = figure.querySelector('img')
  if (image) return { alt: image.alt, src: (image.complete && image.currentSrc) || image.src }
  return given.get(figure) ?? { alt: '', src: '' }
}

/** Changes what is in a figure, whether or not its image is there. */
export function alter(figure: HTMLElement, change: () => void): void {
  const away = given.has(figure)
  fill(figure)
  change()
  if (away) empty(figure)
}

function empty(figure: HTMLElement): void {
  const link = figure.querySelector('a')
  const image = link?.querySelector('img')
  if (!link || !image) return // there is nothing that costs much
  figure.querySelectorAll('canvas').forEach(discard)
  given.set(figure, { html: link.innerHTML, ...imageOf(figure) })
  link.ariaLabel = `${image.alt} ${link.textContent.trim()}`.trim()
  link.replaceChildren()
  figure.classList.remove('waiting', 'arriving')
}

function fill(figure: HTMLElement): void {
  const content = given.get(figure)
  const link = figure.querySelector('a')
  if (!content || !link) return
  given.delete(figure)
  link.innerHTML = content.html
  link.removeAttribute('aria-label')
  placeholder(figure)
}
