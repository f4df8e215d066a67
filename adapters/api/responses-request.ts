/** The requests of OpenAI's clients to `/v1/responses`: what Parley accepts, ignores and rejects. */
import { z } from 'zod'
import { apiInstead, apiToolErrors } from '../../src/wording/api.ts'
import { formatOf, hostedTool, limits } from './chat-request.ts'
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

const InputText = z.object({ type: z.literal('input_text'), text: z.string() })
const OutputText = z.object({ type: z.literal('output_text'), text: z.string() })
const Refusal = z.object({ type: z.literal('refusal'), refusal: z.string() })
const Content = z.discriminatedUnion('type', [
  InputText,
  OutputText,
  Refusal,
  z.object({ type: z.literal('input_image'), image_url: z.string().nullish(), file_id: z.string().nullish() }),
  z.object({
    type: z.literal('input_file'),
    file_data: z.string().nullish(),
    filename: z.string().nullish(),
    file_id: z.string().nullish(),
    file_url: z.string().nullish(),
  }),
  z.object({
    type: z.literal('input_audio'),
    input_audio: z.object({ data: z.string(), format: z.string().regex(/^[a-z0-9]{2,8}$/) }),
  }),
])
type Content = z.infer<typeof Content>

const Message = z.object({
  type: z.literal('message').optional(),
  role: z.enum(['user', 'assistant', 'system', 'developer']),
  content: z.union([z.string(), z.array(Content)]),
})
const FunctionCall = z.object({
  type: z.literal('function_call'),
  call_id: z.string().min(1).max(200),
  name: z.string(),
  arguments: z.string(),
})
const FunctionOutput = z.object({
  type: z.literal('function_call_output'),
  call_id: z.string(),
  output: z.union([z.string(), z.array(Content)]),
})
/** What a model thought before is not handed on: no other model could read it. */
const Reasoning = z.object({ type: z.literal('reasoning') })
const Item = z.union([FunctionCall, FunctionOutput, Reasoning, Message])
type Item = z.infer<typeof Item>
const itemTypes = ['message', 'function_call', 'function_call_output', 'reasoning']

const ToolChoice = z.union([
  z.enum(['auto', 'none', 'required']),
  z.object({ type: z.literal('function'), name: z.string() }),
])
const Format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({ type: z.literal('json_schema'), ...FormatSchema.shape }),
])

export const ResponsesRequest = z.object({
  model: z.string().min(1).max(200),
  input: z.union([z.string(), z.array(Item).min(1).max(limits.messages)]),
  instructions: z.string().nullish(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().positive().nullish(),
  ...Sampled,
  reasoning: z
    .object({
      effort: z
        .string()
        .regex(/^[a-z]{1,20}$/)
        .nullish(),
    })
    .nullish(),
  text: z.object({ format: Format.nullish() }).nullish(),
  tools: z
    .array(z.object({ type: z.literal('function'), ...FunctionSchema.shape }))
    .max(128)
    .nullish(),
  tool_choice: ToolChoice.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  ...Routing,
})
type ResponsesRequest = z.infer<typeof ResponsesRequest>

const never = () => false
export const refusedInResponses: Refused = {
  previous_response_id: { unless: never, instead: apiInstead.previousResponse },
  conversation: { unless: never, instead: apiInstead.previousResponse },
  background: { unless: (value) => value === false, instead: apiInstead.background },
  prompt: { unless: never, instead: apiInstead.prompt },
  top_logprobs: { unless: (value) => value === 0, instead: apiInstead.logprobs },
}

/** Nothing is kept under a response's id, whatever `store` says; what may be included is there anyway or nowhere. */
const harmless: Record<string, (value: unknown) => boolean> = {
  store: () => true,
  include: () => true,
  service_tier: (value) => value === 'auto' || value === 'default',
}

export interface AskedInResponses extends Asked {
  /** What the response repeats of its request. */
  echo: {
    instructions: string | null
    max_output_tokens: number | null
    temperature: number | null
    top_p: number | null
    parallel_tool_calls: boolean
    tool_choice: unknown
    tools: unknown[]
    text: { format: unknown }
    reasoning: { effort: string | null; summary: null }
    truncation: 'auto' | 'disabled'
    metadata: unknown
  }
}

export function readResponses(sent: unknown): AskedInResponses {
  const body = objectIn(sent)
  const parsed = ResponsesRequest.safeParse(body)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw hostedTool(body, issue) ?? unknownItem(body) ?? invalid(issue)
  }
  refuse(body, refusedInResponses)
  const request = parsed.data
  const { stream, ...answered } = body
  const program = programOf(request)
  checkProgram(program, { choice: 'tool_choice', format: 'text.format' })
  const items = typeof request.input === 'string' ? [{ role: 'user' as const, content: request.input }] : request.input
  const rules: Said[] = request.instructions ? [{ role: 'rules', text: request.instructions }] : []
  return {
    ...conversation([...rules, ...said(items)], 'input'),
    model: request.model,
    stream: stream === true,
    choices: 1,
    overrides: {
      temperature: request.temperature ?? undefined,
      maxOutputTokens: request.max_output_tokens ?? undefined,
      sampling: { topP: request.top_p ?? undefined, reasoningEffort: request.reasoning?.effort ?? undefined },
    },
    program,
    route: request.route ?? undefined,
    truncation: request.truncation ?? undefined,
    ignored: ignoredIn(body, [ResponsesRequest.shape, refusedInResponses], harmless),
    digest: digestOf(answered),
    echo: {
      instructions: request.instructions ?? null,
      max_output_tokens: request.max_output_tokens ?? null,
      temperature: request.temperature ?? null,
      top_p: request.top_p ?? null,
      parallel_tool_calls: request.parallel_tool_calls ?? true,
      tool_choice: request.tool_choice ?? 'auto',
      tools: (request.tools ?? []).map((tool) => ({
        ...tool,
        description: tool.description ?? null,
        parameters: tool.parameters ?? null,
        strict: tool.strict ?? false,
      })),
      text: { format: request.text?.format ?? { type: 'text' } },
      reasoning: { effort: request.reasoning?.effort ?? null, summary: null },
      truncation: request.truncation ?? 'disabled',
      metadata: body.metadata ?? {},
    },
  }
}

function programOf({
  tools,
  tool_choice: choice,
  parallel_tool_calls: parallel,
  text,
}: ResponsesRequest): Asked['program'] {
  const offered = (tools ?? []).map(toolOf)
  const any = offered.length > 0
  const format = text?.format
  return {
    tools: any ? offered : undefined,
    toolChoice: choice == null ? undefined : typeof choice === 'string' ? choice : { name: choice.name },
    parallelCalls: any ? (parallel ?? undefined) : undefined,
    format:
      format == null || format.type === 'text'
        ? undefined
        : format.type === 'json_object'
          ? { type: 'json' }
          : formatOf(format),
  }
}

/** An item that Parley has no use for is named by its type. */
function unknownItem({ input }: Record<string, unknown>): ApiFailure | undefined {
  if (!Array.isArray(input)) return undefined
  for (const [at, item] of input.entries()) {
    const type: unknown = Reflect.get(Object(item), 'type')
    if (typeof type === 'string' && !itemTypes.includes(type))
      return new ApiFailure(400, apiToolErrors.itemUnsupported(type), {
        param: `input.${at}.type`,
        code: 'unsupported_parameter',
      })
  }
  return undefined
}

/** Calls are items of their own: those behind one another, and the words before them, are one message of the model. */
function said(items: readonly Item[]): Said[] {
  const all: Said[] = []
  for (const item of items) {
    const last = all.at(-1)
    if (item.type === 'reasoning') continue
    if (item.type === 'function_call') {
      const call = { id: item.call_id, name: item.name, arguments: item.arguments }
      if (last?.role === 'assistant') all[all.length - 1] = { ...last, calls: [...last.calls, call] }
      else all.push({ role: 'assistant', text: '', calls: [call] })
    } else if (item.type === 'function_call_output') {
      const results = [{ id: item.call_id, text: textOf(item.output) }]
      all.push({ role: 'user', text: '', files: filesOf(item.output), results })
    } else if (item.role === 'assistant') all.push({ role: 'assistant', text: textOf(item.content), calls: [] })
    else if (item.role === 'user')
      all.push({ role: 'user', text: textOf(item.content), files: filesOf(item.content), results: [] })
    else all.push({ role: 'rules', text: textOf(item.content) })
  }
  return all
}

function textOf(content: string | readonly Content[]): string {
  if (typeof content === 'string') return content
  return content
    .flatMap((part) => (part.type === 'input_text' || part.type === 'output_text' ? [part.text] : []))
    .join('\n\n')
}

function filesOf(content: string | readonly Content[]): SentFile[] {
  return typeof content === 'string' ? [] : content.flatMap((part, index) => fileOf(part, index))
}

function fileOf(part: Content, index: number): SentFile[] {
  switch (part.type) {
    case 'input_image':
      if (!part.image_url) return [document({ id: part.file_id ?? '' }, index)]
      return [pictureAt(part.image_url, 'image_url', index)]
    case 'input_audio':
      return [recording(part.input_audio.data, part.input_audio.format, index)]
    case 'input_file':
      if (part.file_url)
        throw new ApiFailure(400, apiToolErrors.fileAddress, { param: 'input', code: 'unsupported_file' })
      return [
        document({ name: part.filename ?? undefined, data: part.file_data ?? undefined, id: part.file_id }, index),
      ]
    default:
      return []
  }
}
