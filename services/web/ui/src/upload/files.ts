// Which of the files that were dropped, pasted or picked are pictures.

import type { Picked } from './item'

export const mostFiles = 50_000

export interface Found {
  pictures: Picked[]
  films: Picked[] // of live photos, before pair those that may be
  strangers: Picked[] // given one by one, and yet no pictures: each is to be told
  skipped: number // no pictures, in a folder
  cut: boolean // there were more than mostFiles
}

export const nothing = (): Found => ({ pictures: [], films: [], strangers: [], skipped: 0, cut: false })

const raw = ['dng', 'cr2', 'cr3', 'nef', 'arw', 'orf', 'rw2', 'raf'] // no browser knows their types
export const extensions = ['jpg', 'jpeg', 'png', 'gif', 'webp', 'heic', 'heif', 'avif', 'tif', 'tiff', 'bmp', 'jxl', ...raw].map((name) => `.${name}`)

/** Of the films of live photos. They are no pictures, and only taken beside one. */
export const filmExtension = '.mov'
export const filmType = 'video/quicktime'
export const isFilm = (name: string) => name.toLowerCase().endsWith(filmExtension)

const ofSystem = /^(\.|thumbs\.db$|desktop\.ini$)/i

/** Every kind of image counts: the server says which it takes, and why not. */
export function isPicture(file: File): boolean {
  return file.type ? file.type.startsWith('image/') : extensions.some((ending) => file.name.toLowerCase().endsWith(ending))
}

/** Sorts files that came by a picker or the clipboard. */
export function sort(files: Iterable<File>): Found {
  const found = nothing()
  for (const file of files) add(found, { file, folder: file.webkitRelativePath.split('/').slice(0, -1).join('/') })
  return found
}

/** Puts a file where it belongs, and says whether there is room for more. */
export function add(found: Found, picked: Picked): boolean {
  const inFolder = picked.folder !== ''
  if (inFolder && ofSystem.test(picked.file.name)) return true
  if (found.pictures.length + found.films.length + found.strangers.length >= mostFiles) found.cut = true
  else if (isPicture(picked.file)) found.pictures.push(picked)
  else if (isFilm(picked.file.name)) found.films.push(picked)
  else if (inFolder) found.skipped++
  else found.strangers.push(picked)
  return !found.cut
}
