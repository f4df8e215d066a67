/** Reads the files within a zip archive, one after another, and lists the names of all. */
import { ParleyError } from '../../core/errors.ts'
import { archiveDefaults } from '../limits.ts'
import type { Provider } from '../provider.ts'
import { type ArchiveEntry, openArchive } from './archive.ts'
import { createInner, deliverList, shownPath } from './inner.ts'

/** What programs leave behind: nobody sent it knowingly. */
const litter = /(?:^|\/)(?:__MACOSX\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|\.git\/|node_modules\/)/
/** Nothing larger within is unpacked, whatever it is. */
const largestFile = 100e6
const longestListing = 1_000

export const provider: Provider = {
  async read(input, limits, sink) {
    const { bytes, name } = input
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const archive = await openArchive(bytes, name, limits)
    const files = archive.entries.filter((entry) => !litter.test(entry.name))
    if (files.length === 0) {
      throw new ParleyError('file_empty', `${name} holds no files. Check the archive and share it again.`)
    }
    if (files.every(({ encrypted }) => encrypted)) {
      throw new ParleyError('file_encrypted', `${name} is protected by a password. Share the files in it without it.`)
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
      const which = unsafe.slice(0, 5).map(shown).join(', ')
      const userMessage = `${name} holds ${unsafe.length === 1 ? 'a file' : `${unsafe.length} files`} that cannot be taken out safely, or only with a password: ${which}. Share what matters of it on its own.`
      sink.problem({ code: 'archive_unsafe', userMessage })
    }
    for (const [at, file] of safe.slice(0, most).entries()) {
      const content = await archive.bytes(file.name, largestFile).catch((error: unknown) => {
        // At the limit of the whole, what is left cannot be read either.
        if (error instanceof ParleyError && error.code === 'file_too_large' && inner.count() === 0) throw error
        sink.problem({
          code: 'inner_file_damaged',
          userMessage: `${shown(file)} in ${name} could not be unpacked: it is damaged or too large.`,
        })
        return undefined
      })
      if (content !== undefined && !(await inner.read({ name: file.name, bytes: content }))) {
        const limit = limits.characters.toLocaleString('en')
        return {
          truncated: `Only ${at} of ${safe.length} files in ${name} were read in full: the limit is ${limit} characters.`,
        }
      }
      await sink.progress({ done: at + 1, of: Math.min(most, safe.length), unit: 'file' })
    }
    if (safe.length <= most) return {}
    return { truncated: `Only the first ${most} of ${safe.length} files in ${name} were read: that is the limit.` }
  },
}

function isBarred({ unsafe, encrypted }: ArchiveEntry): boolean {
  return unsafe || encrypted
}

function shown({ name }: ArchiveEntry): string {
  return shownPath(name)
}
