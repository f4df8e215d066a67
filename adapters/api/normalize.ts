/** Pure: a chat request → a message with its files and options. Throws `ApiFailure` for requests that Parley cannot serve. */
import type { ConversationRef, IncomingMessage } from '../../src/core/message.ts'
import { apiErrors, apiFileErrors } from '../../src/wording/api.ts'
import { ApiFailure } from './failure.ts'
import { type ChatMessage, ChatRequest, type ContentPart, ignored, refused } from './request.ts'

export const platformName = 'api'
/** Names that leave the choice of model to Parley's routing. */
export const routedModels = ['parley', 'auto']

export interface SentFile {
  name: string
  mediaType: string
  data: Buffer
  voiceNote: boolean
}

export interface ParsedRequest {
  request: ChatRequest
  text: string
  instructions: string | undefined
  history: { role: 'user' | 'assistant'; text: string }[]
  /** Of all messages, those of the last one first. */
  files: SentFile[]
  /** Parameters that have no effect here. */
  ignored: string[]
}

export interface ApiKey {
  id: string
  name: string
}

export function readRequest(body: unknown): ParsedRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw new ApiFailure(400, apiErrors.notAnObject)
  const parsed = ChatRequest.safeParse(body)
  if (!parsed.success) throw invalidRequest(body, parsed.error.issues[0])
  for (const [param, { unless, instead }] of Object.entries(refused)) {
    const value: unknown = Reflect.get(body, param)
    if (value !== undefined && value !== null && !unless(value))
      throw new ApiFailure(400, apiErrors.unsupported(param, instead), {
        param,
        code: 'unsupported_parameter',
      })
  }
  const request = parsed.data
  const last = request.messages.at(-1)
  if (last?.role !== 'user') throw new ApiFailure(400, apiErrors.lastMessageNotUser, { param: 'messages' })
  const before = request.messages.slice(0, -1)
  const instructions = before.flatMap((each) =>
    each.role === 'system' || each.role === 'developer' ? [textOf(each)] : [],
  )
  return {
    request,
    text: textOf(last).trim(),
    instructions: instructions.length === 0 ? undefined : instructions.join('\n\n'),
    history: before.flatMap(pastMessage),
    files: [last, ...before].flatMap(filesOf),
    ignored: ignored.filter((name) => Reflect.get(body, name) != null),
  }
}

export interface Received {
  /** Names this request; a repetition with the same Idempotency-Key has the same. */
  id: string
  key: ApiKey
  sentAt: Date
  /** The files' contents in Parley's blobs, in their order. */
  hashes: string[]
}

export function conversationOf(id: string, key: ApiKey): ConversationRef {
  return { platform: platformName, workspaceId: 'api', channelId: key.id, threadId: id }
}

export function normalize(parsed: ParsedRequest, { id, key, sentAt, hashes }: Received): IncomingMessage {
  const { request, text, instructions, history, files } = parsed
  const conversation = conversationOf(id, key)
  const maxOutputTokens = request.max_completion_tokens ?? request.max_tokens
  return {
    id,
    conversation,
    author: { id: key.id, name: key.name },
    keyId: key.id,
    text,
    kind: 'direct',
    attachments: files.map((file, at) => ({
      id: `${at}`,
      name: file.name,
      mediaType: file.mediaType,
      bytes: file.data.length,
      voiceNote: file.voiceNote,
      locator: { blob: hashes[at] ?? '' },
      blob: hashes[at],
    })),
    replyTarget: { conversation, data: null },
    overrides: {
      model: routedModels.includes(request.model) ? undefined : request.model,
      temperature: request.temperature ?? undefined,
      maxOutputTokens: maxOutputTokens ?? undefined,
    },
    history: history.length === 0 ? undefined : history,
    instructions,
    sentAt: sentAt.toISOString(),
  }
}

function invalidRequest(body: object, issue: { path: PropertyKey[]; message: string } | undefined): ApiFailure {
  const param = (issue?.path ?? []).map(String).join('.')
  const role: unknown = Reflect.get(Object(at(body, issue?.path.slice(0, 2) ?? [])), 'role')
  if (role === 'tool' || role === 'function')
    return new ApiFailure(400, apiErrors.toolMessages, {
      param,
    })
  return new ApiFailure(400, apiErrors.invalidParameter(param, issue?.message), {
    param,
  })
}

function at(value: unknown, path: PropertyKey[]): unknown {
  return path.reduce<unknown>((inside, key) => Reflect.get(Object(inside), key), value)
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n')
}

function pastMessage(message: ChatMessage): ParsedRequest['history'] {
  if (message.role !== 'user' && message.role !== 'assistant') return []
  if (message.role === 'assistant' && (message.tool_calls?.length ?? 0) > 0)
    throw new ApiFailure(400, apiErrors.toolCalls, {
      param: 'messages',
    })
  const text = textOf(message)
  return text.trim() === '' ? [] : [{ role: message.role, text }]
}

function filesOf(message: ChatMessage): SentFile[] {
  if (message.role !== 'user' || typeof message.content === 'string') return []
  return message.content.flatMap((part, index) => fileOf(part, index))
}

function fileOf(part: ContentPart, index: number): SentFile[] {
  switch (part.type) {
    case 'text':
      return []
    case 'image_url': {
      const { mediaType, data } = dataUrl(part.image_url.url, 'image_url')
      return [{ name: `image-${index + 1}.${extension(mediaType)}`, mediaType, data, voiceNote: false }]
    }
    case 'input_audio': {
      const { data, format } = part.input_audio
      const mediaType = format === 'mp3' ? 'audio/mpeg' : `audio/${format}`
      return [{ name: `audio-${index + 1}.${format}`, mediaType, data: base64(data, 'input_audio'), voiceNote: true }]
    }
    case 'file': {
      const { file_data, filename, file_id } = part.file
      if (file_data === undefined)
        throw new ApiFailure(400, file_id === undefined ? apiFileErrors.dataMissing : apiFileErrors.idsUnsupported, {
          param: 'messages',
          code: 'unsupported_file',
        })
      const { mediaType, data } = file_data.startsWith('data:')
        ? dataUrl(file_data, 'file_data')
        : { mediaType: 'application/octet-stream', data: base64(file_data, 'file_data') }
      const name = (filename ?? '').trim().slice(0, 255) || `file-${index + 1}.${extension(mediaType)}`
      return [{ name, mediaType, data, voiceNote: false }]
    }
  }
}

function dataUrl(url: string, what: string): { mediaType: string; data: Buffer } {
  const [, mediaType, rest] = /^data:([\w.+-]+\/[\w.+-]+)((?:;[^,]*)?,)/.exec(url.slice(0, 500)) ?? []
  if (mediaType === undefined || rest === undefined)
    throw new ApiFailure(400, apiFileErrors.notADataUrl(what), { param: 'messages', code: 'unsupported_url' })
  const content = url.slice(`data:${mediaType}${rest}`.length)
  if (/;base64,$/i.test(rest)) return { mediaType, data: base64(content, what) }
  try {
    return { mediaType, data: Buffer.from(decodeURIComponent(content)) }
  } catch {
    throw new ApiFailure(400, apiFileErrors.malformedDataUrl(what), { param: 'messages' })
  }
}

function base64(text: string, what: string): Buffer {
  if (!/^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(text) || text === '')
    throw new ApiFailure(400, apiFileErrors.notBase64(what), { param: 'messages' })
  return Buffer.from(text, 'base64')
}

function extension(mediaType: string): string {
  const subtype = mediaType.split('/')[1] ?? 'bin'
  return subtype === 'jpeg' ? 'jpg' : subtype.replace(/^x-|\+.*$/g, '').slice(0, 10)
}
