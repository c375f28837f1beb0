// Brings the page to life. Every feature enhances an element that works
// without it; what a page does not have stays off, and a feature that fails
// leaves the others and the page as they are.

import type { Change } from './api'
import { Album } from './album'
import { fragment } from './api'
import { install } from './install'
import { Jump } from './jump'
import { gridKeys, jumpKey, shortcuts, viewerKeys } from './keyboard'
import { Lightbox } from './lightbox'
import { follow, settle } from './live'
import { askAgain } from './lost'
import { Months } from './months'
import { Timeline } from './timeline'
import { Trash } from './trash'
import { unfolds } from './unfold'
import { doors } from './upload/doors'
import { Tray } from './upload/tray'

function enhance<T extends Element>(selector: string, how: (element: T) => void): void {
  const element = document.querySelector<T>(selector)
  if (!element) return
  try {
    how(element)
  } catch (error) {
    console.error(error)
  }
}

function gallery(root: HTMLElement): void {
  const timeline = new Timeline(root)
  const nav = document.querySelector<HTMLElement>('#jump')
  const jump = nav ? new Jump(nav, timeline) : undefined
  const only = root.dataset['onlyMonth']
  const onFirstPage = !new URLSearchParams(location.search).has('cursor')
  let gaps: Months | undefined
  if (jump && onFirstPage) {
    gaps = new Months(timeline, jump.months().filter(({ month }) => !only || month === only))
    document.querySelector('.older')?.remove()
  }
  const lightbox = new Lightbox(timeline, gaps)
  gridKeys(timeline)
  const album = document.querySelector<HTMLElement>('main')?.dataset['album']
  if (album) return void new Album(album, timeline, lightbox, onFirstPage)
  if (jump) jumpKey(() => jump.open())
  if (!only && onFirstPage) void follow(root.dataset['changes'] ?? '', follower(timeline, lightbox, jump))
}

function follower(timeline: Timeline, lightbox: Lightbox, jump: Jump | undefined) {
  return {
    async apply(changes: Change[]) {
      const { show, hide } = settle(changes, ['added', 'updated', 'restored'], ['trashed', 'removed'])
      timeline.remove(...hide)
      hide.forEach((id) => lightbox.forget(id))
      void jump?.refresh()
      await timeline.refresh(show)
    },
    async lost() {
      void jump?.refresh()
      timeline.merge((await fragment({})).html)
    },
  }
}

// A notice is about what was just done; a reload must not say it again.
function forgetNotice(): void {
  const url = new URL(location.href)
  url.searchParams.delete('notice')
  url.searchParams.delete('notice_id')
  history.replaceState(history.state, '', url)
}

const tray: Tray = new Tray(() => pick())
const pick = doors((found) => tray.take(found))
shortcuts(pick)
install()
askAgain()
enhance<HTMLElement>('#timeline', gallery)
enhance<HTMLElement>('#trash', (root) => {
  void follow(root.dataset['changes'] ?? '', new Trash(root))
})
enhance<HTMLElement>('[data-viewer]', viewerKeys)
enhance('[data-notice]', forgetNotice)
document.querySelectorAll<HTMLDetailsElement>('details.album-form').forEach(unfolds)
