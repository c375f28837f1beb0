// Bundles the unit tests, which are TypeScript, and runs them with Node's own
// runner.
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'

const folder = new URL('unit/', import.meta.url).pathname
const out = await mkdtemp(join(tmpdir(), 'sajin-ui-'))
const names = (await readdir(folder)).filter((name) => name.endsWith('.test.ts'))
await build({
  entryPoints: names.map((name) => join(folder, name)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
})
const files = names.map((name) => join(out, name.replace(/\.ts$/, '.mjs')))
const { status } = spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit' })
await rm(out, { recursive: true })
process.exit(status ?? 1)
