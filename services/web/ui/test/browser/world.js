// What the browser's tests share: the server, the browser, and what a person does.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { serve } from '../server.js'
import { executable, launch, open } from '../window.js'

export const run = Date.now().toString(36) // names no earlier run has used
export const refused = /status of 4(15|22)/ // a browser reports every answer that is no success

/** The server and the browser, while the tests run. */
export const world = { server: undefined, browser: undefined }

// A session that was broken off says where it is with an answer that is no
// success, and a browser reports that.
const whereabouts = /status of 4(09|23) .*\/api\/v1\/uploads\//

const windows = []
const faults = []

export async function begin() {
  assert.ok(executable, 'Chromium is required and not installed')
  world.server = await serve()
  world.browser = await launch()
}

// A page left open goes on asking for changes, and slows what comes after it.
export function closeWindows() {
  return Promise.all(windows.splice(0).map((page) => {
    faults.push(...page.faults.filter((line) => !whereabouts.test(line)))
    return page.context().close()
  }))
}

export async function end() {
  await world.browser?.close()
  await world.server?.stop()
  assert.deepEqual(faults, [], 'no page may breach the policy, fail, or ask another host')
}

/** Opens a page; `expected` are patterns of console lines that the test provokes. */
export async function visit(path, options, expected) {
  const page = await open(world.browser, world.server.url, path, options, expected)
  windows.push(page)
  return page
}

/** Adds files as a person does: by the button and the system's picker. */
export async function add(page, files) {
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.locator('.adder [data-pick="files"]').first().click()])
  await chooser.setFiles(files)
}

/** Drops files on the page. The bytes go in as base64, since a page has no files of ours. */
export async function drop(page, files) {
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

export const figure = (page, name) => page.locator(`.picture[data-name="${name}"]`)
export const shown = (page, name) => page.locator(`.picture[data-name="${name}"][data-state="ready"]`).waitFor({ timeout: 60_000 })
export const finished = (page) => page.locator('.tray:is([data-state="done"], [data-state="trouble"])').waitFor({ timeout: 120_000 })
export const outcome = (page) => page.locator('.tray [data-detail]').innerText()

/** Checks that axe finds nothing on the page as it is. */
export async function axe(page, where) {
  const source = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // What is fading in has a contrast of its own until it has arrived.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))))
  await page.evaluate(source)
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  assert.deepEqual(violations.map((v) => `${where}: ${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join(' | ')}`), [])
}
