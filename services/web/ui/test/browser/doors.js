// The ways in that no button has: pasting, and folders that are dropped; and the
// screen, which stays on meanwhile.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { heavy, picture, pictures } from '../pictures.js'
import { firstChunkOnly, watch } from './traffic.js'
import { add, figure, finished, outcome, run, shown, visit, world } from './world.js'

export function doors() {
  test('a picture that is pasted is added', async () => {
    const page = await visit('/')
    const { buffer } = picture('')
    await page.evaluate((data) => {
      const clipboardData = new DataTransfer()
      clipboardData.items.add(new File([Uint8Array.from(atob(data.bytes), (c) => c.charCodeAt(0))], data.name, { type: 'image/png' }))
      document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, { bytes: buffer.toString('base64'), name: `pasted-${run}.png` })
    await shown(page, `pasted-${run}.png`)
    await finished(page) // the page may hear of the picture before its answer
    assert.match(await outcome(page), /1 added/)
  })

  test('a folder that is dropped becomes an album; dropped again it adds only what is new, and the album shows both', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sajin-drop-'))
    const trip = join(folder, `Trip ${run}`)
    await mkdir(join(trip, 'Day 1'), { recursive: true })
    await writeFile(join(trip, `first-${run}.png`), picture('').buffer)
    await writeFile(join(trip, 'Day 1', `second-${run}.png`), picture('').buffer)
    const page = await visit('/')
    await dropPath(page, trip)
    await finished(page)
    assert.match(await outcome(page), /2 added/)
    await page.locator('.tray [data-do="dismiss"]').click()
    await writeFile(join(trip, 'Day 1', `third-${run}.png`), picture('').buffer)
    const seen = watch(page)
    await dropPath(page, trip)
    await finished(page)
    assert.match(await outcome(page), /1 added/)
    assert.match(await outcome(page), /2 already here/)
    assert.equal(new Set(seen.chunks.map(({ url }) => url)).size, 1, 'only the new one is sent')
    await page.goto(new URL('/albums', page.url()).href)
    await page.getByRole('link', { name: new RegExp(`Trip ${run}`) }).first().click()
    await page.locator(`.picture[data-name="first-${run}.png"]`).waitFor()
    await page.getByRole('link', { name: /Day 1/ }).first().click()
    for (const name of ['second', 'third']) await page.locator(`.picture[data-name="${name}-${run}.png"]`).waitFor()
    await rm(folder, { recursive: true })
  })

  test('an album counts what comes to it and what goes, without reload', async () => {
    const answer = await fetch(`${world.server.url}/api/v1/albums`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ name: `Counted ${run}` }),
    })
    const page = await visit(`/albums/${(await answer.json()).id}`)
    const total = (text) => page.locator('[data-total]').getByText(text, { exact: true }).waitFor()
    await total('0 pictures')
    const files = pictures(`counted-${run}`, 2)
    await add(page, files)
    for (const { name } of files) await shown(page, name)
    await total('2 pictures')
    await page.locator('.tray [data-do="dismiss"]').click()
    await figure(page, files[0].name).locator('a').focus()
    await page.keyboard.press('Delete')
    await total('1 picture')
  })

  test('the screen stays on while files are sent, and no longer', async () => {
    const page = await visit('/')
    await page.evaluate(() => {
      window.locks = []
      navigator.wakeLock.request = async (type) => {
        const lock = { type, released: false, release: async () => { lock.released = true } }
        window.locks.push(lock)
        return lock
      }
    })
    const rest = await firstChunkOnly(page)
    await add(page, [heavy(`awake-${run}.png`, 12)])
    await page.waitForFunction(() => window.locks.length > 0)
    assert.deepEqual(await page.evaluate(() => window.locks.map(({ type, released }) => [type, released])), [['screen', false]])
    await rest.go()
    await finished(page)
    await page.waitForFunction(() => window.locks.every((lock) => lock.released))
  })
}

/** Drops a file or a folder of this machine, as the system does. */
async function dropPath(page, path) {
  const session = await page.context().newCDPSession(page)
  const data = { items: [], files: [path], dragOperationsMask: 1 }
  for (const type of ['dragEnter', 'dragOver', 'drop']) await session.send('Input.dispatchDragEvent', { type, x: 400, y: 300, data })
}
