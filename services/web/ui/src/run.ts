// The pictures that the lightbox goes through: an unbroken stretch of what the
// timeline has loaded.

import type { SlideData } from 'photoswipe'
import { clone, demand } from './page'
import { imageOf } from './sight'
import type { Timeline } from './timeline'

export interface Picture extends SlideData {
  id: string
}

const isGap = (element: HTMLElement) => element.classList.contains('rest')

function elements(timeline: Timeline): HTMLElement[] {
  return [...timeline.root.querySelectorAll<HTMLElement>('.picture[data-state="ready"], .rest')]
}

/** Everything around a figure up to the next gaps. */
export function run(timeline: Timeline, around: HTMLElement): Picture[] {
  const all = elements(timeline)
  const at = all.indexOf(around)
  const from = all.slice(0, at).findLastIndex(isGap) + 1
  const to = all.findIndex((element, i) => i > at && isGap(element))
  return all.slice(from, to < 0 ? undefined : to).map(picture)
}

/** The gap that comes directly before or after a picture, if one does. */
export function gapBeside(timeline: Timeline, edge: Picture | undefined, after: boolean): HTMLElement | undefined {
  const all = elements(timeline)
  const at = all.findIndex((element) => element.dataset['id'] === edge?.id)
  const next = at < 0 ? undefined : all[at + (after ? 1 : -1)]
  return next && isGap(next) ? next : undefined
}

function picture(figure: HTMLElement): Picture {
  const { id = '', display = '', medium, width, height, ratioWidth, ratioHeight } = figure.dataset
  const { alt, src: thumbnail } = imageOf(figure)
  const [w, h] = [Number(width) || Number(ratioWidth), Number(height) || Number(ratioHeight)]
  if (figure.dataset['unavailable'] !== undefined) return { id, html: kept(figure), width: w, height: h, alt: figure.dataset['name'] ?? '' }
  const across = Math.min(1, w / h) // renditions are measured along the long edge
  const srcset = medium && !figure.hasAttribute('data-animated') ? `${medium} ${Math.round(across * 1024)}w, ${display} ${Math.round(across * 2048)}w` : undefined
  return { id, src: display, width: w, height: h, alt, ...(srcset ? { srcset } : {}), ...(thumbnail ? { msrc: thumbnail } : {}) }
}

// kept stands for a file that cannot be shown: what it is, and its download.
function kept(figure: HTMLElement): string {
  const slide = clone<HTMLElement>('kept-template')
  demand('h2', slide).textContent = figure.dataset['unavailable'] ?? ''
  const download = demand<HTMLAnchorElement>('a', slide)
  download.href = figure.dataset['original'] ?? ''
  download.setAttribute('download', figure.dataset['name'] ?? '')
  return slide.outerHTML
}
