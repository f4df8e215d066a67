/**
 * Downloads shared files with the bot's token, and uploads Parley's. When a scope is missing, Slack answers a download with its
 * login page and status 200, so each one is checked.
 */
import { Readable } from 'node:stream'
import { z } from 'zod'
import type { OutgoingFile } from '../../src/core/command.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Attachment } from '../../src/core/message.ts'
import type { Files } from '../../src/core/platform.ts'
import { retry } from '../../src/core/retry.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'
import { SlackFile } from './events.ts'
import type { Installations } from './installations.ts'
import { unreadableKinds, wholeTranscript } from './normalize.ts'
import { slackCode } from './sdk.ts'

const Locator = z.object({
  team: z.string(),
  enterprise: z.string().optional(),
  file: z.string(),
  url: z.string().optional(),
  /** The service that stores the file, when it is not Slack. */
  external: z.string().optional(),
  unreadable: z.enum(unreadableKinds).optional(),
  /** Slack has a transcript of it, or makes one. */
  transcribed: z.boolean().optional(),
})

const FileInfo = z.object({ file: SlackFile })
/** The file's own organization does not let apps of others read it. */
const notForApps = new Set(['access_denied', 'no_permission', 'not_visible', 'slack_connect_file_link_sharing_blocked'])

/** Slack Connect announces the files of another organization by their id alone. */
export function isStub({ file_access: access, mode }: SlackFile): boolean {
  return access === 'check_file_info' || mode === 'file_access'
}

/** The file with its name, type and link; as it is where Slack does not tell in time. */
export async function complete(api: Api, file: SlackFile, options: CallOptions): Promise<SlackFile> {
  if (!isStub(file)) return file
  const answer = await api.call('files.info', { file: file.id }, options).catch(() => undefined)
  const found = FileInfo.safeParse(answer)
  return found.success ? found.data.file : file
}

const maxRedirects = 3
/** Until the response starts; the reader of the stream sets the other limits. */
const answerMs = 30_000

export function createFiles({ installations, apiUrl }: { installations: Installations; apiUrl?: string }): Files {
  return {
    async fetch(attachment, { signal }) {
      const locator = Locator.parse(attachment.locator)
      const { name } = attachment
      if (locator.unreadable === 'deleted') throw missing(name)
      if (locator.unreadable !== undefined)
        throw new ParleyError('file_unsupported', slackWording.files[locator.unreadable](name))
      if (locator.external !== undefined)
        throw new ParleyError('file_unsupported', slackWording.files.external(name, locator.external))
      const { api } = await installations.of(locator.team, locator.enterprise)
      const url = locator.url ?? (await addressOf(api, locator.file, name, signal))
      const response = await download(url, api.token, { apiUrl, name, signal })
      return await checked(response, attachment)
    },

    async transcript(attachment, { signal }) {
      const locator = Locator.parse(attachment.locator)
      if (locator.transcribed !== true) return undefined
      const { api } = await installations.of(locator.team, locator.enterprise)
      const file = await transcribed(api, locator.file, signal)
      if (file === undefined) return undefined
      const whole = wholeTranscript(file)
      if (whole !== undefined || !file.vtt) return whole
      const response = await download(file.vtt, api.token, { apiUrl, name: attachment.name, signal })
      return wordsOf(await response.text())
    },
  }
}

/** How long Slack may take to transcribe a clip. Most are done within seconds. */
const transcriptMs = 15_000

/** The file's record once Slack has transcribed it; `undefined` if it never does. */
async function transcribed(api: Api, id: string, signal: AbortSignal): Promise<SlackFile | undefined> {
  const processing = new Error('still transcribing')
  try {
    return await retry(
      async () => {
        const { file } = FileInfo.parse(await api.call('files.info', { file: id }, { signal }))
        if (file.transcription?.status === 'processing') throw processing
        return file.transcription?.status === 'complete' ? file : undefined
      },
      { on: (error) => error === processing, delays: { firstMs: 700, mostMs: 2000 }, deadlineMs: transcriptMs, signal },
    )
  } catch (error) {
    if (error === processing) return undefined
    throw error
  }
}

/** The spoken words of WebVTT: https://www.w3.org/TR/webvtt1/ */
function wordsOf(vtt: string): string | undefined {
  const cues = vtt
    .replaceAll('\r\n', '\n')
    .split(/\n{2,}/)
    .flatMap((part) => {
      const lines = part.split('\n')
      const times = lines.findIndex((line) => line.includes('-->'))
      return times < 0 ? [] : lines.slice(times + 1)
    })
  const words = cues.map((line) => line.replaceAll(/<[^>]*>/g, '').trim()).filter((line) => line !== '')
  return words.length === 0 ? undefined : words.join(' ')
}

/** Events from shared channels have no URL for their files. */
async function addressOf(api: Api, id: string, name: string, signal: AbortSignal): Promise<string> {
  try {
    const { file } = FileInfo.parse(await api.call('files.info', { file: id }, { signal }))
    const url = file.url_private_download ?? file.url_private
    if (url) return url
  } catch (error) {
    const code = slackCode(error) ?? ''
    if (notForApps.has(code)) throw new ParleyError('file_unsupported', slackWording.files.notForApps(name))
    if (code !== 'file_not_found' && code !== 'file_deleted') throw error
  }
  throw missing(name)
}

interface Download {
  apiUrl: string | undefined
  name: string
  signal: AbortSignal
}

async function download(address: string, token: string, { apiUrl, name, signal }: Download): Promise<Response> {
  let url = new URL(address)
  for (let hops = 0; hops <= maxRedirects; hops += 1) {
    // The token opens the whole workspace, so it is sent to Slack only.
    if (!isSlack(url, apiUrl)) throw notTheFile(name)
    const late = new AbortController()
    const timer = setTimeout(() => late.abort(), answerMs)
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      redirect: 'manual',
      signal: AbortSignal.any([signal, late.signal]),
    })
      .finally(() => clearTimeout(timer))
      .catch((cause: unknown) => {
        signal.throwIfAborted()
        throw new ParleyError('file_fetch_failed', chatWording.fileNotFetched(name, 'Slack'), {
          cause,
        })
      })
    const { status } = response
    if (status >= 200 && status < 300) return response
    await response.body?.cancel()
    const location = response.headers.get('location')
    if (status >= 300 && status < 400 && location !== null) url = new URL(location, url)
    else if (status === 404 || status === 410) throw missing(name)
    else if (status === 401 || status === 403) throw notTheFile(name)
    else {
      const retryAfter = Number(response.headers.get('retry-after'))
      throw new ParleyError('file_fetch_failed', chatWording.fileNotFetched(name, 'Slack', status), {
        retryAfterMs: retryAfter > 0 ? retryAfter * 1000 : undefined,
      })
    }
  }
  throw notTheFile(name)
}

function isSlack(url: URL, apiUrl: string | undefined): boolean {
  if (apiUrl !== undefined && url.origin === new URL(apiUrl).origin) return true
  return url.protocol === 'https:' && /(?:^|\.)(?:slack\.com|slack-files\.com|slack-edge\.com)$/.test(url.hostname)
}

/** The stream, after a look at its first bytes: they must not be Slack's login page. */
async function checked(response: Response, { name, mediaType, bytes }: Attachment): Promise<Readable> {
  if (response.body === null) throw missing(name)
  const reader = response.body.getReader()
  const { value: start = new Uint8Array() } = await reader.read()
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  const isPage = /^\s*<(?:!doctype html|html)/i.test(Buffer.from(start.subarray(0, 200)).toString('latin1'))
  const expected = mediaType === 'text/html' && (bytes === undefined || Number.isNaN(length) || length === bytes)
  if (isPage && !expected && (mediaType !== 'text/html' || isLogin(start))) {
    await reader.cancel()
    throw notTheFile(name)
  }
  return Readable.from(joined(start, reader), { objectMode: false })
}

function isLogin(start: Uint8Array): boolean {
  return /slack\.com\/signin|<title>[^<]*Slack<\/title>|data-(?:cdn|primer)/i.test(
    Buffer.from(start).toString('latin1'),
  )
}

async function* joined(start: Uint8Array, reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (start.length > 0) yield start
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}

function missing(name: string): ParleyError {
  return new ParleyError('file_missing', chatWording.fileGone(name, 'Slack'))
}

function notTheFile(name: string): ParleyError {
  return new ParleyError('file_fetch_failed', slackWording.files.loginPage(name))
}

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
    { filename: file.name, length: file.data.byteLength, alt_text: file.alt },
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
      thread_ts: target.thread,
      initial_comment: target.comment,
    },
    options,
  )
}
