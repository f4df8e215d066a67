/** Reads the files within a zip archive, one after another, and lists the names of all. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults } from '../limits.ts'
import type { Provider } from '../provider.ts'
import { type ArchiveEntry, openArchive } from './archive.ts'
import { createInner, deliverList, shownPath } from './inner.ts'

/** Files that programs leave behind, never shared on purpose. */
const litter = /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.git\/|node_modules\/)/
/** Larger files inside are not unpacked. */
const largestFile = 100e6
const longestListing = 1_000

export const provider: Provider = {
  async read(input, limits, sink) {
    const { bytes, name } = input
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openArchive(bytes, name, limits)
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
      const content = await archive.bytes(file.name, largestFile).catch((error: unknown) => {
        // At the limit of the whole archive, the rest cannot be read either.
        if (error instanceof ParleyError && error.code === 'file_too_large' && inner.count() === 0) throw error
        sink.problem({
          code: 'inner_file_damaged',
          userMessage: fileWording.inner.notUnpacked(shown(file), name),
        })
        return undefined
      })
      if (content !== undefined && !(await inner.read({ name: file.name, bytes: content }))) {
        const read = { done: at, of: safe.length, characters: limits.characters }
        return { truncated: fileWording.partial.first(name, 'file', read) }
      }
      await sink.progress({ done: at + 1, of: Math.min(most, safe.length), unit: 'file' })
    }
    if (safe.length <= most) return {}
    return { truncated: fileWording.partial.first(name, 'file', { done: most, of: safe.length }) }
  },
}

function isBarred({ unsafe, encrypted }: ArchiveEntry): boolean {
  return unsafe || encrypted
}

function shown({ name }: ArchiveEntry): string {
  return shownPath(name)
}
