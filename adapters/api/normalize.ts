/** Pure: a chat request → a message with its files and options. Throws `ApiFailure` for requests that Parley cannot serve. */
import { createHash } from 'node:crypto'
import type { ActiveKey } from '../../src/core/api-key.ts'
import type { HttpContext } from '../../src/core/http.ts'
import type { Author, ConversationRef, IncomingMessage, Sampling } from '../../src/core/message.ts'
import { routedNames } from '../../src/core/route-decision.ts'
import { apiErrors, apiFileErrors } from '../../src/wording/api.ts'
import { ApiFailure } from './failure.ts'
import { type ChatMessage, ChatRequest, type ContentPart, ignoredIn, refused } from './request.ts'

export const platformName = 'api'

export interface SentFile {
  name: string
  mediaType: string
  /** Its bytes, or the address of a picture on the web. */
  data: Buffer | URL
  voiceNote: boolean
}

export interface ParsedRequest {
  request: ChatRequest
  text: string
  instructions: string | undefined
  history: { role: 'user' | 'assistant'; text: string }[]
  /** Of all messages, those of the last one first. */
  files: SentFile[]
  /** The beginning of the answer, which the model continues. */
  continues: string | undefined
  /** Parameters that have no effect here. */
  ignored: string[]
  /** The request without how its answer is delivered. */
  digest: string
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
  const { messages } = request
  const isRule = ({ role }: ChatMessage) => role === 'system' || role === 'developer'
  // Some programs send nothing but a system message: then that is the question.
  const asked = messages.findLastIndex(({ role }) => role === 'user')
  const at = asked >= 0 ? asked : messages.findLastIndex(isRule)
  const question = messages[at]
  if (question === undefined) throw new ApiFailure(400, apiErrors.nothingAsked, { param: 'messages' })
  const others = messages.filter((_, place) => place !== at)
  const instructions = others.filter(isRule).map(textOf)
  const continues = messages.slice(at + 1).flatMap((each) => (each.role === 'assistant' ? pastMessage(each) : []))
  const { stream: _stream, stream_options: _options, ...answered } = body as Record<string, unknown>
  return {
    request,
    text: textOf(question).trim(),
    instructions: instructions.length === 0 ? undefined : instructions.join('\n\n'),
    history: messages.slice(0, at).flatMap(pastMessage),
    continues: continues.length === 0 ? undefined : continues.map(({ text }) => text).join('\n\n'),
    files: [question, ...others].flatMap(filesOf),
    ignored: ignoredIn(body),
    digest: createHash('sha256').update(JSON.stringify(answered)).digest('hex'),
  }
}

export interface Received {
  /** Names this request; a repetition with the same Idempotency-Key has the same. */
  id: string
  key: ActiveKey
  sentAt: Date
  /** As stored in Parley's blobs. */
  files: readonly { name: string; mediaType: string; voiceNote: boolean; hash: string; bytes: number }[]
}

export function conversationOf(id: string, key: Pick<ActiveKey, 'id'>): ConversationRef {
  return { platform: platformName, workspaceId: 'api', channelId: key.id, threadId: id }
}

/** A question by key is its owner's, too: it counts for their budgets and limits. */
export function authorOf({ id, name, ownerId }: Pick<ActiveKey, 'id' | 'name' | 'ownerId'>): Author {
  return { id, name, personId: ownerId ?? undefined }
}

export function keyOf(context: HttpContext): ActiveKey {
  const caller = context.get('caller')
  if (caller.as !== 'key') throw new Error('this route is for keys')
  return caller.key
}

export function normalize(parsed: ParsedRequest, { id, key, sentAt, files }: Received): IncomingMessage {
  const { request, text, instructions, history } = parsed
  const routed = routedNames.includes(request.model)
  const conversation = conversationOf(id, key)
  const maxOutputTokens = request.max_completion_tokens ?? request.max_tokens
  return {
    id,
    conversation,
    author: authorOf(key),
    keyId: key.id,
    text,
    kind: 'direct',
    attachments: files.map((file, at) => ({
      id: `${at}`,
      name: file.name,
      mediaType: file.mediaType,
      bytes: file.bytes,
      voiceNote: file.voiceNote,
      locator: { blob: file.hash },
      blob: file.hash,
    })),
    replyTarget: { conversation, data: null },
    overrides: {
      model: routed ? undefined : request.model,
      temperature: request.temperature ?? undefined,
      maxOutputTokens: maxOutputTokens ?? undefined,
      sampling: samplingOf(request),
    },
    program: {
      ownPrompt: !routed,
      overflow: (request.truncation ?? (routed ? 'auto' : 'disabled')) === 'auto' ? 'cut' : 'refuse',
      fallback: routed || request.route === 'fallback',
      continues: parsed.continues,
      ignored: parsed.ignored,
      digest: parsed.digest,
    },
    history: history.length === 0 ? undefined : history,
    instructions,
    sentAt: sentAt.toISOString(),
  }
}

function samplingOf(request: ChatRequest): Sampling {
  const { top_p, seed, presence_penalty, frequency_penalty, reasoning_effort, stop } = request
  return {
    topP: top_p ?? undefined,
    seed: seed ?? undefined,
    presencePenalty: presence_penalty ?? undefined,
    frequencyPenalty: frequency_penalty ?? undefined,
    reasoningEffort: reasoning_effort ?? undefined,
    stop: stop == null ? undefined : [stop].flat(),
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
      if (/^https?:/i.test(part.image_url.url)) return [webPicture(part.image_url.url, index)]
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

function webPicture(address: string, index: number): SentFile {
  const url = URL.parse(address)
  if (url === null)
    throw new ApiFailure(400, apiFileErrors.notADataUrl('image_url'), { param: 'messages', code: 'unsupported_url' })
  return { name: `image-${index + 1}`, mediaType: 'application/octet-stream', data: url, voiceNote: false }
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

export function extension(mediaType: string): string {
  const subtype = mediaType.split('/')[1] ?? 'bin'
  return subtype === 'jpeg' ? 'jpg' : subtype.replace(/^x-|\+.*$/g, '').slice(0, 10)
}
