// The server under test: the one at SAJIN_TEST_URL, else the all-in-one, built
// for the test and started on a free port with an empty data folder.
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const repository = new URL('../../../../', import.meta.url).pathname
const patience = 60_000 // milliseconds until it is ready

/**
 * @returns {Promise<{url: string, fresh: boolean, peak: () => Promise<number>, stop: () => Promise<void>}>}
 * environment is added to the server's own.
 * peak is the most memory the process ever held, in MiB; NaN where that is not known.
 */
export async function serve(environment = {}) {
  const given = process.env.SAJIN_TEST_URL
  if (given) return { url: given.replace(/\/$/, ''), fresh: false, peak: async () => NaN, stop: async () => {} }
  const folder = await mkdtemp(join(tmpdir(), 'sajin-browser-'))
  const clear = () => rm(folder, { recursive: true, force: true })
  try {
    return await start(await build(folder), folder, environment, clear)
  } catch (error) {
    await clear()
    throw error
  }
}

// Built and not `go run`, so that the process started is the one that serves:
// it is stopped itself, and its memory can be read.
async function build(folder) {
  const binary = join(folder, 'sajin')
  const { status, error } = spawnSync('go', ['build', '-trimpath', '-tags', 'embedded,nodynamic', '-o', binary, './services/sajin'], {
    cwd: repository, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' },
  })
  if (status !== 0) throw error ?? new Error('the server cannot be built')
  return binary
}

async function start(binary, folder, environment, clear) {
  const log = []
  const child = spawn(binary, {
    env: { ...process.env, ...environment, SAJIN_ADDR: '127.0.0.1:0', SAJIN_DATA_DIR: join(folder, 'data') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => log.push(text))
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const stop = async () => {
    const kill = setTimeout(() => child.kill('SIGKILL'), 15_000)
    child.kill('SIGTERM')
    await ended
    clearTimeout(kill)
    await clear()
  }
  let url
  try {
    url = await ready(log, ended)
  } catch (error) {
    await stop()
    throw new Error(`${error.message}; it said:\n${log.join('')}`)
  }
  return { url, fresh: true, peak: () => peak(child.pid), stop }
}

// ready gives the address, which the server tells when it has found a free port.
async function ready(log, ended) {
  let over = false
  ended.then(() => (over = true))
  for (const until = Date.now() + patience; Date.now() < until; await pause(50)) {
    if (over) throw new Error('the server ended before it was ready')
    const [, url] = /^Sajin is at (http:\S+) /m.exec(log.join('')) ?? []
    const answer = url && (await fetch(`${url}/healthz/ready`).catch(() => undefined))
    if (answer?.ok) return url
  }
  throw new Error('the server did not become ready')
}

async function peak(pid) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024
}
