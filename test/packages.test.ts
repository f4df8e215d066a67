/** What is installed is used, and stays small. */
import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const root = join(import.meta.dirname, '..')
const Packages = z.record(z.string(), z.string()).default({})
const { dependencies, devDependencies, overrides } = z
  .object({ dependencies: Packages, devDependencies: Packages, overrides: Packages })
  .parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')))

/** Packages that no file imports, each with what uses it. */
const run: Record<string, string> = {
  '@biomejs/biome': 'npm run check',
  'heic-decode': 'src/media/providers/image-decode.ts, by require: it has no types',
  'tesseract.js-core': 'src/media/providers/ocr.ts, by the name that fits the processor',
  '@prisma/client': 'the generated client',
  node: 'npm scripts',
  typescript: 'npm run check',
}

function importedPackages(): Set<string> {
  const folders = ['src', 'adapters', 'workers', 'test', 'bench', 'scripts']
  const files = folders
    .flatMap((folder) => globSync(`${folder}/**/*.{ts,tsx,css}`, { cwd: root }))
    .filter((file) => !/generated|\/dist\//.test(file))
  const names = [...files, 'prisma.config.ts', 'vitest.config.ts'].flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const found = text.matchAll(/(?:from|import|import\(|require\(|resolve\()\s*['"]((?:@[\w.-]+\/)?[\w.-]+)[/'"]/g)
    return [...found].map((match) => match[1] ?? '')
  })
  return new Set(names)
}

describe('the packages of package.json', () => {
  const imported = importedPackages()

  it('are all imported, or run by something that is named here', () => {
    const named = Object.entries({ ...dependencies, ...devDependencies })
    const unused = named.filter(([name, version]) => {
      const typesOf = name.startsWith('@types/') ? name.slice('@types/'.length) : undefined
      if (typesOf === 'node' || version.startsWith('file:')) return false
      return !imported.has(typesOf ?? name) && !(name in run)
    })
    expect(unused.map(([name]) => name)).toEqual([])
  })

  it('are not excused when they are imported or gone', () => {
    const wrong = Object.keys(run).filter(
      (name) => imported.has(name) || !(name in { ...dependencies, ...devDependencies }),
    )
    expect(wrong).toEqual([])
  })

  it('are replaced by the empty package only where no file imports them', () => {
    const replaced = Object.entries(devDependencies).filter(([, version]) => version.startsWith('file:'))
    const own = Object.keys(overrides).filter((name) => !(name in dependencies))
    expect(own.toSorted()).toEqual(replaced.map(([name]) => name).toSorted())
    expect(replaced.filter(([name]) => imported.has(name))).toEqual([])
  })
})

const Lock = z.object({
  packages: z.record(z.string(), z.object({ version: z.string().optional(), optional: z.boolean().optional() })),
})
const readLock = (path: string) => Lock.parse(JSON.parse(readFileSync(join(root, path), 'utf8'))).packages

/** Why the folder is not what `npm ci` makes of this lock file. */
function otherwiseInstalled(): string | undefined {
  const wanted = readLock('package-lock.json')
  const found = readLock('node_modules/.package-lock.json')
  const differs = Object.keys(found).some((path) => found[path]?.version !== wanted[path]?.version)
  if (differs) return 'node_modules was installed from another package-lock.json'
  if (globSync('node_modules/node/node_modules/*/include', { cwd: root }).length > 0)
    return 'node_modules was installed without scripts'
  return undefined
}

const caches = new Set(['.cache', '.vite', '.vite-temp', '.vitest-cache'])

/** As `du` counts: whole blocks, and what has two names once. What tools keep there, such as `.vitest-cache`, is not installed. */
function diskUsage(folder: string, seen = new Set<number>()): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (caches.has(entry.name)) return sum
    if (entry.isDirectory()) return sum + 4096 + diskUsage(path, seen)
    if (!entry.isFile()) return sum
    const { blocks, ino, nlink } = statSync(path)
    if (nlink > 1 && seen.has(ino)) return sum
    seen.add(ino)
    return sum + blocks * 512
  }, 0)
}

const otherwise = otherwiseInstalled()

describe('node_modules', () => {
  it.skipIf(otherwise !== undefined)(`takes at most 800 MB${otherwise ? ` (skipped: ${otherwise})` : ''}`, () => {
    expect(diskUsage(join(root, 'node_modules')) / 1024 / 1024).toBeLessThan(800)
  })
})
