/** Builds the console page if its sources have changed; `scripts/prepare.ts` calls it before Parley starts. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const page = fileURLToPath(new URL('.', import.meta.url))
const dist = fileURLToPath(new URL('../dist', import.meta.url))

/** The page's other sources: the API contract, functions of the core, its texts, and the versions of its packages. */
const shared = [
  '../api.ts',
  '../account-api.ts',
  '../paths.ts',
  '../../../src/core/command.ts',
  '../../../src/core/artifact.ts',
  '../../../src/core/money.ts',
  '../../../src/core/person.ts',
  '../../../src/core/reply.ts',
  '../../../src/core/source.ts',
  '../../../src/core/text/half-written.ts',
  '../../../src/core/uuid.ts',
  '../../../src/wording/account.ts',
  '../../../src/wording/page.ts',
  '../../../src/wording/phrases.ts',
  '../../../src/wording/sign-in-flows.ts',
  '../../../package-lock.json',
]

/** Builds into `adapters/console/dist` unless it is up to date. Prints one line when it builds. */
export async function buildPage(): Promise<'built' | 'fresh'> {
  const hash = hashSources()
  if (builtFrom() === hash) return 'fresh'
  const started = performance.now()
  // Built in a temporary folder and then swapped in: a server may be serving the old page, or another process building it.
  const fresh = `${dist}-${process.pid}`
  try {
    await runVite(fresh)
    compressAssets(join(fresh, 'assets'))
    writeFileSync(join(fresh, '.hash'), hash)
    if (builtFrom() !== hash) {
      rmSync(dist, { recursive: true, force: true })
      renameSync(fresh, dist)
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
  // To stderr, because a program may read a command's output.
  console.error(`Built the console page in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return 'built'
}

/** Beside each asset of text its compressed forms, for browsers that take them. */
function compressAssets(assets: string): void {
  for (const name of readdirSync(assets)) {
    if (!/\.(?:js|css|svg)$/.test(name)) continue
    const bytes = readFileSync(join(assets, name))
    writeFileSync(join(assets, `${name}.gz`), gzipSync(bytes, { level: 9 }))
    const brotli = { [constants.BROTLI_PARAM_QUALITY]: 10, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length }
    writeFileSync(join(assets, `${name}.br`), brotliCompressSync(bytes, { params: brotli }))
  }
}

async function runVite(outDir: string): Promise<void> {
  const { build } = await import('vite')
  // biome-ignore lint/style/noProcessEnv: a test runner sets NODE_ENV, and the bundle would hold React's development build
  const env = process.env
  const before = env.NODE_ENV
  env.NODE_ENV = 'production'
  try {
    await build({ configFile: join(page, 'vite.config.ts'), logLevel: 'error', build: { outDir } })
  } finally {
    if (before === undefined) delete env.NODE_ENV
    else env.NODE_ENV = before
  }
}

function builtFrom(): string | null {
  const stamp = join(dist, '.hash')
  return existsSync(stamp) ? readFileSync(stamp, 'utf8') : null
}

function hashSources(): string {
  const files = readdirSync(page, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of [...files, ...shared.map((path) => join(page, path))].sort()) {
    if (!existsSync(file)) continue
    hash.update(relative(page, file)).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}
