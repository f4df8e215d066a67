/** The requests of OpenAI's clients to `/v1/chat/completions`: what Parley accepts, ignores and rejects. */
import { z } from 'zod'
import { apiInstead, apiToolErrors } from '../../src/wording/api.ts'
import { ApiFailure } from './failure.ts'
import { FormatSchema, FunctionSchema, Routing, Sampled, toolOf } from './parameters.ts'
import {
  type Asked,
  checkProgram,
  conversation,
  digestOf,
  ignoredIn,
  invalid,
  objectIn,
  type Refused,
  refuse,
  type Said,
} from './program-request.ts'
import { document, pictureAt, recording, type SentFile } from './sent-files.ts'

const Text = z.object({ type: z.literal('text'), text: z.string() })
const Image = z.object({
  type: z.literal('image_url'),
  image_url: z.object({ url: z.string(), detail: z.string().optional() }),
})
const Audio = z.object({
  type: z.literal('input_audio'),
  input_audio: z.object({ data: z.string(), format: z.string().regex(/^[a-z0-9]{2,8}$/) }),
})
const FilePart = z.object({
  type: z.literal('file'),
  file: z.object({ file_data: z.string().optional(), filename: z.string().optional(), file_id: z.string().optional() }),
})

type ContentPart = z.infer<typeof ContentPart>
const ContentPart = z.discriminatedUnion('type', [Text, Image, Audio, FilePart])

const Stop = z.string().min(1).max(1000)

const AssistantPart = z.discriminatedUnion('type', [
  Text,
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
])
const FunctionCall = z.object({
  id: z.string().min(1).max(200),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string(), arguments: z.string() }),
})

type ChatMessage = z.infer<typeof ChatMessage>
const ChatMessage = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: z.union([z.string(), z.array(Text)]) }),
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(ContentPart).min(1)]) }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(AssistantPart)]).nullish(),
    tool_calls: z.array(FunctionCall).nullish(),
  }),
  z.object({
    role: z.literal('tool'),
    tool_call_id: z.string(),
    content: z.union([z.string(), z.array(Text)]),
  }),
])

const ToolChoice = z.union([
  z.enum(['auto', 'none', 'required']),
  z.object({ type: z.literal('function'), function: z.object({ name: z.string() }) }),
])
const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), json_schema: FormatSchema }),
])

/** The most messages and bytes of one request, and answers to it. */
export const limits = { messages: 500, bodyBytes: 48_000_000, choices: 8 }

type ChatRequest = z.infer<typeof ChatRequest>
export const ChatRequest = z.object({
  model: z.string().min(1).max(200),
  messages: z.array(ChatMessage).min(1).max(limits.messages),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  ...Sampled,
  seed: z.int().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  reasoning_effort: z
    .string()
    .regex(/^[a-z]{1,20}$/)
    .nullish(),
  stop: z.union([Stop, z.array(Stop).max(16)]).nullish(),
  n: z.int().min(1).max(limits.choices).nullish(),
  tools: z
    .array(z.object({ type: z.literal('function'), function: FunctionSchema }))
    .max(128)
    .nullish(),
  tool_choice: ToolChoice.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: ResponseFormat.nullish(),
  ...Routing,
})

/** Parameters that do not count as ignored, because they ask for what Parley does anyway. */
const harmless: Record<string, (value: unknown) => boolean> = {
  store: (value) => value === false,
  service_tier: (value) => value === 'auto' || value === 'default',
}

const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0

export const refusedInChat: Refused = {
  functions: { unless: isEmptyList, instead: apiInstead.functions },
  function_call: { unless: (value) => value === 'none' || value === 'auto', instead: apiInstead.functions },
  web_search_options: { unless: () => false, instead: apiInstead.hostedTools },
  modalities: {
    unless: (value) => Array.isArray(value) && value.every((each) => each === 'text'),
    instead: apiInstead.modalities,
  },
  audio: { unless: () => false, instead: apiInstead.audio },
}

export interface AskedInChat extends Asked {
  withUsage: boolean
}

export function readChat(sent: unknown): AskedInChat {
  const body = objectIn(sent)
  const parsed = ChatRequest.safeParse(body)
  if (!parsed.success) throw hostedTool(body, parsed.error.issues[0]) ?? invalid(parsed.error.issues[0])
  refuse(body, refusedInChat)
  const request = parsed.data
  const { stream, stream_options: options, ...answered } = body
  const program = programOf(request)
  checkProgram(program, { choice: 'tool_choice', format: 'response_format' })
  return {
    ...conversation(request.messages.map(said), 'messages'),
    model: request.model,
    stream: stream === true,
    withUsage: request.stream_options?.include_usage === true,
    choices: request.n ?? 1,
    overrides: {
      temperature: request.temperature ?? undefined,
      maxOutputTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      sampling: {
        topP: request.top_p ?? undefined,
        seed: request.seed ?? undefined,
        presencePenalty: request.presence_penalty ?? undefined,
        frequencyPenalty: request.frequency_penalty ?? undefined,
        reasoningEffort: request.reasoning_effort ?? undefined,
        logprobs: request.logprobs === true ? (request.top_logprobs ?? 0) : undefined,
        stop: request.stop == null ? undefined : [request.stop].flat(),
      },
    },
    program,
    route: request.route ?? undefined,
    truncation: request.truncation ?? undefined,
    ignored: ignoredIn(body, [ChatRequest.shape, refusedInChat], harmless),
    digest: digestOf(answered),
  }
}

function programOf({
  tools,
  tool_choice: choice,
  parallel_tool_calls: parallel,
  response_format: format,
}: ChatRequest): Asked['program'] {
  const offered = (tools ?? []).map((tool) => toolOf(tool.function))
  const any = offered.length > 0
  return {
    tools: any ? offered : undefined,
    toolChoice: choice == null ? undefined : typeof choice === 'string' ? choice : { name: choice.function.name },
    parallelCalls: any ? (parallel ?? undefined) : undefined,
    format:
      format == null || format.type === 'text'
        ? undefined
        : format.type === 'json_object'
          ? { type: 'json' }
          : formatOf(format.json_schema),
  }
}

export function formatOf({
  name,
  description,
  schema = {},
  strict,
}: z.infer<typeof FormatSchema>): Asked['program']['format'] {
  return { type: 'schema', name, description: description ?? undefined, schema, strict: strict === true }
}

/** A tool that OpenAI would run itself is named as such. */
export function hostedTool(
  body: Record<string, unknown>,
  issue: { path: PropertyKey[] } | undefined,
): ApiFailure | undefined {
  const [list, at] = issue?.path ?? []
  if (list !== 'tools' || typeof at !== 'number') return undefined
  const tool: unknown = Array.isArray(body.tools) ? body.tools[at] : undefined
  const type: unknown = typeof tool === 'object' && tool !== null ? Reflect.get(tool, 'type') : undefined
  if (typeof type !== 'string' || type === 'function') return undefined
  return new ApiFailure(400, apiToolErrors.hosted(type), { param: `tools.${at}.type`, code: 'unsupported_parameter' })
}

function said(message: ChatMessage): Said {
  const text = textOf(message)
  switch (message.role) {
    case 'system':
    case 'developer':
      return { role: 'rules', text }
    case 'user':
      return { role: 'user', text, files: filesOf(message.content), results: [] }
    case 'assistant': {
      const calls = (message.tool_calls ?? []).map(({ id, function: called }) => ({ id, ...called }))
      return { role: 'assistant', text, calls }
    }
    case 'tool':
      return { role: 'user', text: '', files: [], results: [{ id: message.tool_call_id, text }] }
  }
}

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content
  return (content ?? []).flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n')
}

function filesOf(content: string | ContentPart[]): SentFile[] {
  return typeof content === 'string' ? [] : content.flatMap((part, index) => fileOf(part, index))
}

function fileOf(part: ContentPart, index: number): SentFile[] {
  switch (part.type) {
    case 'text':
      return []
    case 'image_url':
      return [pictureAt(part.image_url.url, 'image_url', index)]
    case 'input_audio':
      return [recording(part.input_audio.data, part.input_audio.format, index)]
    case 'file': {
      const { file_data: data, filename: name, file_id: id } = part.file
      return [document({ name, data, id }, index)]
    }
  }
}
