// The sum of all files in words and numbers.

import { bytes, t } from '../messages'
import { isOver, type Item, type State } from './item'

export interface Progress {
  counts: Record<State, number>
  files: number
  over: number
  active: number // neither over nor waiting for a person
  sent: number // bytes
  size: number
}

export function tally(items: Item[]): Progress {
  const counts: Record<State, number> = {
    waiting: 0, reading: 0, ready: 0, sending: 0, checking: 0, pausing: 0, absent: 0, added: 0, duplicate: 0, refused: 0, failed: 0, cancelled: 0,
  }
  const sum: Progress = { counts, files: items.length, over: 0, active: 0, sent: 0, size: 0 }
  for (const item of items) {
    counts[item.state]++
    if (isOver(item.state)) sum.over++
    sum.size += item.size
    sum.sent += isOver(item.state) ? item.size : item.sent
  }
  sum.active = sum.files - sum.over - counts.absent
  return sum
}

const windowed = 8_000 // milliseconds over which the speed is taken

/** Bytes a second over the last seconds. */
export class Speed {
  private readonly marks: { at: number; sent: number }[] = []

  measure(at: number, sent: number): number {
    this.marks.push({ at, sent })
    while (this.marks.length > 2 && at - (this.marks[0]?.at ?? at) > windowed) this.marks.shift()
    const first = this.marks[0]
    return first && at > first.at ? Math.max(0, ((sent - first.sent) * 1000) / (at - first.at)) : 0
  }
}

export function headline(p: Progress, paused = false): string {
  if (p.over === p.files) return t('done', { n: p.files })
  if (p.active === 0) return t('asking', { n: p.counts.absent })
  return paused ? t('paused') : t('working', { n: p.files })
}

/** What is under the headline: how fast and how long, or how it ended. */
export function detail(p: Progress, speed: number): string {
  if (p.active === 0) return outcome(p)
  if (p.counts.pausing > 0 && p.counts.sending === 0 && !navigator.onLine) return t('no_network')
  const parts = [t('left', { n: p.files - p.over })]
  if (speed > 0) {
    const seconds = (p.size - p.sent) / speed
    parts.unshift(t('speed', { speed: bytes(speed) }))
    parts.push(seconds < 90 ? t('seconds_left', { n: Math.max(1, Math.round(seconds)) }) : t('minutes_left', { n: Math.round(seconds / 60) }))
  }
  return parts.join(' · ')
}

export function outcome(p: Progress): string {
  const { added, duplicate, refused, failed, cancelled } = p.counts
  return [
    added > 0 ? t('count_added', { n: added }) : '',
    duplicate > 0 ? t('count_duplicate', { n: duplicate }) : '',
    refused + failed > 0 ? t('count_failed', { n: refused + failed }) : '',
    cancelled > 0 ? t('count_cancelled', { n: cancelled }) : '',
  ]
    .filter(Boolean)
    .join(' · ')
}
