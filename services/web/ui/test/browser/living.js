// Live photos: a picture and a film of the same name become one image that moves.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { picture } from '../pictures.js'
import { onDisk } from './resuming.js'
import { watch } from './traffic.js'
import { add, drop, figure, finished, outcome, run, shown, visit, world } from './world.js'

const still = (name) => ({ ...picture(name), mimeType: 'image/jpeg' }) // the server goes by the bytes
const motion = async (id) => (await (await fetch(`${world.server.url}/api/v1/images/${id}`)).json()).motion

/** A film of a moment, as the browser records it, with the brand of a telephone's. */
async function film(page, name) {
  const data = await page.evaluate(async () => {
    const canvas = document.createElement('canvas')
    const context = canvas.getContext('2d')
    const recorder = new MediaRecorder(canvas.captureStream(30), { mimeType: 'video/mp4' })
    const parts = []
    const over = new Promise((resolve) => (recorder.onstop = resolve))
    recorder.ondataavailable = ({ data }) => parts.push(data)
    recorder.start()
    for (let i = 0; i < 30; i++) {
      context.fillStyle = `hsl(${12 * i} 80% 50%)`
      context.fillRect(0, 0, canvas.width, canvas.height)
      await new Promise(requestAnimationFrame)
    }
    recorder.stop()
    await over
    return [...new Uint8Array(await new Blob(parts).arrayBuffer())]
  })
  const buffer = Buffer.from(data)
  assert.equal(buffer.toString('latin1', 4, 8), 'ftyp')
  buffer.write('qt  ', 8, 'latin1')
  return { name, mimeType: 'video/quicktime', buffer }
}

const devices = { desk: {}, phone: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 } }

async function plays(page, button) {
  await page.waitForFunction(() => document.querySelector('.lightbox-motion').currentTime > 0)
  assert.equal(await button.getAttribute('aria-pressed'), 'true')
}

async function stands(video, button) {
  await video.waitFor({ state: 'hidden' })
  assert.equal(await button.getAttribute('aria-pressed'), 'false')
}

export function living() {
  test('a picture that the network lost on its way is asked for again', async () => {
    const page = await visit('/', {}, [/Failed to load resource/])
    const file = picture(`lost-${run}.png`)
    const asked = new Set()
    await page.route('**/media/*/w*', (route) => {
      const url = route.request().url()
      if (asked.has(url)) return route.continue()
      asked.add(url)
      return route.abort()
    })
    await add(page, [file])
    await shown(page, file.name)
    await page.waitForFunction((name) => document.querySelector(`.picture[data-name="${name}"] img`)?.naturalWidth > 0, file.name)
    assert.ok(asked.size > 0)
  })

  test('a photo and its film become one image, and the lightbox plays it', async () => {
    const page = await visit('/')
    const seen = watch(page)
    const photo = still(`live-${run}.jpg`)
    const moving = await film(page, `live-${run}.MOV`)
    await drop(page, [moving, photo, still(`other-${run}.jpg`)])
    await finished(page)
    assert.match(await outcome(page), /3 added/)
    await page.locator('.tray li', { hasText: `Added to live-${run}.jpg` }).waitFor()
    assert.deepEqual(seen.plans.filter(({ companion_of }) => companion_of).map(({ name }) => name), [moving.name])
    await shown(page, photo.name)
    assert.equal(await figure(page, moving.name).count(), 0)
    const id = await figure(page, photo.name).getAttribute('data-id')
    await page.locator(`.picture[data-name="${photo.name}"][data-motion]`).waitFor()
    assert.equal((await motion(id)).length, moving.buffer.length)
    await figure(page, photo.name).getByText('LIVE').waitFor()
    await page.locator('.tray [data-do="dismiss"]').click()
    await figure(page, photo.name).locator('a').first().click()
    await page.locator('[data-do="motion"]').click()
    await page.waitForFunction(() => document.querySelector('.lightbox-motion').currentTime > 0)
    assert.equal(await page.locator('[data-do="motion"]').getAttribute('aria-pressed'), 'true')
  })

  test('the film is labelled and plays by keyboard and by hand, on a desk and on a phone', async () => {
    const page = await visit('/')
    const photo = still(`play-${run}.jpg`)
    await add(page, [photo, await film(page, `play-${run}.MOV`)])
    await finished(page)
    await shown(page, photo.name)
    for (const [name, options] of Object.entries(devices)) {
      const page = await visit('/', options)
      const button = page.getByRole('button', { name: 'LIVE', exact: true })
      const video = page.getByLabel('The moving part of this picture')
      await page.locator(`.picture[data-name="${photo.name}"][data-motion] a`).first().press('Enter')
      await button.waitFor()
      assert.equal(await video.count(), 1, `${name}: the film has a name`)
      assert.equal(await video.isVisible(), false, `${name}: it waits to be asked`)
      for (let tabs = 0; tabs < 20 && !(await button.evaluate((it) => it === document.activeElement)); tabs++) await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      await plays(page, button)
      await page.keyboard.press('Enter')
      await stands(video, button)
      await (options.hasTouch ? button.tap() : button.click())
      await plays(page, button)
      await (options.hasTouch ? video.tap() : video.click())
      await stands(video, button)
      await page.keyboard.press('Escape')
      await page.locator('.lightbox').waitFor({ state: 'detached' })
      assert.deepEqual(page.faults, [])
    }
  })

  test('a photo that is here gets its film when both are given', async () => {
    const page = await visit('/')
    const photo = still(`late-${run}.jpg`)
    await add(page, [photo])
    await finished(page)
    await page.locator('.tray [data-do="dismiss"]').click()
    const both = [photo, await film(page, `late-${run}.mov`)]
    await add(page, both)
    await finished(page)
    assert.match(await outcome(page), /1 added · 1 already here/)
    await page.locator('.tray [data-do="dismiss"]').click()
    await add(page, both)
    await finished(page)
    assert.match(await outcome(page), /2 already here/)
  })

  test('a film without its photo is not sent', async () => {
    const page = await visit('/')
    const seen = watch(page)
    await drop(page, [{ name: `alone-${run}.mov`, mimeType: 'video/quicktime', buffer: Buffer.from('....ftypqt  ') }])
    await finished(page)
    await page.locator('.tray li', { hasText: 'A film is only taken with its photo' }).waitFor()
    assert.deepEqual(seen.plans, [])
  })

  test('films in folders go with the photos beside them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sajin-live-'))
    await mkdir(join(folder, 'Trip'))
    const page = await visit('/')
    const moving = await film(page, '')
    for (const name of ['IMG_1.MOV', 'IMG_2.mov']) await writeFile(join(folder, 'Trip', name), moving.buffer)
    await writeFile(join(folder, 'Trip', 'IMG_1.jpg'), picture('').buffer)
    const seen = watch(page)
    await page.locator('.adder .more').click()
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('#add-menu [data-pick="folder"]').click()])
    await chooser.setFiles(join(folder, 'Trip'))
    await finished(page)
    assert.deepEqual(seen.plans.map(({ name, companion_of }) => [name, Boolean(companion_of)]), [['IMG_1.jpg', false], ['IMG_1.MOV', true]])
    await page.getByText('1 file was left out because it is no picture.').waitFor()
    await rm(folder, { recursive: true })
  })

  test('a reload between photo and film loses neither', async () => {
    const page = await visit('/', {}, [/ERR_/])
    const photo = still(`reload-${run}.jpg`)
    const both = [photo, await film(page, `reload-${run}.mov`)]
    let held = true // and not unrouted, which would let it go
    await page.route('**/api/v1/uploads', (route) => (held && route.request().postData()?.includes('companion_of') ? undefined : route.continue()))
    const asked = page.waitForRequest((request) => request.postData()?.includes('companion_of') ?? false)
    const { paths, clear } = await onDisk(both)
    await add(page, paths)
    await asked
    await page.reload()
    held = false
    await page.locator('.tray li', { hasText: 'Not finished last time' }).waitFor()
    await add(page, [paths[1]]) // the film alone: it is known
    await finished(page)
    await shown(page, photo.name)
    await page.locator(`.picture[data-name="${photo.name}"][data-motion]`).waitFor()
    const id = await figure(page, photo.name).getAttribute('data-id')
    assert.equal((await motion(id)).length, both[1].buffer.length)
    await clear()
  })
}
