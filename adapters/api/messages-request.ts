/** The requests of Anthropic's clients to `/v1/messages`: what Parley accepts, ignores and rejects. */
import { z } from 'zod'
import { ProgramTool } from '../../src/core/tool-call.ts'
import { apiInstead, apiToolErrors } from '../../src/wording/api.ts'
import { limits } from './chat-request.ts'
import { ApiFailure } from './failure.ts'
import { FormatSchema, Routing, Sampled } from './parameters.ts'
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
import { base64, document, fileName, picture, pictureAt, type SentFile } from './sent-files.ts'

const Schema = FormatSchema.shape.schema.unwrap()
const Text = z.object({ type: z.literal('text'), text: z.string() })
const Base64 = z.object({
  type: z.literal('base64'),
  media_type: z.string().regex(/^[\w.+-]+\/[\w.+-]+$/),
  data: z.string(),
})
const Image = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [Base64, z.object({ type: z.literal('url'), url: z.string() })]),
})
const Document = z.object({
  type: z.literal('document'),
  title: z.string().nullish(),
  source: z.discriminatedUnion('type', [
    Base64,
    z.object({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
  ]),
})
const ToolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string().min(1).max(200),
  name: z.string(),
  input: Schema,
})
const ToolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [Text, Image, Document]))]).nullish(),
  is_error: z.boolean().nullish(),
})
/** What a model thought before is not handed on: no other model could read it. */
const Thinking = z.object({ type: z.enum(['thinking', 'redacted_thinking']) })
const Block = z.discriminatedUnion('type', [Text, Image, Document, ToolUse, ToolResult, Thinking])
type Block = z.infer<typeof Block>
const blockTypes = ['text', 'image', 'document', 'tool_use', 'tool_result', 'thinking', 'redacted_thinking']

const Message = z.object({ role: z.enum(['user', 'assistant']), content: z.union([z.string(), z.array(Block)]) })
type Message = z.infer<typeof Message>

const Tool = z.object({
  type: z.literal('custom').nullish(),
  name: ProgramTool.shape.name,
  description: z.string().nullish(),
  input_schema: Schema,
  strict: z.boolean().nullish(),
})
const single = { disable_parallel_tool_use: z.boolean().nullish() }
const ToolChoice = z.discriminatedUnion('type', [
  z.object({ type: z.literal('auto'), ...single }),
  z.object({ type: z.literal('any'), ...single }),
  z.object({ type: z.literal('tool'), name: z.string(), ...single }),
  z.object({ type: z.literal('none') }),
])

const Prompt = {
  model: z.string().min(1).max(200),
  messages: z.array(Message).min(1).max(limits.messages),
  system: z.union([z.string(), z.array(Text)]).nullish(),
  tools: z.array(Tool).max(128).nullish(),
  tool_choice: ToolChoice.nullish(),
}

export const TokenCountRequest = z.object(Prompt)

export const MessagesRequest = z.object({
  ...Prompt,
  max_tokens: z.int().positive(),
  stream: z.boolean().nullish(),
  ...Sampled,
  stop_sequences: z.array(z.string().min(1).max(1000)).max(16).nullish(),
  thinking: z.object({ type: z.string() }).nullish(),
  output_config: z
    .object({
      effort: z
        .string()
        .regex(/^[a-z]{1,20}$/)
        .nullish(),
      format: z.object({ type: z.literal('json_schema'), schema: Schema }).nullish(),
    })
    .nullish(),
  ...Routing,
})
type MessagesRequest = z.infer<typeof MessagesRequest>

const never = () => false
const isEmptyList = (value: unknown) => Array.isArray(value) && value.length === 0
export const refusedInMessages: Refused = {
  container: { unless: never, instead: apiInstead.container },
  mcp_servers: { unless: isEmptyList, instead: apiInstead.mcpServers },
}

const harmless: Record<string, (value: unknown) => boolean> = {
  service_tier: (value) => value === 'auto' || value === 'standard_only',
  cache_control: () => true,
}

export interface AskedInMessages extends Asked {
  /** The program wants to see what the model thinks. */
  thinks: boolean
}

export function readMessages(sent: unknown): AskedInMessages {
  const body = objectIn(sent)
  const parsed = MessagesRequest.safeParse(body)
  if (!parsed.success) throw named(body) ?? invalid(parsed.error.issues[0])
  refuse(body, refusedInMessages)
  const request = parsed.data
  const { stream, ...answered } = body
  const program = programOf(request)
  checkProgram(program, { choice: 'tool_choice', format: 'output_config.format' })
  const { thinking } = request
  return {
    ...conversation(saidIn(request), 'messages'),
    model: request.model,
    stream: stream === true,
    thinks: thinking != null && thinking.type !== 'disabled',
    choices: 1,
    overrides: {
      temperature: request.temperature ?? undefined,
      maxOutputTokens: request.max_tokens,
      sampling: {
        topP: request.top_p ?? undefined,
        stop: request.stop_sequences ?? undefined,
        reasoningEffort: request.output_config?.effort ?? undefined,
      },
    },
    program,
    route: request.route ?? undefined,
    truncation: request.truncation ?? undefined,
    ignored: ignoredIn(body, [MessagesRequest.shape, refusedInMessages], harmless),
    digest: digestOf(answered),
  }
}

/** All text of a prompt, for counting its tokens. */
export function promptText(sent: unknown): string {
  const body = objectIn(sent)
  const parsed = TokenCountRequest.safeParse(body)
  if (!parsed.success) throw named(body) ?? invalid(parsed.error.issues[0])
  const said = saidIn(parsed.data).map((each) => {
    if (each.role === 'user') return [each.text, ...each.results.map(({ text }) => text)].join('\n')
    if (each.role === 'assistant')
      return [each.text, ...each.calls.map((call) => `${call.name} ${call.arguments}`)].join('\n')
    return each.text
  })
  const { tools = [] } = parsed.data
  return [...said, ...(tools ?? []).map((tool) => JSON.stringify(tool))].join('\n')
}

function programOf({ tools, tool_choice: choice, output_config: config }: MessagesRequest): Asked['program'] {
  const offered = (tools ?? []).map(({ name, description, input_schema: schema, strict }) => ({
    name,
    description: description ?? '',
    schema,
    strict: strict ?? undefined,
  }))
  const any = offered.length > 0
  const parallel = choice != null && choice.type !== 'none' ? choice.disable_parallel_tool_use !== true : true
  return {
    tools: any ? offered : undefined,
    toolChoice:
      choice == null
        ? undefined
        : choice.type === 'tool'
          ? { name: choice.name }
          : choice.type === 'any'
            ? 'required'
            : choice.type,
    parallelCalls: any && !parallel ? false : undefined,
    format:
      config?.format == null
        ? undefined
        : { type: 'schema', name: 'answer', schema: config.format.schema, strict: true },
  }
}

/** What Parley has no use for is named by its type. */
function named({ messages, tools }: Record<string, unknown>): ApiFailure | undefined {
  for (const [at, tool] of listIn(tools).entries()) {
    const type: unknown = Reflect.get(Object(tool), 'type')
    if (typeof type === 'string' && type !== 'custom')
      return new ApiFailure(400, apiToolErrors.hosted(type), {
        param: `tools.${at}.type`,
        code: 'unsupported_parameter',
      })
  }
  for (const [at, message] of listIn(messages).entries())
    for (const [place, block] of listIn(Reflect.get(Object(message), 'content')).entries()) {
      const type: unknown = Reflect.get(Object(block), 'type')
      if (typeof type === 'string' && !blockTypes.includes(type))
        return new ApiFailure(400, apiToolErrors.itemUnsupported(type), {
          param: `messages.${at}.content.${place}.type`,
          code: 'unsupported_parameter',
        })
    }
  return undefined
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function saidIn({ system, messages }: Pick<MessagesRequest, 'system' | 'messages'>): Said[] {
  const rules = typeof system === 'string' ? system : (system ?? []).map(({ text }) => text).join('\n\n')
  return [...(rules === '' ? [] : [{ role: 'rules' as const, text: rules }]), ...messages.map(said)]
}

function said({ role, content }: Message): Said {
  const blocks: Block[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
  const text = blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n\n')
  if (role === 'assistant') {
    const calls = blocks.flatMap((block) =>
      block.type === 'tool_use' ? [{ id: block.id, name: block.name, arguments: JSON.stringify(block.input) }] : [],
    )
    return { role, text, calls }
  }
  const results = blocks.flatMap((block) => (block.type === 'tool_result' ? [block] : []))
  const inResults = results.flatMap(({ content: given }) => (given == null || typeof given === 'string' ? [] : given))
  return {
    role,
    text,
    files: [...blocks, ...inResults].flatMap(fileOf),
    results: results.map(({ tool_use_id: id, content: given, is_error: failed }) => ({
      id,
      text: typeof given === 'string' ? given : textsOf(given ?? []),
      ...(failed ? { failed } : {}),
    })),
  }
}

function textsOf(blocks: readonly { type: string; text?: string }[]): string {
  return blocks.flatMap(({ type, text }) => (type === 'text' && text !== undefined ? [text] : [])).join('\n\n')
}

function fileOf(block: Block, index: number): SentFile[] {
  if (block.type === 'image') {
    const { source } = block
    return source.type === 'url'
      ? [pictureAt(source.url, 'source.url', index)]
      : [picture(source.media_type, base64(source.data, 'source.data'), index)]
  }
  if (block.type !== 'document') return []
  const { source, title } = block
  if (source.type === 'base64')
    return [
      {
        name: fileName(title, source.media_type, index),
        mediaType: source.media_type,
        data: base64(source.data, 'source.data'),
        voiceNote: false,
      },
    ]
  const data = Buffer.from(source.data).toString('base64')
  return [document({ name: title ?? `document-${index + 1}.txt`, data: `data:text/plain;base64,${data}` }, index)]
}
