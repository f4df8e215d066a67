/** The requests of OpenAI's clients to `/v1/chat/completions`: what Parley accepts, ignores and rejects. */
import { z } from 'zod'
import { apiInstead } from '../../src/wording/api.ts'

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

const Stop = z.string().min(1).max(1000)

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

/** Parley's own parameters, as other gateways name them. */
const Routing = {
  /** `fallback`: another model may answer if the named one cannot. */
  route: z.enum(['fallback', 'exact']).nullish(),
  /** What happens if the messages do not fit: `disabled` refuses the request, `auto` leaves out the oldest and says so. */
  truncation: z.enum(['auto', 'disabled']).nullish(),
}

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
  top_p: z.number().min(0).max(1).nullish(),
  seed: z.int().nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  reasoning_effort: z
    .string()
    .regex(/^[a-z]{1,20}$/)
    .nullish(),
  stop: z.union([Stop, z.array(Stop).max(16)]).nullish(),
  ...Routing,
})

/** Parameters that do not count as ignored, because they ask for what Parley does anyway. */
const harmless: Record<string, (value: unknown) => boolean> = {
  store: (value) => value === false,
  service_tier: (value) => value === 'auto' || value === 'default',
  parallel_tool_calls: () => true,
}

/** Names of what a request has and Parley has no use for, for its answer to tell. */
export function ignoredIn(body: object): string[] {
  return Object.entries(body).flatMap(([name, value]) => {
    const known = Object.hasOwn(ChatRequest.shape, name) || Object.hasOwn(refused, name)
    return known || value === null || value === undefined || harmless[name]?.(value) ? [] : [name]
  })
}

/** Parameters that would change the form of the answer. Ignoring them silently would break the program, so Parley rejects them. */
export const refused: Record<string, { unless: (value: unknown) => boolean; instead: string }> = {
  n: { unless: (value) => value === 1, instead: apiInstead.n },
  tools: { unless: isEmptyList, instead: apiInstead.tools },
  functions: { unless: isEmptyList, instead: apiInstead.functions },
  tool_choice: { unless: (value) => value === 'none' || value === 'auto', instead: apiInstead.tool_choice },
  response_format: {
    unless: (value) => typeof value === 'object' && value !== null && 'type' in value && value.type === 'text',
    instead: apiInstead.response_format,
  },
  modalities: {
    unless: (value) => Array.isArray(value) && value.every((each) => each === 'text'),
    instead: apiInstead.modalities,
  },
  audio: { unless: () => false, instead: apiInstead.audio },
  logprobs: { unless: (value) => value === false, instead: apiInstead.logprobs },
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
