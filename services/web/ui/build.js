// Builds dist/app.js, dist/app.css and the workers, each also compressed, for the
// Go server to embed. `node build.js --watch` builds again on every change.
import { constants, brotliCompressSync } from 'node:zlib'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { context, build } from 'esbuild'

const dist = new URL('dist/', import.meta.url).pathname
const watch = process.argv.includes('--watch')

const options = {
  entryPoints: { app: 'src/main.ts', hash: 'src/upload/hash.worker.ts', sw: 'src/sw.ts' },
  absWorkingDir: new URL('.', import.meta.url).pathname,
  outdir: dist,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: !watch,
  sourcemap: watch ? 'inline' : false,
  legalComments: 'eof',
  logLevel: 'info',
}

// Stale files would be embedded; the placeholder keeps the folder in git. What
// does not build leaves what was built before.
async function empty() {
  for (const name of await readdir(dist)) {
    if (name !== '.gitkeep') await rm(join(dist, name), { recursive: true })
  }
}

async function compress() {
  for (const name of await readdir(dist)) {
    if (!/\.(js|css)$/.test(name)) continue
    const data = await readFile(join(dist, name))
    const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY }
    await writeFile(join(dist, name + '.br'), brotliCompressSync(data, { params }))
  }
}

if (watch) {
  await empty()
  await (await context(options)).watch()
} else {
  const { outputFiles } = await build({ ...options, write: false })
  await empty()
  for (const { path, contents } of outputFiles) await writeFile(path, contents)
  await compress()
}
