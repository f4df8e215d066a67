/** Writes the code of reading processes without its types (src/media/stripped-code.ts). `scripts/prepare.ts` calls it if it is missing. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'
import { sourceFiles, strippedFolder, strippedFolders } from '../src/media/stripped-code.ts'

/** A Parley that still runs older code may start reading processes. */
const keptMs = 24 * 60 * 60 * 1000
const sources = join(import.meta.dirname, '../src')
/** `from './x.ts'`, `import('./x.ts')` */
const ownImport = /((?:\bfrom|\bimport)\s*\(?\s*'\.[^'\n]*)\.ts'/g

const folder = strippedFolder()
// Written beside it and moved there: another process may do the same.
const fresh = `${folder}-${process.pid}`
for (const file of sourceFiles()) {
  const to = join(fresh, file.replace(/\.ts$/, '.js'))
  mkdirSync(dirname(to), { recursive: true })
  const code = stripTypeScriptTypes(readFileSync(join(sources, file), 'utf8'))
  writeFileSync(to, code.replace(ownImport, "$1.js'"))
}
try {
  renameSync(fresh, folder)
} catch {
  rmSync(fresh, { recursive: true })
}
for (const name of readdirSync(strippedFolders)) {
  const older = join(strippedFolders, name)
  if (older !== folder && Date.now() - statSync(older).mtimeMs > keptMs) rmSync(older, { recursive: true, force: true })
}
