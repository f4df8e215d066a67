/** Builds what a fresh clone needs after `npm ci`: the database client's types, the code of reading processes and the console page. Skips what is up to date. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildPage } from '../adapters/console/page/build.ts'
import { strippedFolder } from '../src/media/stripped-code.ts'

const root = join(import.meta.dirname, '..')
const generated = join(root, 'src/store/generated')

function generateClient(): void {
  const inputs = ['prisma/schema.prisma', 'node_modules/@prisma/client/package.json']
  const hash = createHash('sha256')
  for (const input of inputs) hash.update(readFileSync(join(root, input)))
  const stamp = hash.digest('hex')
  const stampFile = join(generated, '.stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  // Any executable as the schema engine prevents a download; the generator does not use it.
  const result = spawnSync(
    process.execPath,
    [join(root, 'node_modules/prisma/build/index.js'), 'generate', '--no-hints'],
    {
      cwd: root,
      env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
      encoding: 'utf8',
    },
  )
  if (result.status !== 0) throw new Error(`prisma generate failed:\n${result.stdout}${result.stderr}`)
  mkdirSync(generated, { recursive: true })
  writeFileSync(stampFile, stamp)
}

function stripReader(): void {
  if (existsSync(strippedFolder())) return
  // Node calls the function that does it experimental.
  const args = ['--no-warnings', join(import.meta.dirname, 'strip-reader.ts')]
  const result = spawnSync(process.execPath, args, { encoding: 'utf8' })
  if (result.status !== 0)
    throw new Error(`the types of the reading processes' code were not removed:\n${result.stderr}`)
}

generateClient()
stripReader()
await buildPage()
