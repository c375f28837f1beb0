// A browser window that remembers what must never happen in it.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

const places = [process.env.SAJIN_CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export const executable = places.find((path) => path && existsSync(path))

const options = {
  executablePath: executable,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
}

export function launch() {
  return chromium.launch(options)
}

/** A browser with a profile of its own, which remembers from one start to the next. */
export function launchWithProfile(folder) {
  return chromium.launchPersistentContext(folder, { ...options, locale: 'en', serviceWorkers: 'block' })
}

/**
 * Opens a page whose breaches of the policy, script errors, console errors and
 * requests to other hosts are gathered in page.faults. `expected` are patterns
 * of console lines that the test provokes. A service worker would hide requests
 * from the test, and a system's own picker cannot be driven by it: both are off
 * unless asked for.
 */
export async function open(browser, url, path, { pickers = false, ...options } = {}, expected = []) {
  const context = await browser.newContext({ locale: 'en', viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', serviceWorkers: 'block', ...options })
  const page = await context.newPage()
  if (!pickers) await page.addInitScript(() => delete window.showOpenFilePicker)
  page.setDefaultTimeout(20_000)
  page.faults = []
  const note = (text) => expected.some((pattern) => pattern.test(text)) || page.faults.push(text)
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && note(`${message.text()} ${message.location().url}`))
  page.on('pageerror', (error) => note(`script: ${error.name}: ${error.message} ${error.stack} at ${page.url()}`))
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url())
    if (/^(https?|wss?):$/.test(protocol) && origin !== new URL(url).origin) note(`request to ${origin}`)
  })
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))
  })
  await page.goto(url + path)
  return page
}
