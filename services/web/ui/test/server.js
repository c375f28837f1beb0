// The server under test: the one at SAJIN_TEST_URL, else one that is started
// for the test on a free port with an empty data folder.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const repository = new URL('../../../../', import.meta.url).pathname
const patience = 300_000 // milliseconds: the first build takes minutes

/** @returns {Promise<{url: string, fresh: boolean, stop: () => Promise<void>}>} */
export async function serve() {
  const given = process.env.SAJIN_TEST_URL
  if (given) return { url: given.replace(/\/$/, ''), fresh: false, stop: async () => {} }
  const data = await mkdtemp(join(tmpdir(), 'sajin-browser-'))
  const address = `127.0.0.1:${await freePort()}`
  const child = spawn(process.env.SAJIN_TEST_COMMAND ?? 'go run -tags embedded ./services/sajin', {
    shell: true,
    detached: true, // its own process group, so that what it starts ends with it
    cwd: repository,
    env: { ...process.env, SAJIN_ADDR: address, SAJIN_DATA_DIR: data },
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const ended = new Promise((resolve) => child.on('exit', resolve))
  const stop = async () => {
    if (child.exitCode === null) process.kill(-child.pid, 'SIGTERM')
    await Promise.race([ended, pause(15_000, undefined, { ref: false })])
    await rm(data, { recursive: true, force: true })
  }
  const url = `http://${address}`
  try {
    await ready(url, ended)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, fresh: true, stop }
}

async function ready(url, ended) {
  let over = false
  ended.then(() => (over = true))
  for (const until = Date.now() + patience; Date.now() < until; await pause(200)) {
    if (over) throw new Error('the server ended before it was ready')
    const answer = await fetch(`${url}/healthz/ready`).catch(() => undefined)
    if (answer?.ok) return
  }
  throw new Error('the server did not become ready')
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
