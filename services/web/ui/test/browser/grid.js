// The timeline: what it shows, and how it is laid out.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dated, pictures } from '../pictures.js'
import { add, figure, finished, run, shown, visit, world } from './world.js'

export function grid() {
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

  test('pictures far from the window give up their image, and are found and shown all the same', async () => {
    const page = await visit('/', { viewport: { width: 390, height: 150 } })
    const files = pictures(`far-${run}`, 30)
    await add(page, files)
    await finished(page)
    await page.waitForFunction((run) => document.querySelectorAll(`.picture[data-name^="far-${run}"][data-state="ready"]`).length === 30, run)
    const ends = await page.locator('.picture').evaluateAll((all) => [all[0], all.at(-1)].map((f) => f.id))
    const [first, last] = ends.map((id) => page.locator(`#${id}`))
    const size = () => first.evaluate(({ offsetWidth, offsetHeight }) => `${offsetWidth} x ${offsetHeight}`)
    await first.locator('img').waitFor()
    await last.locator('img').waitFor({ state: 'detached' })
    const before = await size()
    const name = await last.getAttribute('data-name')
    assert.equal(await last.getByRole('link', { name }).count(), 1, 'its link says which it is')
    await first.locator('a').focus()
    await page.keyboard.press('End')
    await last.locator('img').waitFor()
    await first.locator('img').waitFor({ state: 'detached' })
    assert.equal(await last.locator('a').evaluate((link) => link === document.activeElement), true)
    assert.equal(await last.locator('a').getAttribute('aria-label'), null, 'its image speaks again')
    assert.equal(await size(), before, 'its place is kept')
    await page.keyboard.press('Enter')
    await page.locator('dialog.lightbox .pswp__img').first().waitFor()
    await page.keyboard.press('Escape')
    await page.locator('dialog.lightbox').waitFor({ state: 'detached' })
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

  test('days that stand side by side are as far from each other as the timeline says', async () => {
    const page = await visit('/')
    const year = 1900 + (Date.now() % 40)
    const files = pictures(`days-${run}`, 2).map((file, i) => dated(file, `${year}-05-0${4 + i}T10:00:00`))
    await add(page, files)
    for (const file of files) await shown(page, file.name)
    const day = (file) => figure(page, file.name).locator('xpath=ancestor::*[contains(@class, "day")][1]').evaluate((it) => {
      const { top, left, right } = it.getBoundingClientRect()
      return { top, left, right, gap: parseFloat(getComputedStyle(document.querySelector('#timeline')).columnGap) }
    })
    const [left, right] = (await Promise.all(files.map(day))).sort((a, b) => a.left - b.left)
    assert.equal(left.top, right.top)
    assert.ok(left.gap > 0 && Math.abs(right.left - left.right - left.gap) < 1, JSON.stringify([left, right]))
  })
}
