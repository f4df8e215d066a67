/** Lists the files of an archive and reads them one after another, each by its type. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults, type Limits } from '../limits.ts'
import type { Ending, Input, Sink } from '../provider.ts'
import type { Archive, ArchiveEntry } from './archive.ts'
import { createInner, deliverList, shownPath } from './inner.ts'

/** What this needs of an archive. `intact` is called in the order of `entries`. */
export type ArchiveFiles = Pick<Archive, 'entries' | 'intact'>

/** Files that programs leave behind, never shared on purpose. */
const litter = /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.git\/|node_modules\/)/
/** Larger files inside are not unpacked. */
const largestFile = 100e6
const longestListing = 1_000

export async function readArchive(archive: ArchiveFiles, input: Input, limits: Limits, sink: Sink): Promise<Ending> {
  const { name } = input
  const files = archive.entries.filter((entry) => !litter.test(entry.name))
  if (files.length === 0) {
    throw new ParleyError('file_empty', fileWording.empty.noFiles(name))
  }
  if (files.every(({ encrypted }) => encrypted)) {
    throw new ParleyError('file_encrypted', fileWording.refusal.encryptedArchive(name))
  }
  const list = files
    .slice(0, longestListing)
    .map((file) => `- ${shown(file)} (${file.bytes.toLocaleString('en')} bytes)`)
  const more = files.length > list.length ? [`- and ${files.length - list.length} more`] : []
  await deliverList(sink, [`Files in ${name}:`, ...list, ...more], (from, to) => ({ kind: 'lines', from, to }))

  const inner = createInner(input, limits, sink)
  const most = limits.files ?? archiveDefaults.files
  const [safe, unsafe] = [files.filter((file) => !isBarred(file)), files.filter(isBarred)]
  if (unsafe.length > 0) {
    const userMessage = fileWording.inner.unsafe(name, unsafe.map(shown))
    sink.problem({ code: 'archive_unsafe', userMessage })
  }
  for (const [at, file] of safe.slice(0, most).entries()) {
    const { bytes, error } = await archive.intact(file.name, largestFile)
    if (error !== undefined) {
      const tooLarge = error instanceof ParleyError && error.code === 'file_too_large'
      // At the limit of the whole archive, the rest cannot be read either.
      if (tooLarge && inner.count() === 0) throw error
      const userMessage =
        tooLarge || bytes.length === 0
          ? fileWording.inner.notUnpacked(shown(file), name)
          : fileWording.partlyDamaged.afterDamage(shown(file))
      sink.problem({ code: 'inner_file_damaged', userMessage })
      if (tooLarge) continue
    }
    if (!(await inner.read({ name: file.name, bytes }))) {
      const read = { done: at, of: safe.length, characters: limits.characters }
      return { truncated: fileWording.partial.first(name, 'file', read) }
    }
    await sink.progress({ done: at + 1, of: Math.min(most, safe.length), unit: 'file' })
  }
  if (safe.length <= most) return {}
  return { truncated: fileWording.partial.first(name, 'file', { done: most, of: safe.length }) }
}

function isBarred({ unsafe, encrypted }: ArchiveEntry): boolean {
  return unsafe || encrypted
}

function shown({ name }: ArchiveEntry): string {
  return shownPath(name)
}
