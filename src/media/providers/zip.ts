/** Reads the files within a zip archive. */
import type { Provider } from '../provider.ts'
import { openArchive } from './archive.ts'
import { readArchive } from './archive-files.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    return readArchive(await openArchive(input.bytes, input.name, limits, sink), input, limits, sink)
  },
}
