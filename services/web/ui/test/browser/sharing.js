// The installed page, and what other apps share with it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture } from '../pictures.js'
import { figure, finished, outcome, run, shown, visit, world } from './world.js'

// How a telephone's film begins; what follows is of no interest to the server.
const quickTime = Buffer.from('\0\0\0\x14ftypqt  \0\0\0\0qt  ', 'latin1')

/** Shares a file, or several, as the system does: by a form that is posted to the share target. */
async function share(page, file) {
  await page.evaluate(() => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: '/share', enctype: 'multipart/form-data' })
    form.append(Object.assign(document.createElement('input'), { type: 'file', name: 'files', id: 'shared' }))
    document.body.append(form)
  })
  await page.locator('#shared').evaluate((input) => (input.multiple = true))
  await page.locator('#shared').setInputFiles(file)
  await page.evaluate(() => document.querySelector('#shared').form.requestSubmit())
}

export function sharing() {
  test('the gallery can be installed: its manifest is complete', async () => {
    const page = await visit('/', { locale: 'ko-KR' })
    const href = await page.locator('link[rel="manifest"]').getAttribute('href')
    const answer = await page.request.get(world.server.url + href, { headers: { 'Accept-Language': 'ko' } })
    const manifest = await answer.json()
    assert.equal(answer.headers()['content-type'], 'application/manifest+json')
    assert.deepEqual([manifest.name, manifest.lang, manifest.display, manifest.scope], ['사진', 'ko', 'standalone', '/'])
    assert.equal(manifest.share_target.action, '/share')
    for (const { src, type } of manifest.icons) {
      const icon = await page.request.get(world.server.url + src)
      assert.equal(icon.headers()['content-type'], type, src)
    }
    const session = await page.context().newCDPSession(page)
    const { errors } = await session.send('Page.getAppManifest')
    assert.deepEqual(errors, [])
  })

  test('what is shared with the installed page is added, and the worker keeps nothing', async () => {
    const page = await visit('/', { serviceWorkers: 'allow' })
    await page.evaluate(async () => {
      dispatchEvent(new Event('appinstalled'))
      const { active } = await navigator.serviceWorker.ready
      if (active.state !== 'activated') await new Promise((resolve) => active.addEventListener('statechange', resolve, { once: true }))
    })
    const file = picture(`shared-${run}.png`)
    await share(page, file)
    await page.waitForURL(`${world.server.url}/`)
    await finished(page)
    assert.match(await outcome(page), /1 added/)
    await shown(page, file.name)
    assert.deepEqual(await page.evaluate(() => caches.keys()), [])
    await page.reload()
    await figure(page, file.name).waitFor()
    assert.equal(await page.locator('.tray').count(), 0, 'it is added once')
  })

  test('a live photo is shared as one picture, by the worker and without it', async () => {
    for (const serviceWorkers of ['allow', 'block']) {
      const page = await visit('/', { serviceWorkers })
      if (serviceWorkers === 'allow') {
        await page.evaluate(async () => {
          dispatchEvent(new Event('appinstalled'))
          const { active } = await navigator.serviceWorker.ready
          if (active.state !== 'activated') await new Promise((resolve) => active.addEventListener('statechange', resolve, { once: true }))
        })
      }
      const name = `shared-live-${serviceWorkers}-${run}`
      const photo = { ...picture(`${name}.jpg`), mimeType: 'image/jpeg' }
      await share(page, [photo, { name: `${name}.MOV`, mimeType: 'video/quicktime', buffer: Buffer.concat([quickTime, Buffer.from(name)]) }])
      if (serviceWorkers === 'allow') {
        await page.waitForURL(`${world.server.url}/`)
        await finished(page)
        await page.locator('.tray li', { hasText: `Added to ${name}.jpg` }).waitFor()
      } else {
        await page.locator('.results li', { hasText: `${name}.MOV` }).getByText('Added.').waitFor()
        await page.goto(`${world.server.url}/`)
      }
      await page.locator(`.picture[data-name="${name}.jpg"][data-motion]`).waitFor()
      assert.equal(await figure(page, `${name}.MOV`).count(), 0)
    }
  })

  test('without the worker the server takes what is shared', async () => {
    const page = await visit('/')
    const file = picture(`form-${run}.png`)
    await share(page, file)
    await page.locator('.results li', { hasText: file.name }).getByText('Added.').waitFor()
  })
}
