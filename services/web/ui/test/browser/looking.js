// Looking at pictures, and the trash.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture, pictures } from '../pictures.js'
import { add, figure, run, shown, visit, world } from './world.js'

export function looking() {
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
    await page.waitForURL(`${world.server.url}/`)
    assert.equal(await page.evaluate(() => document.activeElement?.closest('.picture')?.dataset.id), second)
    await page.goForward()
    await page.locator('dialog.lightbox').waitFor()
    await page.goBack()
    await page.locator('dialog.lightbox').waitFor({ state: 'detached' })
  })

  test('a picture has a page of its own, with its neighbours', async () => {
    const page = await visit('/')
    const [first, second] = await page.locator('.picture[data-state="ready"]').evaluateAll((all) => all.map((f) => f.dataset.id))
    await page.goto(`${world.server.url}/images/${first}`)
    await page.locator('.viewer img.large').waitFor()
    await page.keyboard.press('ArrowRight')
    await page.waitForURL(`**/images/${second}`)
    await page.keyboard.press('ArrowLeft')
    await page.waitForURL(`**/images/${first}`)
  })

  test('who types an album into the information goes on typing when another picture goes', async () => {
    const page = await visit('/')
    const [one, other] = pictures(`typing-${run}`, 2)
    await add(page, [one, other])
    await shown(page, one.name)
    await shown(page, other.name)
    const id = await figure(page, other.name).getAttribute('data-id')
    await figure(page, one.name).locator('a').click()
    await page.locator('dialog.lightbox .pswp__img').first().waitFor()
    await page.keyboard.press('i')
    await page.locator('.lightbox-info .image-album input').fill('Sum')
    await fetch(`${world.server.url}/api/v1/images/${id}`, { method: 'DELETE' })
    await figure(page, other.name).waitFor({ state: 'detached' })
    await page.keyboard.type('mer')
    assert.equal(await page.locator('.lightbox-info .image-album input').inputValue(), 'Summer')
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

  test('the trash shows what went there while its page was on the way', async () => {
    const gallery = await visit('/')
    const [first, second] = pictures(`between-${run}`, 2)
    await add(gallery, [first, second])
    await shown(gallery, first.name)
    await shown(gallery, second.name)
    const put = async ({ name }) => fetch(`${world.server.url}/api/v1/images/${await figure(gallery, name).getAttribute('data-id')}`, { method: 'DELETE' })
    const trash = await visit('/trash')
    await put(first)
    await trash.locator(`.card[data-name="${first.name}"]`).waitFor()
    // The page is read, and something happens before its script first asks.
    await trash.route('**/trash', async (route) => {
      const answer = await route.fetch()
      await put(second)
      await route.fulfill({ response: answer })
    })
    await trash.reload()
    await trash.locator(`.card[data-name="${second.name}"]`).waitFor()
  })
}
