// Two thousand files through the page, into the real server. Takes minutes, so
// it runs only when it is asked for: npm run test:many.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { picture } from './pictures.js'
import { serve } from './server.js'
import { executable, launch, open } from './window.js'

const asked = process.env.SAJIN_TEST_MANY === '1'
const many = 2000
const mostMemory = 512 // MiB that the server may ever hold
const latest = 500 // milliseconds that the page may be late for a hand, 19 times in 20, where the machine has time for it
const mostWork = 60 // milliseconds of the processor that a file may cost the page, whatever else the machine does
const mostHeap = 64 // MiB that the page's script may hold in the end
const mostImages = 200 // in the document: those near the window
const mostCanvases = 60 // of rows in sight and of pictures that are just coming

test('two thousand files through the page', { skip: !asked && 'SAJIN_TEST_MANY is not 1' }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sajin-many-'))
  const server = await serve()
  const browser = await launch()
  try {
    const files = await write(folder)
    // A machine may come to another network meanwhile: what breaks off then goes on, and all must be there in the end.
    const page = await open(browser, server.url, '/', {}, [/ERR_NETWORK_CHANGED/])
    await watchTimers(page)
    const worked = await costs(page)
    const begun = Date.now()
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('.adder [data-pick="files"]').first().click()])
    await chooser.setFiles(files)
    await page.locator('.tray[data-state="working"]').waitFor()
    assert.ok((await page.locator('.tray li').count()) < 20, 'only the rows in sight are in the document')
    await respond(page)
    await page.locator('.tray[data-state="done"]').waitFor({ timeout: 1_500_000 })
    const took = (Date.now() - begun) / 1000
    assert.match(await page.locator('.tray [data-detail]').innerText(), /^2,000 added$/)
    await arrive(page)
    const [images, canvases] = await page.evaluate(() => [document.images.length, document.querySelectorAll('canvas').length])
    assert.ok(images < mostImages, `the document holds ${images} images`)
    assert.ok(canvases < mostCanvases, `the document holds ${canvases} canvases`)
    assert.equal(await stored(server.url), many)
    const late = await page.evaluate(() => window.late.sort((a, b) => a - b))
    const [usual, most, worst] = [0.5, 0.95, 1].map((share) => late[Math.ceil(share * late.length) - 1])
    const { work, heap } = await worked()
    const [peak, held, busy] = [await server.peak(), await largest(browser), loadavg()[0] / availableParallelism()]
    t.diagnostic(`${many} files in ${took.toFixed(0)} s (${(many / took).toFixed(1)}/s), ${busy.toFixed(1)} processes for each processor; the page answered late by ${usual.toFixed(0)} ms (median), ${most.toFixed(0)} ms (95 %), ${worst.toFixed(0)} ms (worst), and worked ${(work / many).toFixed(0)} ms for each file; its script holds ${heap.toFixed(0)} MiB, its process held ${held.toFixed(0)} MiB, the server ${peak.toFixed(0)} MiB`)
    assert.ok(work / many < mostWork, `a file cost the page ${work / many} ms of the processor`)
    assert.ok(heap < mostHeap, `the page's script holds ${heap} MiB`)
    if (busy < 2) assert.ok(most < latest, `the page was late by ${most} ms`)
    assert.ok(!(peak >= mostMemory), `the server held ${peak} MiB`)
    assert.deepEqual(page.faults, [])
  } finally {
    await browser.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

async function write(folder) {
  const files = Array.from({ length: many }, (_, i) => join(folder, `many-${i}.png`))
  for (const path of files) await writeFile(path, picture('', 320, 240).buffer)
  return files
}

/** Measures how late a timer is: as late as an answer to a hand would be. */
function watchTimers(page) {
  return page.evaluate(() => {
    window.late = []
    let last = performance.now()
    setInterval(() => {
      const now = performance.now()
      window.late.push(Math.max(0, now - last - 50))
      last = now
    }, 50)
  })
}

/** Tells later how many milliseconds of the processor the page's own thread has worked since, and what its script holds, in MiB. */
async function costs(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const read = async () => Object.fromEntries((await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]))
  const { TaskDuration: before } = await read()
  return async () => {
    const { TaskDuration: after, JSHeapUsedSize: heap } = await read()
    return { work: 1000 * (after - before), heap: heap / 2 ** 20 }
  }
}

/** The most memory that a page's process ever held, in MiB; NaN where the system does not tell. */
async function largest(browser) {
  const session = await browser.newBrowserCDPSession()
  const { processInfo } = await session.send('SystemInfo.getProcessInfo')
  const peaks = processInfo.filter(({ type }) => type === 'renderer').map(async ({ id }) => {
    const status = await readFile(`/proc/${id}/status`, 'utf8').catch(() => '')
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? NaN) / 1024
  })
  return Math.max(...(await Promise.all(peaks)))
}

/** The tray does what it is told while files are on their way. */
async function respond(page) {
  const tray = page.locator('.tray')
  await tray.getByRole('button', { name: 'Pause' }).click()
  await tray.getByRole('heading', { name: 'Paused' }).waitFor()
  await tray.getByRole('button', { name: 'Go on' }).click()
  await tray.locator('[data-do="minimise"]').click()
  await tray.locator('.tray-list').waitFor({ state: 'hidden' })
  await tray.locator('[data-do="minimise"]').click()
  await tray.locator('.tray-list').evaluate((list) => list.scrollTo(0, list.scrollHeight))
  await tray.locator('li', { hasText: `many-${many - 1}.png` }).waitFor()
}

/** All are in the page that was open all the while, ready, and counted. */
async function arrive(page) {
  await page.waitForFunction((n) => document.querySelectorAll('.picture[data-state="ready"]').length === n, many, { timeout: 120_000 })
  await page.waitForFunction(() => document.querySelector('[data-total]')?.textContent === '2,000 pictures', undefined, { timeout: 30_000 })
}

async function stored(url) {
  const ids = new Set()
  for (let cursor = ''; ; ) {
    const answer = await fetch(`${url}/api/v1/images?${new URLSearchParams({ limit: '200', ...(cursor ? { cursor } : {}) })}`)
    const { images, next_cursor: next } = await answer.json()
    images.filter((image) => image.state === 'ready').forEach((image) => ids.add(image.sha256))
    if (!next) return ids.size
    cursor = next
  }
}
