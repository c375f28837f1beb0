// Follows the change feed while the page is in sight.

import { changes, Problem, type Change } from './api'
import { t } from './messages'
import { pause } from './page'
import { toast } from './toast'

const firstBackoff = 1_000
const mostBackoff = 30_000
const burst = 400 // milliseconds: changes that come close together are shown together

export interface Follower {
  apply(changes: Change[]): Promise<void>
  /** What happened in between is not known: look at everything again. */
  lost(): Promise<void>
}

/** Runs as long as the page lives. A hidden page asks nothing and catches up later. */
export async function follow(cursor: string, follower: Follower): Promise<never> {
  let backoff = firstBackoff
  let told = false // that nobody is signed in any more
  let missed = false // changes, which nobody can tell any more
  // A browser opens few connections to one host; a hidden page must not hold one.
  let visible = new AbortController()
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) visible.abort()
    else visible = new AbortController()
  })
  for (;;) {
    await untilVisible()
    try {
      const answer = await changes(cursor, visible.signal)
      if (missed) await follower.lost() // after the place is known from which it goes on
      else if (answer.changes.length > 0) await follower.apply(answer.changes)
      cursor = answer.cursor
      backoff = firstBackoff
      told = missed = false
      if (answer.changes.length > 0) await pause(burst)
    } catch (error) {
      if (document.hidden) continue
      if (error instanceof Problem && error.status === 401 && !told) {
        told = true
        toast(error.message, { label: t('sign_in'), run: () => location.reload() })
      }
      if (error instanceof Problem && (error.status === 400 || error.status === 410)) {
        cursor = ''
        missed = true
      }
      await pause(backoff * (0.5 + Math.random()))
      backoff = Math.min(backoff * 2, mostBackoff)
    }
  }
}

function untilVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve()
  return new Promise((resolve) => document.addEventListener('visibilitychange', () => resolve(), { once: true }))
}

/** Who is to be shown and who is to go, each image once, by its last change. */
export function settle(all: Change[], shows: Change['kind'][], hides: Change['kind'][]): { show: string[]; hide: string[] } {
  const last = new Map<string, Change['kind']>()
  for (const change of all) {
    if (!change.image_id) continue // about an album
    // An update says nothing about where the picture is; what was said before stands.
    const known = last.get(change.image_id)
    if (change.kind !== 'updated' || known === undefined) last.set(change.image_id, change.kind)
  }
  const of = (kinds: Change['kind'][]) => [...last].filter(([, kind]) => kinds.includes(kind)).map(([id]) => id)
  return { show: of(shows), hide: of(hides) }
}
