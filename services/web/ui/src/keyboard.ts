// Keys: help, adding, and moving between the pictures of the grid.

import { clone, demand, isForPage } from './page'
import { trashWithUndo } from './removal'
import type { Timeline } from './timeline'

export function shortcuts(pick: () => void): void {
  document.addEventListener('keydown', (event) => {
    if (!isForPage(event) || document.querySelector('dialog[open]')) return
    if (event.key === '?') help()
    else if (event.key === 'u') pick()
    else return
    event.preventDefault()
  })
  document.querySelector('[data-help]')?.addEventListener('click', () => {
    demand<HTMLElement>('#add-menu').hidePopover()
    help()
  })
}

/** The slash finds; what can be found so far is a month. */
export function jumpKey(open: () => void): void {
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || !isForPage(event) || document.querySelector('dialog[open]')) return
    event.preventDefault()
    open()
  })
}

function help(): void {
  const dialog = clone<HTMLDialogElement>('help-template')
  document.body.append(dialog)
  dialog.addEventListener('close', () => dialog.remove())
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close()
  })
  dialog.showModal()
}

/** Arrow keys go from picture to picture, up and down to the nearest one. */
export function gridKeys(timeline: Timeline): void {
  timeline.root.addEventListener('keydown', (event) => {
    const figure = (event.target as Element).closest<HTMLElement>('.picture')
    if (!figure || !isForPage(event)) return
    if (event.key === 'Delete') void removeFocused(timeline, figure)
    else {
      const next = neighbour(timeline, figure, event.key)
      if (!next) return
      focus(next)
    }
    event.preventDefault()
  })
}

async function removeFocused(timeline: Timeline, figure: HTMLElement): Promise<void> {
  const id = figure.dataset['id'] ?? ''
  const next = neighbour(timeline, figure, 'ArrowRight') ?? neighbour(timeline, figure, 'ArrowLeft')
  if (!(await trashWithUndo(id, () => timeline.refresh([id]).then(() => focusAgain(timeline, id))))) return
  timeline.remove(id)
  if (next?.isConnected) focus(next)
}

// After Undo the focus is on the picture that came back, unless one has gone on.
function focusAgain(timeline: Timeline, id: string): void {
  const figure = timeline.figure(id)
  if (figure && (document.activeElement === document.body || document.activeElement === null)) focus(figure)
}

function focus(figure: HTMLElement): void {
  figure.querySelector<HTMLElement>('a')?.focus({ preventScroll: true })
  figure.scrollIntoView({ block: 'nearest' })
}

function neighbour(timeline: Timeline, from: HTMLElement, key: string): HTMLElement | undefined {
  const all = [...timeline.root.querySelectorAll<HTMLElement>('.picture')]
  const at = all.indexOf(from)
  switch (key) {
    case 'ArrowRight':
      return all[at + 1]
    case 'ArrowLeft':
      return all[at - 1]
    case 'Home':
      return all[0]
    case 'End':
      return all.at(-1)
    case 'ArrowDown':
      return nearest(from, all.slice(at + 1))
    case 'ArrowUp':
      return nearest(from, all.slice(0, at).reverse())
    default:
      return undefined
  }
}

// nearest is the picture of the next line whose middle is closest.
function nearest(from: HTMLElement, candidates: HTMLElement[]): HTMLElement | undefined {
  const here = from.getBoundingClientRect()
  const middle = here.left + here.width / 2
  let line: number | undefined
  let best: HTMLElement | undefined
  let least = Infinity
  for (const candidate of candidates) {
    const there = candidate.getBoundingClientRect()
    if (Math.abs(there.top - here.top) < 2) continue
    line ??= there.top
    if (Math.abs(there.top - line) > 2) break
    const distance = Math.abs(there.left + there.width / 2 - middle)
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** Keys for the page of one picture: each link or button says which is its own. */
export function viewerKeys(viewer: HTMLElement): void {
  document.addEventListener('keydown', (event) => {
    if (!isForPage(event) || document.querySelector('dialog[open], :popover-open')) return
    if (event.key === 'f') void viewer.querySelector('.viewer-stage')?.requestFullscreen().catch(() => undefined)
    else if (document.fullscreenElement && event.key === 'Escape') return
    else viewer.querySelector<HTMLElement>(`[data-key="${CSS.escape(event.key)}"]`)?.click()
  })
}
