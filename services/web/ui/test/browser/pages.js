// What holds for every page: without script, in both languages, for everyone.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { picture } from '../pictures.js'
import { add, axe, figure, finished, refused, run, shown, visit, world } from './world.js'

export function everyPage() {
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
    await page.goto(`${world.server.url}/`)
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

  test('a new album can be named at once, and Escape or a click elsewhere changes nothing', async () => {
    const page = await visit('/albums')
    const [menu, field] = [page.locator('.album-form'), page.locator('.album-form input[name="name"]')]
    for (const leave of [() => page.keyboard.press('Escape'), () => page.locator('h1').click()]) {
      await menu.locator('summary').click()
      await page.waitForFunction(() => document.activeElement?.matches('.album-form input[name="name"]'))
      await leave()
      await field.waitFor({ state: 'hidden' })
    }
    await menu.locator('summary').click()
    await page.waitForFunction(() => document.activeElement?.matches('.album-form input[name="name"]'))
    await page.keyboard.type(`Named ${run}`)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: `Named ${run}`, level: 1 }).waitFor()
  })

  // As narrow as a small telephone, and as a window of 1,280 pixels at a zoom of 400 % (WCAG 1.4.10).
  test('no page has to be scrolled sideways on the narrowest screen', async () => {
    for (const locale of ['en', 'ko']) {
      const page = await visit('/', { viewport: { width: 320, height: 600 }, locale }, [/status of 404/])
      const file = picture(`narrow-${locale}-${run}.png`)
      await add(page, [file])
      await shown(page, file.name)
      const id = await figure(page, file.name).getAttribute('data-id')
      for (const path of ['/', `/images/${id}`, '/albums', '/trash', '/upload', '/nothing']) {
        await page.goto(world.server.url + path)
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(beyond <= 0, `${path} in ${locale}: ${beyond} pixels`)
      }
    }
  })

  test('axe finds nothing on any page, in either scheme, in either language', async () => {
    // Colours depend on the scheme, what is shown on the width: two pages see all of both.
    for (const [colorScheme, width, height, locale] of [['light', 1280, 800, 'en'], ['dark', 390, 844, 'ko']]) {
      const page = await visit('/', { colorScheme, viewport: { width, height }, locale, reducedMotion: 'reduce' }, [/status of 404/, refused])
      const where = (what) => `${what} ${colorScheme} ${width}`
      await axe(page, where('gallery'))
      await page.keyboard.press('/')
      await axe(page, where('months'))
      await page.keyboard.press('Escape')
      await add(page, [{ name: 'broken.png', mimeType: 'image/png', buffer: Buffer.from('no picture') }, picture(`axe-${width}-${run}.png`)])
      await finished(page)
      if (await page.locator('.tray.small').count()) await page.locator('.tray [data-do="minimise"]').click()
      await page.locator('.tray li[data-state="added"]').waitFor()
      await axe(page, where('tray'))
      await page.locator('.tray [data-do="dismiss"]').click()
      const id = await page.locator('.picture[data-state="ready"]').first().getAttribute('data-id')
      await page.keyboard.press('?')
      await axe(page, where('help'))
      await page.keyboard.press('Escape')
      await page.locator(`#p-${id} a`).click()
      await page.locator('.pswp__img').first().waitFor()
      await page.keyboard.press('i')
      await page.locator('.lightbox-info dl').waitFor()
      await axe(page, where('lightbox'))
      await fetch(`${world.server.url}/api/v1/album-paths`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ albums: [{ path: `Axe ${run}/Inner`, ids: [id] }] }) })
      await page.goto(`${world.server.url}/albums`)
      await axe(page, where('albums'))
      await page.locator('.album-card', { hasText: `Axe ${run}` }).click()
      await page.locator('.tabs [aria-current]', { hasText: locale === 'en' ? 'Albums' : '앨범' }).waitFor()
      await page.locator('.album-form summary').first().click()
      await axe(page, where('album'))
      for (const path of [`/images/${id}`, '/trash', '/upload', '/images/01ARZ3NDEKTSV4RRFFQ69G5FAV']) {
        await page.goto(world.server.url + path)
        await axe(page, where(path))
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
        await page.goto(`${world.server.url}/trash`)
        await shoot('trash')
        await page.goto(`${world.server.url}/upload`)
        await shoot('upload')
      }
    }
  })
}
