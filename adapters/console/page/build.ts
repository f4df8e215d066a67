/** Builds the console page when its sources are newer than what was built; `scripts/prepare.ts` calls it before a start. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const page = fileURLToPath(new URL('.', import.meta.url))
const dist = fileURLToPath(new URL('../dist/', import.meta.url))
const stamp = join(dist, '.hash')

/** What else the page is made of: the contract, the core's types and functions, and the versions of its packages. */
const shared = [
  '../api.ts',
  '../../../src/core/reply.ts',
  '../../../src/core/artifact.ts',
  '../../../src/core/money.ts',
]
const lockfile = fileURLToPath(new URL('../../../package-lock.json', import.meta.url))

/** Builds into `adapters/console/dist` unless it is up to date. Prints one line when it builds. */
export async function buildPage(): Promise<'built' | 'fresh'> {
  const hash = hashSources()
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return 'fresh'
  const started = performance.now()
  const { build } = await import('vite')
  await build({ configFile: join(page, 'vite.config.ts'), logLevel: 'error' })
  writeFileSync(stamp, hash)
  console.log(`Built the console page in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  return 'built'
}

function hashSources(): string {
  const files = readdirSync(page, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath, entry.name))
  const hash = createHash('sha256')
  for (const file of [...files, ...shared.map((path) => join(page, path)), lockfile].sort()) {
    if (!existsSync(file)) continue
    hash.update(relative(page, file)).update('\0').update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}
