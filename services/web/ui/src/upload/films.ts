// Live photos: a picture, and a film of the same name beside it. The film is sent
// after its picture, to the image that was made of that.

import { mark } from './again'
import type { Found } from './files'
import { isOver, type Item, type Picked } from './item'

/** The code of a film without a picture, as the server has it. */
export const alone = 'companion_without_image'

// What a telephone puts a film beside, the likelier first.
const kinds = ['.heic', '.heif', '.jpg', '.jpeg']

/**
 * Says of each film which picture it is of, and puts it after that: of the same
 * name, in the same folder. The others are strangers, but for those that an
 * earlier visit left.
 */
export function pair(found: Found, absent: Item[]): void {
  const known = new Set(absent.map(({ name, size, modified }) => mark(name, size, modified)))
  const pictures = likeliest(found.pictures)
  const films = new Map<Picked, Picked>()
  const left: Picked[] = []
  for (const film of found.films) {
    const { name, size, lastModified } = film.file
    const picture = pictures.get(stem(film))
    if (picture && !films.has(picture)) films.set(picture, { ...film, filmOf: picture })
    else if (known.has(mark(name, size, lastModified))) left.push(film)
    else if (film.folder) found.skipped++
    else found.strangers.push(film)
  }
  found.pictures = found.pictures.flatMap((picture) => [picture, ...[films.get(picture) ?? []].flat()])
  found.films = left
}

function likeliest(pictures: Picked[]): Map<string, Picked> {
  const found = new Map<string, Picked>()
  for (const picture of pictures) {
    const other = found.get(stem(picture))
    if (rank(picture) >= 0 && (!other || rank(picture) < rank(other))) found.set(stem(picture), picture)
  }
  return found
}

const extension = ({ file: { name } }: Picked) => name.slice(name.lastIndexOf('.'))
const stem = (picked: Picked) => `${picked.folder}/${picked.file.name.slice(0, -extension(picked).length)}`
const rank = (picked: Picked) => kinds.indexOf(extension(picked).toLowerCase())

/** Whether a film has to wait until its picture is there. */
export const waits = ({ filmOf, companionOf }: Item) => filmOf !== undefined && companionOf === ''

/** Says where a film goes whose picture is over, or that it shares its fate. */
export function follow(film: Item, picture: Item): void {
  if (!isOver(picture.state) || isOver(film.state) || film.companionOf) return
  if ((picture.state === 'added' || picture.state === 'duplicate') && picture.imageID) film.companionOf = picture.imageID
  else if (picture.state === 'cancelled') film.state = 'cancelled'
  else Object.assign(film, { state: picture.state === 'failed' ? 'failed' : 'refused', code: alone, detail: '' })
}
