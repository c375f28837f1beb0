// How files are sent: planned, in pieces, with pauses and breaks, to any host.
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { heavy, picture, pictures } from '../pictures.js'
import { bucket } from './bucket.js'
import { firstChunk, firstChunkOnly, network, watch } from './traffic.js'
import { add, drop, finished, outcome, run, shown, visit } from './world.js'

export function sending() {
  test('thirty pictures go through sessions, planned by their checksums', async () => {
    const page = await visit('/')
    const seen = watch(page)
    const files = pictures(`thirty-${run}`, 30)
    await add(page, files)
    await finished(page)
    assert.match(await outcome(page), /30 added/)
    assert.equal(seen.plans.length, 30)
    assert.ok(seen.plans.every(({ sha256 }) => /^[0-9a-f]{64}$/.test(sha256)))
    assert.equal(seen.chunks.reduce((sum, { bytes }) => sum + bytes, 0), files.reduce((sum, { buffer }) => sum + buffer.length, 0))
    assert.equal(seen.whole, 0)
  })

  test('what the gallery has is not sent again', async () => {
    const page = await visit('/')
    const files = pictures(`known-${run}`, 3)
    await add(page, files)
    await finished(page)
    await page.locator('.tray [data-do="dismiss"]').click()
    const seen = watch(page)
    await add(page, files)
    await finished(page)
    assert.match(await outcome(page), /3 already here/)
    assert.deepEqual(seen.chunks, [])
  })

  test('folders become albums: the plan names them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sajin-folder-'))
    await mkdir(join(folder, 'Trip', 'Day 1'), { recursive: true })
    await writeFile(join(folder, 'Trip', `top-${run}.png`), picture('').buffer)
    await writeFile(join(folder, 'Trip', 'Day 1', `deep-${run}.png`), picture('').buffer)
    await writeFile(join(folder, 'Trip', 'Day 1', 'notes.txt'), 'hello')
    const page = await visit('/')
    const seen = watch(page)
    await page.locator('.adder .more').click()
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('#add-menu [data-pick="folder"]').click()])
    await chooser.setFiles(join(folder, 'Trip'))
    await finished(page)
    assert.deepEqual(seen.plans.map(({ name, path, album }) => [name, path, album]).sort(), [
      [`deep-${run}.png`, 'Trip/Day 1', 'Trip/Day 1'], [`top-${run}.png`, 'Trip', 'Trip'],
    ])
    await page.getByText('1 file was left out because it is no picture.').waitFor()
    await page.locator('.tray li', { hasText: `Trip/Day 1deep-${run}` }).waitFor()
    await rm(folder, { recursive: true })
  })

  test('a large picture goes in pieces; a pause keeps what has arrived', async () => {
    const page = await visit('/')
    const seen = watch(page)
    const rest = await firstChunkOnly(page)
    const file = heavy(`pause-${run}.png`, 12)
    await Promise.all([firstChunk(page), add(page, [file])])
    const tray = page.locator('.tray')
    await tray.getByRole('button', { name: 'Pause', exact: true }).click()
    await tray.getByRole('heading', { name: 'Paused' }).waitFor()
    await tray.getByText(/Stopped at [1-9]\d?% of/).waitFor()
    const before = seen.chunks.length
    await rest.go()
    await tray.getByRole('button', { name: 'Go on' }).click()
    await finished(page)
    assert.match(await outcome(page), /1 added/)
    assert.ok(seen.questions >= 1, 'it asks how much has arrived')
    assert.ok(seen.chunks[before].from > 0, 'it goes on from there')
    await shown(page, file.name)
  })

  test('a lost network is waited for, and what has arrived is kept', async () => {
    const page = await visit('/', {}, [/ERR_INTERNET_DISCONNECTED/])
    const seen = watch(page)
    const [line, rest] = [await network(page), await firstChunkOnly(page)]
    const file = heavy(`offline-${run}.png`, 12)
    await Promise.all([firstChunk(page), add(page, [file])])
    await line.lost()
    await rest.lose()
    await page.locator('.tray li').getByText('No connection.').waitFor({ timeout: 60_000 })
    const before = seen.chunks.length
    await rest.go()
    await line.fast()
    await finished(page)
    assert.match(await outcome(page), /1 added/)
    assert.ok(seen.chunks[before].from > 0, 'it goes on from where the server had come to')
  })

  test('a session of another host gets the bytes without our cookies, and our server completes it', async (t) => {
    const host = await bucket()
    t.after(host.stop)
    // Where sessions are another host's, the server's policy names it.
    const page = await visit('/', { bypassCSP: true }, [/^request to http:\/\/127/])
    const file = heavy(`foreign-${run}.png`, 6)
    const completed = []
    await page.context().addCookies([{ name: 'own', value: 'secret', domain: '127.0.0.1', path: '/' }])
    await page.route('**/api/v1/uploads', (route) => route.fulfill({ json: { files: [{ status: 'new', id: 'FOREIGN', session_url: host.url }] } }))
    await page.route('**/api/v1/uploads/FOREIGN/complete', (route) => {
      completed.push(route.request().method())
      return route.fulfill({ status: 201, json: { name: file.name, status: 'stored', id: 'FOREIGN' } })
    })
    await add(page, [file])
    await finished(page)
    assert.match(await outcome(page), /1 added/)
    assert.ok(host.received().equals(file.buffer), 'every byte, once')
    assert.ok(host.requests.length >= 2, 'in pieces')
    const odd = host.requests.flatMap((headers) => Object.keys(headers).filter((name) => /^(cookie|authorization|x-|sajin-)/.test(name)))
    assert.deepEqual(odd, [], 'nothing of ours, and nothing that the host would have to allow')
    assert.deepEqual(completed, ['POST'])
  })

  test('a gallery without sessions gets files whole', async () => {
    const page = await visit('/', {}, [/status of 415/])
    const seen = watch(page)
    await page.route('**/api/v1/uploads', (route) => route.fulfill({ status: 415, contentType: 'application/problem+json', body: '{"code":"sessions_unsupported","detail":"Whole, please."}' }))
    const files = pictures(`whole-${run}`, 3)
    await add(page, files)
    await finished(page)
    assert.match(await outcome(page), /3 added/)
    assert.equal(seen.whole, 3)
    for (const { name } of files) await shown(page, name)
  })

  test('the report and the receipt say what became of the files', async () => {
    const page = await visit('/', { permissions: ['clipboard-read', 'clipboard-write'] }, [/status of 4/])
    const [file, twin] = [picture(`report-${run}.png`), { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') }]
    await drop(page, [file, twin])
    await finished(page)
    await page.locator('.tray').getByRole('button', { name: 'Copy report' }).click()
    await page.getByText('The report is on the clipboard.').waitFor()
    const text = await page.evaluate(() => navigator.clipboard.readText())
    assert.match(text, new RegExp(`report-${run}\\.png\tAdded · .*\\nnotes\\.txt\tThis is not a kind of image|notes\\.txt\tThis is not a kind of image.*\\nreport-${run}`))
    await page.route('**/api/v1/receipts', (route) => {
      const { ids } = route.request().postDataJSON()
      return route.fulfill({ json: { version: 1, made_at: '2026-01-01T00:00:00Z', files: ids.map((id) => ({ id, name: file.name })) } })
    })
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('.tray').getByRole('button', { name: 'Receipt' }).click()])
    assert.match(download.suggestedFilename(), /^sajin-\d{4}-\d\d-\d\d\.receipt\.json$/)
    const chunks = []
    for await (const chunk of await download.createReadStream()) chunks.push(chunk)
    assert.equal(JSON.parse(Buffer.concat(chunks)).files[0].name, file.name)
    await page.route('**/api/v1/receipts', (route) => route.fulfill({ status: 404, contentType: 'application/problem+json', body: '{"code":"not_found"}' }))
    await page.locator('.tray').getByRole('button', { name: 'Receipt' }).click()
    await page.locator('.tray').getByRole('button', { name: 'Receipt' }).waitFor({ state: 'hidden' })
  })
}
