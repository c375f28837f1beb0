// Which of the files that were dropped, pasted or picked are pictures.

export const mostFiles = 10_000
const deepest = 32

export interface Found {
  pictures: File[]
  strangers: File[] // given one by one, and yet no pictures: each is to be told
  skipped: number // no pictures, in a folder
  cut: boolean // there were more than mostFiles
}

const extensions = /\.(jpe?g|png|gif|webp|heic|heif|avif|tiff?|bmp)$/i
const ofSystem = /^(\.|thumbs\.db$|desktop\.ini$)/i

/** Every kind of image counts: the server says which it takes, and why not. */
export function isPicture(file: File): boolean {
  return file.type ? file.type.startsWith('image/') : extensions.test(file.name)
}

/** Sorts files that came by a picker or the clipboard. */
export function sort(files: Iterable<File>): Found {
  const found: Found = { pictures: [], strangers: [], skipped: 0, cut: false }
  for (const file of files) add(found, file, file.webkitRelativePath !== '')
  return found
}

/**
 * Reads what was dropped, folders with all they hold. The transfer's items are
 * only there until the event ends, so they are taken at once.
 */
export async function dropped(transfer: DataTransfer): Promise<Found> {
  const entries = [...transfer.items].filter((item) => item.kind === 'file').map((item) => item.webkitGetAsEntry() ?? item.getAsFile())
  const found: Found = { pictures: [], strangers: [], skipped: 0, cut: false }
  for (const entry of entries) {
    if (entry instanceof File) add(found, entry, false)
    else if (entry) await walk(entry, found, 0)
  }
  return found
}

async function walk(entry: FileSystemEntry, found: Found, depth: number): Promise<void> {
  if (found.cut || depth > deepest) return
  if (entry.isFile) {
    const file = await new Promise<File | undefined>((resolve) => (entry as FileSystemFileEntry).file(resolve, () => resolve(undefined)))
    if (file) add(found, file, depth > 0)
    return
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  // A reader hands out its entries in portions, and none when it is done.
  for (;;) {
    const portion = await new Promise<FileSystemEntry[]>((resolve) => reader.readEntries(resolve, () => resolve([])))
    if (portion.length === 0) return
    for (const inner of portion) await walk(inner, found, depth + 1)
  }
}

function add(found: Found, file: File, inFolder: boolean): void {
  if (inFolder && ofSystem.test(file.name)) return
  if (found.pictures.length + found.strangers.length >= mostFiles) found.cut = true
  else if (isPicture(file)) found.pictures.push(file)
  else if (inFolder) found.skipped++
  else found.strangers.push(file)
}
