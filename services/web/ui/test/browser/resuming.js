// Uploads outlive the page: reloads, closed tabs, other tabs.
import assert from 'node:assert/strict'
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { heavy, pictures } from '../pictures.js'
import { launchWithProfile } from '../window.js'
import { firstChunk, firstChunkOnly, watch } from './traffic.js'
import { add, axe, finished, outcome, run, visit, world } from './world.js'

const MiB = 1024 * 1024
const mostChunk = 16 * MiB

/** Files on the disk: given twice they are the same, with their times. */
export async function onDisk(files) {
  const folder = await mkdtemp(join(tmpdir(), 'sajin-resume-'))
  const paths = files.map(({ name }) => join(folder, name))
  for (const [i, path] of paths.entries()) {
    await writeFile(path, files[i].buffer)
    await utimes(path, 1_700_000_000, 1_700_000_000 + i)
  }
  return { paths, clear: () => rm(folder, { recursive: true, force: true }) }
}

export function resuming() {
  test('after a reload the same files are asked for, recognised, and go on from where the server is', async () => {
    const page = await visit('/')
    const seen = watch(page)
    const files = [heavy(`reload-${run}.png`, 12), ...pictures(`reload-${run}`, 6)]
    const { paths, clear } = await onDisk(files)
    const rest = await firstChunkOnly(page)
    await Promise.all([firstChunk(page), add(page, paths)])
    await page.reload()
    await rest.go()
    const tray = page.locator('.tray[data-state="asking"]')
    await tray.getByRole('heading', { name: /pictures? (was|were) not finished/ }).waitFor()
    await tray.locator('li', { hasText: `reload-${run}.png` }).getByText('Not finished last time').waitFor()
    await axe(page, 'asking for files again')
    const before = seen.chunks.length
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), tray.getByRole('button', { name: 'Choose again' }).click()])
    await chooser.setFiles(paths)
    await finished(page)
    assert.match(await outcome(page), /\d added/)
    assert.doesNotMatch(await outcome(page), /not added/)
    assert.ok(seen.chunks.slice(before).some(({ from }) => from > 0), 'the large one goes on from where it was')
    const sent = seen.chunks.reduce((sum, { bytes }) => sum + bytes, 0)
    const size = files.reduce((sum, { buffer }) => sum + buffer.length, 0)
    assert.ok(sent <= size + mostChunk, `${sent} bytes were sent of ${size}`)
    await page.reload()
    assert.equal(await page.locator('.tray').count(), 0, 'what is done is forgotten')
    await clear()
  })

  test('when the browser was ended and is started again, the same file goes on from where the server is', async () => {
    const profile = await mkdtemp(join(tmpdir(), 'sajin-profile-'))
    const { paths, clear } = await onDisk([heavy(`restart-${run}.png`, 12)])
    const start = async () => {
      const browser = await launchWithProfile(profile)
      const page = browser.pages()[0] ?? (await browser.newPage())
      await page.addInitScript(() => delete window.showOpenFilePicker)
      await page.goto(world.server.url)
      return { browser, page }
    }
    const first = await start()
    await firstChunkOnly(first.page)
    await Promise.all([firstChunk(first.page), add(first.page, paths)])
    await first.browser.close()
    const { browser, page } = await start()
    const seen = watch(page)
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('.tray[data-state="asking"]').getByRole('button', { name: 'Choose again' }).click()])
    await chooser.setFiles(paths)
    await finished(page)
    assert.match(await outcome(page), /1 added/)
    assert.ok(seen.chunks[0].from > 0, 'it goes on from where it was')
    await browser.close()
    await Promise.all([clear(), rm(profile, { recursive: true, force: true })])
  })

  test('with handles a closed tab goes on in the next by itself, and a second tab keeps out of it', async () => {
    const first = await visit('/', { pickers: true })
    const files = [heavy(`handle-${run}.png`, 12), ...pictures(`handle-${run}`, 2)]
    await give(first, files)
    const rest = await firstChunkOnly(first)
    await Promise.all([firstChunk(first), first.locator('.adder [data-pick="files"]').first().click()])
    const second = await first.context().newPage()
    await second.clock.install()
    await second.goto(world.server.url)
    await second.clock.runFor(5_000) // longer than a page waits before it looks a second time
    assert.equal(await second.locator('.tray').count(), 0)
    await second.close()
    await first.goto(`${world.server.url}/trash`)
    await rest.go()
    await finished(first)
    assert.match(await outcome(first), /added/)
    assert.doesNotMatch(await outcome(first), /not added/)
    const { images } = await (await fetch(`${world.server.url}/api/v1/images?limit=50`)).json()
    for (const { name } of files) assert.equal(images.filter((image) => image.name === name).length, 1, name)
  })

  test('who does not want to go on has them forgotten', async () => {
    const page = await visit('/', {}, [/status of 499/])
    await firstChunkOnly(page)
    await Promise.all([firstChunk(page), add(page, [heavy(`forget-${run}.png`, 12)])])
    await page.reload()
    await page.locator('.tray').getByRole('button', { name: 'Forget them' }).click()
    await finished(page)
    assert.match(await outcome(page), /1 cancelled/)
    await page.reload()
    await page.locator('#main').waitFor()
    assert.equal(await page.locator('.tray').count(), 0)
  })
}

/** Has the system's picker give these files, out of the origin's own file system. */
async function give(page, files) {
  const plain = files.map(({ name, buffer }) => ({ name, data: buffer.toString('base64') }))
  await page.evaluate(async (files) => {
    const root = await navigator.storage.getDirectory()
    const handles = []
    for (const { name, data } of files) {
      const handle = await root.getFileHandle(name, { create: true })
      const writable = await handle.createWritable()
      await writable.write(Uint8Array.from(atob(data), (c) => c.charCodeAt(0)))
      await writable.close()
      handles.push(handle)
    }
    window.showOpenFilePicker = async () => handles
  }, plain)
}
