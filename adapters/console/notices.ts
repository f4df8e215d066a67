/** Stores notices in a thread: results of commands, alerts. Their files become uploads of the thread. */
import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Blobs } from '../../src/core/blobs.ts'
import { encodeAction, type Notice } from '../../src/core/command.ts'
import type { Message } from './api.ts'
import type { Board } from './board.ts'
import { withNames } from './normalize.ts'

/** Parley's own files are smaller. */
const maxBytes = 50_000_000

export async function keepNotice(
  { board, blobs }: { board: Board; blobs: Pick<Blobs, 'put'> },
  threadId: string,
  id: string,
  { text, files = [], buttons = [] }: Notice,
): Promise<Message> {
  const attachments = await Promise.all(
    files.map(async ({ name, mediaType, data, alt }) => {
      await using blob = await blobs.put(Readable.from([data]), { maxBytes })
      const uploadId = randomUUID()
      await board.saveUpload({ uploadId, name, mediaType, bytes: blob.bytes, contentHash: blob.hash })
      return { id: uploadId, name, mediaType, bytes: blob.bytes, alt }
    }),
  )
  const pressed = buttons.map(({ label, action, style }) => ({
    label,
    action: encodeAction(action),
    style,
  }))
  return board.saveNotice({ id, threadId, text: withNames(text), attachments, buttons: pressed })
}
