/** Uploads files to Slack, by the three steps of its v2 flow. */
import { z } from 'zod'
import type { OutgoingFile } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'

const Ticket = z.object({ upload_url: z.string(), file_id: z.string() })

export interface UploadTarget {
  channel: string
  thread?: string | undefined
  comment?: string | undefined
}

/** Uploads the file. It stays invisible until it is shared. Throws `platform_*`. */
export async function sendBytes(api: Api, file: OutgoingFile, options: CallOptions): Promise<string> {
  const answer = await api.call(
    'files.getUploadURLExternal',
    { filename: file.name, length: file.data.byteLength, ...(file.alt && { alt_text: file.alt }) },
    options,
  )
  const { upload_url: url, file_id: id } = Ticket.parse(answer)
  const signal = options.signal ?? AbortSignal.timeout(60_000)
  const unreachable = (cause?: unknown) =>
    new ParleyError('platform_unreachable', slackWording.errors.notUploaded(file.name), {
      cause,
    })
  const body = new Blob([new Uint8Array(file.data)], { type: file.mediaType })
  const response = await fetch(url, { method: 'POST', body, signal }).catch((cause: unknown) => {
    signal.throwIfAborted()
    throw unreachable(cause)
  })
  await response.body?.cancel()
  if (!response.ok) throw unreachable(new Error(`status ${response.status}`))
  return id
}

/** Throws `platform_*`. */
export async function share(
  api: Api,
  id: string,
  title: string,
  target: UploadTarget,
  options: CallOptions,
): Promise<void> {
  await api.call(
    'files.completeUploadExternal',
    {
      files: [{ id, title }],
      channel_id: target.channel,
      ...(target.thread && { thread_ts: target.thread }),
      ...(target.comment && { initial_comment: target.comment }),
    },
    options,
  )
}
