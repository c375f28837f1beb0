// What people do, in a real browser, against a real server.
import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import { dated, picture, pictures } from './pictures.js'
import { serve } from './server.js'
import { executable, launch, open } from './window.js'

const required = (process.env.SAJIN_TEST_REQUIRE ?? '').split(',').includes('chromium')
const missing = !executable && !required ? 'Chromium is not installed' : false
const refused = /status of 4(15|22)/ // a browser reports every answer that is no success

let server, browser
const windows = []
const faults = []
const run = Date.now().toString(36) // names no earlier run has used

async function visit(path, options, expected) {
  const page = await open(browser, server.url, path, options, expected)
  windows.push(page)
  return page
}

/** Adds files as a person does: by the button and the system's picker. */
async function add(page, files) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('.adder [data-pick="files"]').first().click()])
  await chooser.setFiles(files)
}

const figure = (page, name) => page.locator(`.picture[data-name="${name}"]`)
const shown = (page, name) => page.locator(`.picture[data-name="${name}"][data-state="ready"]`).waitFor({ timeout: 60_000 })
const finished = (page) => page.locator('.tray:not([data-state="working"])').waitFor({ timeout: 120_000 })

describe('the gallery in a browser', { skip: missing }, () => {
  before(async () => {
    assert.ok(executable, 'Chromium is required and not installed')
    server = await serve()
    browser = await launch()
  }, { timeout: 400_000 })

  // A page left open goes on asking for changes, and slows what comes after it.
  afterEach(() => Promise.all(windows.splice(0).map((page) => {
    faults.push(...page.faults)
    return page.context().close()
  })))

  after(async () => {
    await browser?.close()
    await server?.stop()
    assert.deepEqual(faults, [], 'no page may breach the policy, fail, or ask another host')
  })

  test('an empty gallery invites', async (t) => {
    const page = await visit('/')
    if (!server.fresh && (await page.locator('.picture').count()) > 0) return t.skip('the server has pictures')
    await page.getByRole('heading', { name: 'Your pictures will live here' }).waitFor()
  })

  test('pictures that are picked appear by themselves, sharp, without reload', async () => {
    const page = await visit('/')
    await page.evaluate(() => (window.sameDocument = true))
    const files = pictures(`picked-${run}`, 12)
    await add(page, files)
    await finished(page)
    assert.match(await page.locator('.tray [data-detail]').innerText(), /12 added/)
    for (const { name } of files) await shown(page, name)
    assert.equal(await page.evaluate(() => window.sameDocument), true)
    await figure(page, files[0].name).scrollIntoViewIfNeeded()
    await page.waitForFunction((name) => document.querySelector(`[data-name="${name}"] img`)?.naturalWidth > 0, files[0].name)
    const taken = await page.locator('.picture').evaluateAll((all) => all.map((f) => f.dataset.taken))
    assert.deepEqual(taken, [...taken].sort().reverse(), 'newest first')
  })

  test('a month that first appears by an upload is in the month list without reload, with its count', async () => {
    const page = await visit('/')
    const year = 1950 + (Date.now() % 40) // of no other test's pictures
    const total = async () => Number((await page.locator('[data-total]').innerText()).replace(/\D/g, ''))
    const was = await total()
    const files = pictures(`dated-${run}`, 2).map((file) => dated(file, `${year}-03-04T10:00:00`))
    await add(page, files)
    const link = page.locator(`.jump a[data-month="${year}-03"]`)
    await page.waitForFunction((month) => document.querySelector(`.jump a[data-month="${month}"]`)?.dataset.count === '2', `${year}-03`)
    assert.equal(await total(), was + 2)
    await page.keyboard.press('/')
    assert.equal(await page.evaluate(() => document.activeElement?.matches('.jump a[data-month]')), true)
    await link.click()
    await page.locator('.jump [data-current]', { hasText: `March ${year}` }).waitFor()
    await figure(page, files[0].name).waitFor()
  })

  test('the rows of the grid have straight edges and no picture is cropped', async () => {
    const page = await visit('/', { viewport: { width: 1117, height: 800 } }) // where the page's width is no whole number
    assert.notEqual(await page.locator('#timeline').evaluate((root) => root.getBoundingClientRect().width % 1), 0)
    const boxes = await page.locator('.day').first().locator('.picture').evaluateAll((all) => all.map((f) => {
      const { top, right, width, height } = f.getBoundingClientRect()
      return { top: Math.round(top), right, ratio: width / height, own: f.dataset.ratioWidth / f.dataset.ratioHeight }
    }))
    for (const box of boxes) assert.ok(Math.abs(box.ratio - box.own) < 0.06, `${box.ratio} for ${box.own}`)
    const ends = Map.groupBy ? [...Map.groupBy(boxes, (b) => b.top).values()].map((row) => row.at(-1).right) : []
    assert.ok(ends.slice(0, -1).every((right) => Math.abs(right - ends[0]) < 1))
  })

  test('files that are dropped are added; a file that is no picture says why it is not', async () => {
    const page = await visit('/', {}, [refused])
    const good = pictures(`dropped-${run}`, 3)
    const files = [...good, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }, { name: `broken-${run}.png`, mimeType: 'image/png', buffer: Buffer.from('no picture') }]
    await drop(page, files)
    await finished(page)
    assert.match(await page.locator('.tray [data-detail]').innerText(), /3 added · 2 not added/)
    assert.match(await page.locator('.tray li', { hasText: 'notes.txt' }).innerText(), /not a kind of image/)
    for (const { name } of good) await shown(page, name)
  })

  test('a picture that is here already is not added twice', async () => {
    const page = await visit('/')
    const file = picture(`twin-${run}.png`)
    await add(page, [file])
    await shown(page, file.name)
    await add(page, [{ ...file, name: `copy-${run}.png` }])
    const row = page.locator('.tray li', { hasText: `copy-${run}.png` })
    await row.getByText('Already in the gallery').waitFor()
    const id = await figure(page, file.name).getAttribute('data-id')
    assert.equal(await row.getByRole('link', { name: 'Show' }).getAttribute('href'), `/images/${id}`)
    assert.equal(await figure(page, `copy-${run}.png`).count(), 0)
  })

  test('the lightbox goes by keyboard, and its address is the picture', async () => {
    const page = await visit('/', { reducedMotion: 'no-preference' })
    const [first, second] = await page.locator('.picture[data-state="ready"]').evaluateAll((all) => all.map((f) => f.dataset.id))
    await page.locator(`#p-${first} a`).focus()
    await page.keyboard.press('Enter')
    await page.locator('dialog.lightbox').waitFor()
    await page.waitForURL(`**/images/${first}`)
    await page.keyboard.press('ArrowRight')
    await page.waitForURL(`**/images/${second}`)
    await page.keyboard.press('i')
    await page.locator('.lightbox-info dl').getByText('SHA-256').waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog.lightbox').waitFor({ state: 'detached' })
    await page.waitForURL(`${server.url}/`)
    assert.equal(await page.evaluate(() => document.activeElement?.closest('.picture')?.dataset.id), second)
    await page.goForward()
    await page.locator('dialog.lightbox').waitFor()
    await page.goBack()
    await page.locator('dialog.lightbox').waitFor({ state: 'detached' })
  })

  test('a picture has a page of its own, with its neighbours', async () => {
    const page = await visit('/')
    const [first, second] = await page.locator('.picture[data-state="ready"]').evaluateAll((all) => all.map((f) => f.dataset.id))
    await page.goto(`${server.url}/images/${first}`)
    await page.locator('.viewer img.large').waitFor()
    await page.keyboard.press('ArrowRight')
    await page.waitForURL(`**/images/${second}`)
    await page.keyboard.press('ArrowLeft')
    await page.waitForURL(`**/images/${first}`)
  })

  test('what goes to the trash in the lightbox comes back by Undo', async () => {
    const page = await visit('/')
    const file = picture(`undo-${run}.png`)
    await add(page, [file])
    await shown(page, file.name)
    await figure(page, file.name).locator('a').click()
    await page.locator('dialog.lightbox .pswp__img').first().waitFor()
    await page.keyboard.press('Delete')
    await figure(page, file.name).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await figure(page, file.name).waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog.lightbox').waitFor({ state: 'detached' })
  })

  test('what goes to the trash from the grid comes back by Undo, and has the focus again', async () => {
    const page = await visit('/')
    const file = picture(`grid-${run}.png`)
    await add(page, [file])
    await shown(page, file.name)
    await figure(page, file.name).locator('a').focus()
    await page.keyboard.press('Delete')
    await figure(page, file.name).waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await figure(page, file.name).waitFor()
    await page.waitForFunction((name) => document.activeElement?.closest('.picture')?.dataset.name === name, file.name)
  })

  test('the trash restores, and deletes for good after asking; other windows follow', async () => {
    const gallery = await visit('/')
    const [kept, lost] = pictures(`trash-${run}`, 2)
    await add(gallery, [kept, lost])
    await shown(gallery, kept.name)
    await shown(gallery, lost.name)
    for (const { name } of [kept, lost]) {
      await figure(gallery, name).locator('a').focus()
      await gallery.keyboard.press('Delete')
      await figure(gallery, name).waitFor({ state: 'detached' })
    }
    const trash = await visit('/trash')
    const card = (name) => trash.locator(`.card[data-name="${name}"]`)
    await card(kept.name).getByRole('button', { name: 'Restore' }).click()
    await card(kept.name).waitFor({ state: 'detached' })
    await card(lost.name).getByRole('button', { name: 'Delete for good' }).first().click()
    await trash.getByRole('alertdialog').getByRole('button', { name: 'Delete for good' }).click()
    await card(lost.name).waitFor({ state: 'detached' })
    await figure(gallery, kept.name).waitFor()
    assert.equal(await figure(gallery, lost.name).count(), 0)
  })

  test('without script: the form adds, says what became of each, and leads to the gallery', async () => {
    const page = await visit('/upload', { javaScriptEnabled: false })
    const file = picture(`plain-${run}.png`)
    await page.locator('input[name="file_field"]').setInputFiles([file, { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }])
    await page.locator('.dropzone button:visible').click()
    await page.locator('.results li', { hasText: file.name }).getByText('Added.').waitFor()
    await page.locator('.results li', { hasText: 'notes.txt' }).getByText('not a kind of image').waitFor()
    await page.locator('.results').getByRole('link', { name: 'To the gallery' }).click()
    await figure(page, file.name).waitFor()
    await figure(page, file.name).locator('a').click()
    await page.getByRole('button', { name: 'Move to trash' }).click()
    await page.getByText('Moved to the trash.').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.goto(`${server.url}/`)
    await figure(page, file.name).waitFor()
  })

  test('the page speaks the language of the browser, and the one chosen', async () => {
    const page = await visit('/', { locale: 'ko-KR' })
    assert.equal(await page.locator('html').getAttribute('lang'), 'ko')
    await page.getByRole('link', { name: '휴지통' }).waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('link', { name: 'Trash', exact: true }).waitFor()
    assert.equal(await page.locator('html').getAttribute('lang'), 'en')
  })

  test('many files stay few rows, wait while paused, and a busy server is asked again', async () => {
    const many = 200
    const page = await visit('/', {}, [/status of 429/])
    let answers = 0
    let paused
    const atPause = new Promise((resolve) => (paused = resolve))
    await page.route('**/api/v1/images', async (route) => {
      if (++answers === 1) return route.fulfill({ status: 429, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json', body: '{"code":"rate_limited"}' })
      if (answers === 20) paused(page.locator('.tray').getByRole('button', { name: 'Pause' }).click())
      if (answers >= 20) await atPause
      return route.fulfill({ status: 201, json: { results: [{ name: 'x', status: 'stored', id: `X${answers}` }] } })
    })
    const small = picture('many.png', 8, 8).buffer
    await drop(page, Array.from({ length: many }, (_, i) => ({ name: `many-${i}.png`, mimeType: 'image/png', buffer: small })))
    await atPause
    const tray = page.locator('.tray')
    await tray.getByRole('heading', { name: 'Paused' }).waitFor()
    assert.match(await page.title(), /^\d+%/)
    assert.ok(answers < 30, 'nothing new is sent')
    await tray.getByRole('button', { name: 'Go on' }).click()
    await finished(page)
    assert.match(await tray.locator('[data-detail]').innerText(), /200 added/)
    assert.ok((await tray.locator('li').count()) < 20)
    assert.doesNotMatch(await page.title(), /%/)
    await tray.locator('[data-do="dismiss"]').click()
    assert.equal(await tray.count(), 0)
  })

  test('axe finds nothing on any page, in either scheme, in either language', async () => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    const check = async (page, where) => {
      // What is fading in has a contrast of its own until it has arrived.
      await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))))
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
      assert.deepEqual(violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`), [])
    }
    // Colours depend on the scheme, what is shown on the width: two pages see all of both.
    for (const [colorScheme, width, height, locale] of [['light', 1280, 800, 'en'], ['dark', 390, 844, 'ko']]) {
      const page = await visit('/', { colorScheme, viewport: { width, height }, locale, reducedMotion: 'reduce' }, [/status of 404/, refused])
      const where = (what) => `${what} ${colorScheme} ${width}`
      await check(page, where('gallery'))
      await page.keyboard.press('/')
      await check(page, where('months'))
      await page.keyboard.press('Escape')
      await add(page, [{ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') }, picture(`axe-${width}-${run}.png`)])
      await finished(page)
      if (await page.locator('.tray.small').count()) await page.locator('.tray [data-do="minimise"]').click()
      await page.locator('.tray li[data-state="added"]').waitFor()
      await check(page, where('tray'))
      await page.locator('.tray [data-do="dismiss"]').click()
      const id = await page.locator('.picture[data-state="ready"]').first().getAttribute('data-id')
      await page.keyboard.press('?')
      await check(page, where('help'))
      await page.keyboard.press('Escape')
      await page.locator(`#p-${id} a`).click()
      await page.locator('.pswp__img').first().waitFor()
      await page.keyboard.press('i')
      await page.locator('.lightbox-info dl').waitFor()
      await check(page, where('lightbox'))
      for (const path of [`/images/${id}`, '/trash', '/upload', '/images/01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
        await page.goto(server.url + path)
        await check(page, where(path))
      }
    }
  })

  test('pictures of the interface', async (t) => {
    const folder = process.env.SAJIN_TEST_SCREENSHOTS
    if (!folder) return t.skip('SAJIN_TEST_SCREENSHOTS names no folder')
    await mkdir(folder, { recursive: true })
    for (const colorScheme of ['light', 'dark']) {
      for (const [device, viewport] of [['desktop', { width: 1440, height: 900 }], ['phone', { width: 390, height: 844 }]]) {
        const page = await visit('/', { colorScheme, viewport, deviceScaleFactor: 2, reducedMotion: 'reduce' })
        const shoot = (what) => page.screenshot({ path: join(folder, `${what}-${device}-${colorScheme}.png`) })
        await page.waitForLoadState('load')
        await shoot('gallery')
        await page.locator('.picture[data-state="ready"] a').first().click()
        await page.locator('.pswp__img:not(.pswp__img--placeholder)').first().waitFor()
        await shoot('lightbox')
        await page.goto(`${server.url}/trash`)
        await shoot('trash')
        await page.goto(`${server.url}/upload`)
        await shoot('upload')
      }
    }
  })
})

/** Drops files on the page. The bytes go in as base64, since a page has no files of ours. */
async function drop(page, files) {
  const plain = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, data: buffer.toString('base64') }))
  await page.evaluate((files) => {
    const transfer = new DataTransfer()
    for (const { name, mimeType, data } of files) {
      transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type: mimeType }))
    }
    for (const type of ['dragover', 'drop']) {
      document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }))
    }
  }, plain)
}
