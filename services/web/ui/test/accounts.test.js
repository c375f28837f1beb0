// How people come in, in a real browser: the set-up link, the sign-in, the page
// of the account, and an upload whose session ends on the way. The server is one
// of its own, which asks who is there.
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import { add, axe, finished, outcome } from './browser/world.js'
import { pictures } from './pictures.js'
import { serve } from './server.js'
import { executable, launch, open } from './window.js'

const required = (process.env.SAJIN_TEST_REQUIRE ?? '').split(',').includes('chromium')
const elsewhere = process.env.SAJIN_TEST_URL ? 'the server at SAJIN_TEST_URL is another' : false
const missing = (!executable && !required ? 'Chromium is not installed' : false) || elsewhere

const link = '/setup?token=a-link-that-is-known-before'
const name = '홍길동'
const password = 'correct horse battery'
const refused = /status of 4(00|01|03)/ // a browser reports every answer that is no success

let server
let browser
const windows = []
const faults = []

async function visit(path, options, expected) {
  const page = await open(browser, server.url, path, options, expected)
  windows.push(page)
  return page
}

async function enter(page, secret = password) {
  await page.locator('[name="name"]').fill(name)
  await page.locator('[name="password"]').fill(secret)
  await page.locator('main button').click()
}

describe('a gallery that asks who is there', { skip: missing }, () => {
  before(async () => {
    server = await serve({ SAJIN_AUTH: 'password', SAJIN_SETUP_TOKEN: 'a-link-that-is-known-before' })
    browser = await launch()
  }, { timeout: 400_000 })
  afterEach(() => Promise.all(windows.splice(0).map((page) => {
    faults.push(...page.faults)
    return page.context().close()
  })))
  after(async () => {
    await browser?.close()
    await server?.stop()
    assert.deepEqual(faults, [], 'no page may breach the policy, fail, or ask another host')
  })

  test('without script: the link makes the account, and the sign-in leads on', async () => {
    const page = await visit('/albums', { javaScriptEnabled: false }, [refused])
    await page.getByRole('heading', { name: 'This gallery is new' }).waitFor()
    await page.goto(server.url + link)
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Password').fill(name) // too short, and the browser says so itself
    await page.getByRole('button', { name: 'Create the account' }).click()
    assert.equal(new URL(page.url()).pathname, '/setup')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Create the account' }).click()
    await page.getByText('Your pictures will live here').waitFor()
    await page.getByRole('link', { name: `Account of ${name}` }).click()
    await page.getByText('This browser').waitFor()
    await page.getByRole('button', { name: 'Sign out', exact: true }).click()
    await page.getByText('You are signed out.').waitFor()
    await page.goto(`${server.url}/trash`)
    await enter(page, 'wrong')
    await page.getByText('The name or the password is not right.').waitFor()
    assert.equal(await page.getByLabel('Password').inputValue(), '')
    await enter(page)
    await page.getByRole('heading', { name: 'The trash is empty' }).waitFor()
  })

  test('an upload whose session ends says what to do, and goes on by itself', async () => {
    const page = await visit('/', {}, [refused])
    await enter(page)
    await page.waitForURL(`${server.url}/`)
    const known = await page.context().cookies()
    await page.context().clearCookies({ name: /sajin_session/ })
    await add(page, pictures('signed-out', 3))
    const note = page.locator('[data-signed-out]')
    await note.waitFor()
    await page.locator('.tray').getByText('Waiting until you are signed in').first().waitFor()
    await axe(page, 'tray')
    const [door] = await Promise.all([page.context().waitForEvent('page'), note.getByRole('link', { name: 'Sign in' }).click()])
    await enter(door)
    await door.waitForURL(`${server.url}/`)
    await finished(page)
    assert.match(await outcome(page), /3 added/)
    assert.equal(await note.isVisible(), false)
    assert.equal(known.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax'), true)
  })

  test('a page that was left open is told that its session has ended', async () => {
    const page = await visit('/', {}, [refused])
    await enter(page)
    await page.waitForURL(`${server.url}/`)
    const other = await browser.newContext({ storageState: await page.context().storageState(), locale: 'en' })
    const door = await other.newPage()
    await door.goto(`${server.url}/account`)
    await door.getByRole('button', { name: 'Sign out everywhere' }).click()
    await door.getByText('You are signed out.').waitFor()
    await other.close()
    await page.locator('.toast').getByRole('button', { name: 'Sign in' }).click()
    await enter(page)
    await page.waitForURL(`${server.url}/`)
  })

  test('axe finds nothing on the doors, in either scheme, in either language', async () => {
    for (const [colorScheme, width, height, locale] of [['light', 1280, 800, 'en'], ['dark', 390, 844, 'ko']]) {
      const page = await visit('/signin?next=/albums', { colorScheme, viewport: { width, height }, locale }, [refused])
      const where = (what) => `${what} ${colorScheme} ${width}`
      await axe(page, where('sign-in'))
      await enter(page, 'wrong')
      await page.locator('.problem').waitFor()
      await axe(page, where('wrong password'))
      await enter(page)
      await page.waitForURL(`${server.url}/albums`)
      await page.goto(`${server.url}/account`)
      await axe(page, where('account'))
      await page.locator('form[action="/account/tokens"] [name="name"]').fill('laptop')
      await page.locator('form[action="/account/tokens"] button').click()
      await page.locator('.new-token').waitFor()
      await axe(page, where('new token'))
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth)
      assert.equal(wide, false, where('the page is wider than the window'))
      await page.locator('[name="current"]').fill('wrong')
      await page.locator('form[action="/account/password"] [name="password"]').fill('another long password')
      await page.locator('form[action="/account/password"] button').click()
      await page.locator('.problem').waitFor()
      await axe(page, where('wrong current password'))
      await page.goto(`${server.url}/setup?token=x`)
      await axe(page, where('no set-up'))
    }
  })
})
