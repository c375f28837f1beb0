// Adding pictures: picked, dropped, many.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture, pictures } from '../pictures.js'
import { add, drop, figure, finished, refused, run, shown, visit, world } from './world.js'

export function adding() {
  test('an empty gallery invites', async (t) => {
    const page = await visit('/')
    if (!world.server.fresh && (await page.locator('.picture').count()) > 0) return t.skip('the server has pictures')
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

  test('many files stay few rows, wait while paused, and a busy server is asked again', async () => {
    const many = 200
    const page = await visit('/', {}, [/status of 429/])
    let answers = 0
    let paused
    const atPause = new Promise((resolve) => (paused = resolve))
    await page.route('**/api/v1/uploads', (route) => {
      const { files } = route.request().postDataJSON()
      return route.fulfill({ json: { files: files.map(({ name }) => ({ status: 'new', id: name, session_url: `/api/v1/uploads/${name}` })) } })
    })
    await page.route('**/api/v1/uploads/*', async (route) => {
      if (++answers === 1) return route.fulfill({ status: 429, headers: { 'Retry-After': '1' }, contentType: 'application/problem+json', body: '{"code":"rate_limited"}' })
      if (answers === 20) paused(page.locator('.tray').getByRole('button', { name: 'Pause' }).click())
      if (answers >= 20) await atPause
      return route.fulfill({ status: 201, json: { name: 'x', status: 'stored', id: `X${answers}` } })
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

  test('on a phone the tray opens with every row in sight', async () => {
    const page = await visit('/', { viewport: { width: 390, height: 844 } })
    await add(page, pictures(`phone-${run}`, 9))
    await finished(page)
    await page.locator('.tray.small [data-do="minimise"]').click()
    await page.waitForFunction(() => {
      const list = document.querySelector('.tray-list')
      const { left, bottom } = list.getBoundingClientRect()
      return document.elementFromPoint(left + 80, bottom - 8)?.closest('.tray-list li') !== null
    })
  })
}
