// Reading folders with all they hold: by handles, which can be read again later,
// where the browser has them, else by entries.

import { add, nothing, type Found } from './files'

const deepest = 32
const together = 32 // files that are opened at one time

/**
 * Reads what was dropped. The transfer's items are only there until the event
 * ends, so they are taken at once.
 */
export async function dropped(transfer: DataTransfer): Promise<Found> {
  const items = [...transfer.items].filter((item) => item.kind === 'file').map((item) => ({
    handle: item.getAsFileSystemHandle?.().catch(() => null), entry: item.webkitGetAsEntry(), file: item.getAsFile(),
  }))
  const found = nothing()
  for (const { handle, entry, file } of items) {
    const known = await handle
    if (known) await walkHandle(known, found)
    else if (entry) await walkEntry(entry, found, 0)
    else if (file) add(found, { file, folder: '' })
  }
  return found
}

/** Reads a file's or a folder's handle. */
export async function walkHandle(root: FileSystemHandle, found: Found): Promise<void> {
  if (root.kind === 'file') await open([root as FileSystemFileHandle], '', root, found)
  else await walkFolder(root as FileSystemDirectoryHandle, root.name, root, found, 0)
}

async function walkFolder(folder: FileSystemDirectoryHandle, path: string, root: FileSystemHandle, found: Found, depth: number): Promise<void> {
  const files: FileSystemFileHandle[] = []
  const folders: FileSystemDirectoryHandle[] = []
  try {
    for await (const inner of folder.values()) {
      if (inner.kind === 'file') files.push(inner as FileSystemFileHandle)
      else folders.push(inner as FileSystemDirectoryHandle)
    }
  } catch {
    // The rest of it may not be read; what was found is worth having.
  }
  await open(files.sort(byName), path, root, found)
  if (depth >= deepest) return
  for (const inner of folders.sort(byName)) if (!found.cut) await walkFolder(inner, `${path}/${inner.name}`, root, found, depth + 1)
}

const byName = (a: FileSystemHandle, b: FileSystemHandle) => a.name.localeCompare(b.name, undefined, { numeric: true })

async function open(handles: FileSystemFileHandle[], folder: string, root: FileSystemHandle, found: Found): Promise<void> {
  for (let at = 0; at < handles.length && !found.cut; at += together) {
    const some = handles.slice(at, at + together)
    const files = await Promise.all(some.map((handle) => handle.getFile().catch(() => undefined)))
    files.forEach((file, i) => file && add(found, { file, folder, handle: some[i] as FileSystemFileHandle, root }))
  }
}

async function walkEntry(entry: FileSystemEntry, found: Found, depth: number): Promise<void> {
  if (found.cut || depth > deepest) return
  if (entry.isFile) {
    const file = await new Promise<File | undefined>((resolve) => (entry as FileSystemFileEntry).file(resolve, () => resolve(undefined)))
    if (file) add(found, { file, folder: entry.fullPath.split('/').slice(1, -1).join('/') })
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  // A reader hands out its entries in portions, and none when it is done.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (portion.length === 0) return
    for (const inner of portion) await walkEntry(inner, found, depth + 1)
  }
}
