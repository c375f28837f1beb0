// What people do, in a real browser, against a real server.
import { after, afterEach, before, describe } from 'node:test'
import { adding } from './browser/adding.js'
import { doors } from './browser/doors.js'
import { sharing } from './browser/sharing.js'
import { resuming } from './browser/resuming.js'
import { grid } from './browser/grid.js'
import { living } from './browser/living.js'
import { looking } from './browser/looking.js'
import { everyPage } from './browser/pages.js'
import { sending } from './browser/sending.js'
import { begin, closeWindows, end } from './browser/world.js'
import { executable } from './window.js'

const required = (process.env.SAJIN_TEST_REQUIRE ?? '').split(',').includes('chromium')
const missing = !executable && !required ? 'Chromium is not installed' : false

// One server and one browser for all, in an order that a person might go.
describe('the gallery in a browser', { skip: missing }, () => {
  before(begin, { timeout: 400_000 })
  afterEach(closeWindows)
  after(end)
  adding()
  grid()
  looking()
  sending()
  living()
  doors()
  resuming()
  sharing()
  everyPage()
})
