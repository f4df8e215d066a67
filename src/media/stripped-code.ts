/**
 * The code of reading processes without its types. Node removes them whenever it loads a file, which takes a reading process a fifth of
 * a second, so `scripts/strip-reader.ts` does it once. The folder is named by its sources' content: without it, or after a
 * change, the sources themselves run.
 */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const sources = join(import.meta.dirname, '..')
/** What a reading process may load of Parley's code. */
const parts = ['core', 'media', 'wording']
export const strippedFolders = join(import.meta.dirname, 'generated')

/** Paths within `src`. */
export function sourceFiles(): string[] {
  return parts
    .flatMap((part) =>
      readdirSync(join(sources, part), { recursive: true, encoding: 'utf8' }).map((file) => join(part, file)),
    )
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .toSorted()
}

/** The folder for the sources as they are now. */
export function strippedFolder(): string {
  const hash = createHash('sha256')
  for (const file of sourceFiles()) hash.update(`${file}\n`).update(readFileSync(join(sources, file)))
  return join(strippedFolders, hash.digest('hex').slice(0, 16))
}

let folder: string | undefined

/** What a reading process loads for a source file. */
export function readerCode(source: URL): URL {
  const file = relative(sources, fileURLToPath(source))
  if (!parts.includes(file.split(sep, 1)[0] ?? '')) return source
  folder ??= strippedFolder()
  const stripped = join(folder, file.replace(/\.ts$/, '.js'))
  return existsSync(stripped) ? pathToFileURL(stripped) : source
}
