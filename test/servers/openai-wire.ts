/** Chat Completions as it stands on the wire, for the scripted server: chunks, usage and whole answers. */

export interface OpenAiWire {
  request: ChatRequest
  streaming: boolean
  wantsUsage: boolean
  chunk(delta: object, finish?: string): string
  usage(usage: object): string
  /** A plausible usage for `output` tokens; the input is counted in words. */
  count(output: number): { prompt_tokens: number; completion_tokens: number; total_tokens: number }
  /** The answer as one JSON body, for a request that does not stream. */
  whole(content: string): object
}

interface ChatRequest {
  model?: string
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  messages?: { role?: string; content?: unknown }[]
}

const CREATED = 1_700_000_000

export function openAiWire(body: unknown, index: number): OpenAiWire {
  const request: ChatRequest = typeof body === 'object' && body !== null ? body : {}
  const id = `chatcmpl-${index}`
  const model = request.model ?? 'scripted'
  const count: OpenAiWire['count'] = (output) => {
    const input = (request.messages ?? []).map(textOf).join(' ').split(/\s+/).length
    return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  }
  const head = JSON.stringify({ id, object: 'chat.completion.chunk', created: CREATED, model }).slice(0, -1)
  return {
    request,
    streaming: request.stream === true,
    wantsUsage: request.stream_options?.include_usage === true,
    chunk: (delta, finish) =>
      `data: ${head},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish ?? null)}}]}\n\n`,
    usage: (usage) => `data: ${head},"choices":[],"usage":${JSON.stringify(usage)}}\n\n`,
    count,
    whole: (content) => ({
      id,
      object: 'chat.completion',
      created: CREATED,
      model,
      choices: [
        { index: 0, message: { role: 'assistant', content, refusal: null }, logprobs: null, finish_reason: 'stop' },
      ],
      usage: count(content.split(/\s+/).length),
    }),
  }
}

export function lastUserText(request: ChatRequest): string {
  return textOf((request.messages ?? []).findLast((message) => message.role === 'user') ?? {})
}

function textOf(message: { content?: unknown }): string {
  if (typeof message.content === 'string') return message.content
  if (!Array.isArray(message.content)) return ''
  return message.content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('')
}

/** The last user message of a received body. */
export function askedText(body: unknown): string {
  return lastUserText(openAiWire(body, 0).request)
}
