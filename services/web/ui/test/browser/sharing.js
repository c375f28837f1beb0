// The installed page, and what other apps share with it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { picture } from '../pictures.js'
import { figure, finished, outcome, run, shown, visit, world } from './world.js'

/** Shares a file as the system does: by a form that is posted to the share target. */
async function share(page, file) {
  await page.evaluate(() => {
    const form = Object.assign(document.createElement('form'), { method: 'post', action: '/share', enctype: 'multipart/form-data' })
    form.append(Object.assign(document.createElement('input'), { type: 'file', name: 'files', id: 'shared' }))
    document.body.append(form)
  })
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

  test('without the worker the server takes what is shared', async () => {
    const page = await visit('/')
    const file = picture(`form-${run}.png`)
    await share(page, file)
    await page.locator('.results li', { hasText: file.name }).getByText('Added.').waitFor()
  })
}
