/** What a request said, read from its body by the rules of its dialect: for the contract of all providers. */
import { z } from 'zod'
import type { SentRequest } from '../../src/models/model.contract.ts'

export type Sent = Omit<SentRequest, 'closed'>
export type ReadSent = (body: unknown) => Sent

const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'))
const fromDataUrl = (url: string) => bytes(/^data:image\/\w+;base64,(.*)$/s.exec(url)?.[1] ?? '')
const lines = (texts: (string | null | undefined)[]) => texts.filter((text) => text).join('\n')
const Schema = z.record(z.string(), z.unknown())
const Limit = z.number().optional()
const FunctionTool = z.strictObject({
  type: z.literal('function'),
  function: z.strictObject({ name: z.string(), description: z.string(), parameters: Schema }),
})
const namedTool = ({ function: { name, description, parameters: schema } }: z.infer<typeof FunctionTool>) => ({
  name,
  description,
  schema,
})

const Chat = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  stream_options: z.strictObject({ include_usage: z.literal(true) }).optional(),
  max_tokens: Limit,
  max_completion_tokens: Limit,
  temperature: Limit,
  tools: z.array(FunctionTool).default([]),
  messages: z.array(
    z.strictObject({
      role: z.enum(['system', 'user', 'assistant', 'tool']),
      content: z.union([
        z.string(),
        z.null(),
        z.array(
          z.union([
            z.strictObject({ type: z.literal('text'), text: z.string() }),
            z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }),
          ]),
        ),
      ]),
      tool_call_id: z.string().optional(),
      tool_calls: z
        .array(
          z.strictObject({
            id: z.string(),
            type: z.literal('function'),
            function: z.strictObject({ name: z.string(), arguments: z.string() }),
          }),
        )
        .default([]),
    }),
  ),
})

export function sentChat(body: unknown): Sent {
  const { messages, tools, max_tokens, max_completion_tokens, temperature } = Chat.parse(body)
  const parts = messages.flatMap(({ content }) => (Array.isArray(content) ? content : []))
  return {
    text: lines([
      ...messages.map(({ content }) => (typeof content === 'string' ? content : '')),
      ...parts.map((part) => (part.type === 'text' ? part.text : '')),
    ]),
    maxOutputTokens: max_tokens ?? max_completion_tokens,
    temperature,
    images: parts.flatMap((part) => (part.type === 'image_url' ? [fromDataUrl(part.image_url.url)] : [])),
    tools: tools.map(namedTool),
    calls: messages.flatMap(({ tool_calls }) =>
      tool_calls.map(({ id, function: { name, arguments: json } }) => ({ id, name, arguments: JSON.parse(json) })),
    ),
    results: messages.flatMap(({ tool_call_id: id, content }) => (id ? [{ id, text: String(content) }] : [])),
  }
}

const Responses = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  store: z.literal(false),
  instructions: z.string().optional(),
  max_output_tokens: Limit,
  temperature: Limit,
  reasoning: z.strictObject({ summary: z.literal('auto') }).optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        name: z.string(),
        description: z.string(),
        parameters: Schema,
        strict: z.literal(false),
      }),
    )
    .default([]),
  input: z.array(
    z.union([
      z.strictObject({
        type: z.literal('function_call'),
        call_id: z.string(),
        name: z.string(),
        arguments: z.string(),
      }),
      z.strictObject({ type: z.literal('function_call_output'), call_id: z.string(), output: z.string() }),
      z.strictObject({ role: z.literal('assistant'), content: z.string() }),
      z.strictObject({
        role: z.literal('user'),
        content: z.array(
          z.union([
            z.strictObject({ type: z.literal('input_text'), text: z.string() }),
            z.strictObject({ type: z.literal('input_image'), detail: z.literal('auto'), image_url: z.string() }),
            z.strictObject({ type: z.literal('input_file'), filename: z.string(), file_data: z.string() }),
          ]),
        ),
      }),
    ]),
  ),
})

export function sentResponses(body: unknown): Sent {
  const { instructions, input, tools, max_output_tokens, temperature } = Responses.parse(body)
  const parts = input.flatMap((item) => ('content' in item && typeof item.content !== 'string' ? item.content : []))
  const said = input.map((item) => ('content' in item && typeof item.content === 'string' ? item.content : ''))
  return {
    text: lines([instructions, ...said, ...parts.map((part) => (part.type === 'input_text' ? part.text : ''))]),
    maxOutputTokens: max_output_tokens,
    temperature,
    images: parts.flatMap((part) => (part.type === 'input_image' ? [fromDataUrl(part.image_url)] : [])),
    tools: tools.map(({ name, description, parameters: schema }) => ({ name, description, schema })),
    calls: input.flatMap((item) =>
      'arguments' in item ? [{ id: item.call_id, name: item.name, arguments: JSON.parse(item.arguments) }] : [],
    ),
    results: input.flatMap((item) => ('output' in item ? [{ id: item.call_id, text: item.output }] : [])),
  }
}

const Cache = z.strictObject({ type: z.literal('ephemeral') }).optional()
const Block = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string().min(1), cache_control: Cache }),
  z.strictObject({
    type: z.literal('image'),
    source: z.strictObject({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
    cache_control: Cache,
  }),
  z.strictObject({
    type: z.literal('document'),
    source: z.strictObject({ type: z.enum(['text', 'base64']), media_type: z.string(), data: z.string().min(1) }),
    title: z.string(),
    context: z.string().optional(),
    citations: z.strictObject({ enabled: z.literal(true) }),
    cache_control: Cache,
  }),
  z.strictObject({
    type: z.literal('tool_use'),
    id: z.string().regex(/^[\w-]+$/),
    name: z.string(),
    input: Schema,
    cache_control: Cache,
  }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string(),
    content: z.string().optional(),
    is_error: z.boolean().optional(),
    cache_control: Cache,
  }),
])
const Messages = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  max_tokens: z.number(),
  system: z
    .array(z.strictObject({ type: z.literal('text'), text: z.string().min(1), cache_control: Cache }))
    .default([]),
  temperature: z.number().max(1).optional(),
  tools: z.array(z.strictObject({ name: z.string(), description: z.string(), input_schema: Schema })).default([]),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(Block).min(1) })),
})

export function sentMessages(body: unknown): Sent {
  const { system, messages, tools, max_tokens, temperature } = Messages.parse(body)
  const blocks = messages.flatMap(({ content }) => content)
  return {
    text: lines([
      ...system.map(({ text }) => text),
      ...blocks.map((block) => {
        if (block.type === 'text') return block.text
        return block.type === 'document' ? lines([block.title, block.context, block.source.data]) : ''
      }),
    ]),
    maxOutputTokens: max_tokens,
    temperature,
    images: blocks.flatMap((block) => (block.type === 'image' ? [bytes(block.source.data)] : [])),
    tools: tools.map(({ name, description, input_schema: schema }) => ({ name, description, schema })),
    calls: blocks.flatMap((block) =>
      block.type === 'tool_use' ? [{ id: block.id, name: block.name, arguments: block.input }] : [],
    ),
    results: blocks.flatMap((block) =>
      block.type === 'tool_result' ? [{ id: block.tool_use_id, text: block.content ?? '' }] : [],
    ),
  }
}

const Ollama = z.strictObject({
  model: z.string(),
  stream: z.literal(true),
  truncate: z.literal(false),
  shift: z.literal(false),
  options: z.strictObject({ num_ctx: z.number().int(), num_predict: z.number(), temperature: Limit }),
  tools: z.array(FunctionTool).default([]),
  messages: z.array(
    z.strictObject({
      role: z.enum(['system', 'user', 'assistant', 'tool']),
      content: z.string(),
      images: z.array(z.base64()).default([]),
      tool_name: z.string().optional(),
      tool_calls: z
        .array(z.strictObject({ function: z.strictObject({ name: z.string(), arguments: Schema }) }))
        .default([]),
    }),
  ),
})

export function sentOllama(body: unknown): Sent {
  const { messages, tools, options } = Ollama.parse(body)
  return {
    text: lines(messages.map(({ content }) => content)),
    maxOutputTokens: options.num_predict,
    temperature: options.temperature,
    images: messages.flatMap(({ images }) => images.map(bytes)),
    tools: tools.map(namedTool),
    calls: messages.flatMap(({ tool_calls }) =>
      tool_calls.map(({ function: { name, arguments: given } }) => ({ id: name, name, arguments: given })),
    ),
    results: messages.flatMap(({ tool_name: id, content }) => (id ? [{ id, text: content }] : [])),
  }
}
