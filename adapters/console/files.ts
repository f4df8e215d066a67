/** The console's files lie in Parley's own blobs already: fetching one is opening it. */

import { z } from 'zod'
import type { Blobs } from '../../src/core/blobs.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Files } from '../../src/core/platform.ts'
import { consoleWording } from '../../src/wording/page.ts'

const Locator = z.object({ blob: z.string() })

export function createFiles(blobs: Pick<Blobs, 'has' | 'open'>): Files {
  return {
    async fetch(attachment) {
      const { blob } = Locator.parse(attachment.locator)
      if (!(await blobs.has(blob)))
        throw new ParleyError('file_missing', consoleWording.namedFileMissing(attachment.name))
      return blobs.open(blob)
    },
  }
}
