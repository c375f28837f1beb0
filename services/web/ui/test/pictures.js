// Pictures made up for the test: PNG files of any size, each with other bytes.
import { randomBytes } from 'node:crypto'
import { crc32, deflateSync } from 'node:zlib'

/** @returns {{name: string, mimeType: string, buffer: Buffer}} */
export function picture(name, width = 640, height = 480) {
  const [red, green, blue, seed] = randomBytes(4)
  const rows = Buffer.alloc((width * 3 + 1) * height)
  for (let y = 0; y < height; y++) {
    const row = y * (width * 3 + 1)
    for (let x = 0; x < width; x++) {
      const light = 0.45 + 0.55 * Math.sin((x * (1 + (seed % 5))) / width + y / height) ** 2
      rows[row + 1 + x * 3] = red * light
      rows[row + 2 + x * 3] = (green * (x + 40)) / (width + 40)
      rows[row + 3 + x * 3] = (blue * (y + 40)) / (height + 40)
    }
  }
  randomBytes(3).copy(rows, 1) // one pixel that makes the file unlike all others
  return { name, mimeType: 'image/png', buffer: png(width, height, rows) }
}

function png(width, height, rows, level = 6) {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', deflateSync(rows, { level })), chunk('IEND', Buffer.alloc(0))])
}

/** A picture of about that many MiB, which nothing can make smaller. */
export function heavy(name, mebibytes) {
  const [width, height] = [1024, Math.round((mebibytes * 1024) / 3)]
  const rows = randomBytes((width * 3 + 1) * height)
  for (let y = 0; y < height; y++) rows[y * (width * 3 + 1)] = 0 // no filter
  return { name, mimeType: 'image/png', buffer: png(width, height, rows, 0) }
}

/** The same picture, taken at that moment (2006-01-02T15:04:05) by its EXIF. */
export function dated(file, moment) {
  const text = moment.replaceAll('-', ':').replace('T', ' ') + '\0'
  const tiff = Buffer.alloc(44 + text.length)
  tiff.write('MM\0*\0\0\0\x08', 0, 'latin1')
  entry(tiff, 8, 0x8769, 4, 1, 26) // the EXIF directory is at 26
  entry(tiff, 26, 0x9003, 2, text.length, 44) // when it was taken, at 44
  tiff.write(text, 44, 'latin1')
  const header = 33 // signature and IHDR
  return { ...file, buffer: Buffer.concat([file.buffer.subarray(0, header), chunk('eXIf', tiff), file.buffer.subarray(header)]) }
}

// entry writes a TIFF directory of one entry.
function entry(tiff, at, tag, type, count, value) {
  tiff.writeUInt16BE(1, at)
  tiff.writeUInt16BE(tag, at + 2)
  tiff.writeUInt16BE(type, at + 4)
  tiff.writeUInt32BE(count, at + 6)
  tiff.writeUInt32BE(value, at + 10)
}

function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(checksum(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

// zlib.crc32 came with Node 20.15.
const checksum = (data) => crc32(data) >>> 0

const shapes = [[640, 480], [480, 640], [600, 600], [800, 450], [450, 800]]

/** n pictures of several shapes, their names beginning alike. */
export function pictures(prefix, n) {
  return Array.from({ length: n }, (_, i) => picture(`${prefix}-${i}.png`, ...shapes[i % shapes.length]))
}
