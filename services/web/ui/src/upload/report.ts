// What became of the files, to be kept: a report in plain text, and the
// receipt of what is stored, which the server makes.

import { Problem, receipt, type Receipt } from '../api'
import { t } from '../messages'
import type { Item } from './item'
import { headline, outcome, type Progress } from './progress'
import { sentence } from './row'

/** One line for all and one for each file. */
export function report(items: Item[], progress: Progress, now = Date.now()): string {
  const path = (item: Item) => (item.folder ? `${item.folder}/${item.name}` : item.name)
  return [`${headline(progress)} · ${outcome(progress)}`, '', ...items.map((item) => `${path(item)}\t${sentence(item, now)}`)].join('\n') + '\n'
}

/** Puts a text on the clipboard, or where the browser has none for us, into a file. */
export async function copy(text: string): Promise<'copied' | 'saved'> {
  try {
    await navigator.clipboard.writeText(text)
    return 'copied'
  } catch {
    save(text, 'text/plain', `sajin-${t('report_file')}.txt`)
    return 'saved'
  }
}

const mostIDs = 1000 // that one request may ask for

/** Fetches and saves the receipt of all that is stored; false where the gallery gives none. */
export async function saveReceipt(items: Item[]): Promise<boolean> {
  const ids = [...new Set(items.filter(({ state }) => state === 'added' || state === 'duplicate').map(({ imageID }) => imageID))].filter(Boolean)
  const parts: Receipt[] = []
  try {
    for (let at = 0; at < ids.length; at += mostIDs) parts.push(await receipt(ids.slice(at, at + mostIDs)))
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return false
    throw error
  }
  save(JSON.stringify(join(parts), null, 2) + '\n', 'application/json', `sajin-${new Date().toISOString().slice(0, 10)}.receipt.json`)
  return true
}

/** Makes one receipt of several. */
export function join(parts: Receipt[]): Receipt {
  const missing = parts.flatMap((part) => part.missing ?? [])
  const { files: _, missing: __, ...head } = parts[0] ?? { files: [] }
  return { ...head, files: parts.flatMap((part) => part.files), ...(missing.length > 0 ? { missing } : {}) }
}

function save(text: string, type: string, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob([text], { type }))
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000) // by then it has been read
}
