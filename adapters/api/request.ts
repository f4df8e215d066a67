/** What OpenAI's clients send to `/v1/chat/completions`, and what of it Parley takes, ignores and refuses. */
import { z } from 'zod'

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

export type ContentPart = z.infer<typeof ContentPart>
export const ContentPart = z.discriminatedUnion('type', [Text, Image, Audio, FilePart])

const AssistantPart = z.discriminatedUnion('type', [
  Text,
  z.object({ type: z.literal('refusal'), refusal: z.string() }),
])

export type ChatMessage = z.infer<typeof ChatMessage>
export const ChatMessage = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'developer']), content: z.union([z.string(), z.array(Text)]) }),
  z.object({ role: z.literal('user'), content: z.union([z.string(), z.array(ContentPart).min(1)]) }),
  z.object({
    role: z.literal('assistant'),
    content: z.union([z.string(), z.array(AssistantPart)]).nullish(),
    tool_calls: z.array(z.unknown()).nullish(),
  }),
])

/** The most messages and bytes of one request. */
export const limits = { messages: 500, bodyBytes: 48_000_000 }

export type ChatRequest = z.infer<typeof ChatRequest>
export const ChatRequest = z.object({
  model: z.string().min(1).max(200),
  messages: z.array(ChatMessage).min(1).max(limits.messages),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
})

/** Would change the answer's form, and silently leaving them out would break the program that asked. Value: what is taken. */
export const refused: Record<string, { unless: (value: unknown) => boolean; instead: string }> = {
  n: { unless: (value) => value === 1, instead: 'Ask again for another answer.' },
  tools: { unless: isEmptyList, instead: 'Leave `tools` out: Parley answers in text.' },
  functions: { unless: isEmptyList, instead: 'Leave `functions` out: Parley answers in text.' },
  tool_choice: { unless: (value) => value === 'none' || value === 'auto', instead: 'Leave `tool_choice` out.' },
  response_format: {
    unless: (value) => typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
    instead: 'Leave it out, and say in the instructions which form the answer should have.',
  },
  modalities: {
    unless: (value) => Array.isArray(value) && value.every((each) => each === 'text'),
    instead: 'Only `text` can be answered.',
  },
  audio: { unless: () => false, instead: 'Only text can be answered.' },
  logprobs: { unless: (value) => value === false, instead: 'Leave `logprobs` out.' },
  stop: { unless: isEmptyList, instead: 'Leave `stop` out and cut the text yourself.' },
}

/** Named in the header `x-parley-ignored` of the answer when a request has them. */
export const ignored = [
  ...['frequency_penalty', 'presence_penalty', 'top_p', 'seed', 'logit_bias', 'top_logprobs', 'reasoning_effort'],
  ...['verbosity', 'prediction', 'web_search_options', 'service_tier', 'parallel_tool_calls'],
]

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
