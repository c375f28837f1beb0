// Going on with files of an earlier visit: those whose bytes can be read again
// without asking, and those that are recognised when they are given again.

import type { Item, Picked } from './item'
import type { Queue } from './queue'
import { newKey, type Memory, type Remembered } from './memory'

/** Puts remembered files into the queue, absent until their bytes are there. */
export function recall(queue: Queue, records: Remembered[], now = Date.now()): Item[] {
  const items = queue.recall(records.map(({ key, name, size, modified, type, folder, sha256, session, handle, root, file, companionOf }) => {
    const valid = session && session.expiresAt > now ? session : undefined
    return {
      record: key, name, size, modified, type, folder, sha256, session: valid, begun: valid !== undefined, handle, root, kept: file !== undefined, file,
      companionOf: companionOf ?? '',
    }
  }))
  const pictures = new Map(items.map((item) => [item.record, item]))
  records.forEach(({ filmOf }, i) => {
    const picture = filmOf && pictures.get(filmOf)
    if (picture) queue.join(items[i] as Item, picture)
  })
  return items
}

/**
 * Finds for each picked file the absent item that it is: the same name, size and
 * time, from the same folder if more than one is. Every item is found once.
 */
export function match(absent: Item[], picked: Picked[]): { pairs: [Item, Picked][]; others: Picked[] } {
  const known = new Map<string, Item[]>()
  for (const item of absent) known.set(mark(item.name, item.size, item.modified), [...(known.get(mark(item.name, item.size, item.modified)) ?? []), item])
  const pairs: [Item, Picked][] = []
  const others: Picked[] = []
  for (const one of picked) {
    const candidates = known.get(mark(one.file.name, one.file.size, one.file.lastModified)) ?? []
    const at = Math.max(0, candidates.findIndex((item) => item.folder === one.folder))
    const [item] = candidates.splice(at, 1)
    if (item) pairs.push([item, one])
    else others.push(one)
  }
  return { pairs, others }
}

export const mark = (name: string, size: number, modified: number) => `${name}\0${size}\0${modified}`

/**
 * Gives items the bytes that can be had without a person: what was shared, and
 * files that the browser may read again. `ask` asks a person for leave, which
 * takes their click.
 */
export async function reopen(queue: Queue, memory: Memory, items: Item[], ask: boolean): Promise<void> {
  const leave = new Map<FileSystemHandle, boolean>() // by what was given, which may be a folder of many
  for (const item of items) {
    const root = item.root ?? item.handle
    if (item.state !== 'absent') continue
    if (item.file) queue.attach(item, { file: item.file })
    if (!item.handle || !root) continue
    const known = leave.get(root) ?? (await allowed(root, ask))
    leave.set(root, known)
    if (known) await reread(queue, memory, item, item.handle)
    else ask = false // one no is enough
  }
}

/** Remembers items that are new. */
export function remember(memory: Memory, items: Item[]): void {
  const now = Date.now()
  memory.remember(items.map((item) => {
    item.record = newKey(item.key, now)
    const { record: key, name, size, modified, type, folder, sha256, handle, root, filmOf, companionOf } = item
    return {
      key, name, size, modified, type, folder, sha256, ...(handle ? { handle } : {}), ...(root ? { root } : {}),
      ...(filmOf ? { filmOf: filmOf.record } : {}), ...(companionOf ? { companionOf } : {}),
    }
  }))
}

async function reread(queue: Queue, memory: Memory, item: Item, handle: FileSystemFileHandle): Promise<void> {
  const file = await handle.getFile().catch(() => undefined)
  if (item.state !== 'absent') return
  if (!file) {
    item.handle = undefined // moved or removed: only a person can say where to
    return
  }
  if (file.size === item.size && file.lastModified === item.modified) return queue.attach(item, { file, handle })
  // It is another picture by now, and a file of its own.
  memory.forget([item.record])
  remember(memory, [queue.replace(item, { file, folder: item.folder, handle, ...(item.root ? { root: item.root } : {}) })])
}

async function allowed(handle: FileSystemHandle, ask: boolean): Promise<boolean> {
  try {
    const state = await handle.queryPermission({ mode: 'read' })
    return state === 'granted' || (ask && (await handle.requestPermission({ mode: 'read' })) === 'granted')
  } catch {
    return false
  }
}
