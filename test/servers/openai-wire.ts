/** Chat Completions as it stands on the wire, for the scripted server: chunks, usage and whole answers. */
import type { ScriptedOpenAiOptions } from './openai.ts'
import type { Dialect, ScriptedReply, Wire } from './scripted.ts'

interface ChatRequest {
  model?: string
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  messages?: { role?: string; content?: unknown }[]
}

const CREATED = 1_700_000_000

export function openAiDialect(models: NonNullable<ScriptedOpenAiOptions['models']>): Dialect {
  return {
    answers: (path) => path.endsWith('/chat/completions') || path.endsWith('/chatqna'),
    wire: openAiWire,
    other: ({ path }) => (path.endsWith('/models') ? openAiModels(models) : undefined),
  }
}

export function openAiModels(models: NonNullable<ScriptedOpenAiOptions['models']>): { status?: number; body: object } {
  if (typeof models === 'number') return { status: models, body: openAiRefusal(models, undefined) }
  const data = models.map((model) => ({ object: 'model', created: CREATED, owned_by: 'scripted', ...model }))
  return { body: { object: 'list', data } }
}

export function openAiRefusal(status: number, error: ScriptedReply['error']): object {
  return { error: { message: `scripted ${status}`, type: 'scripted', code: null, param: null, ...error } }
}

function openAiWire(body: unknown, index: number): Wire {
  const request: ChatRequest = typeof body === 'object' && body !== null ? body : {}
  const id = `chatcmpl-${index}`
  const model = request.model ?? 'scripted'
  const head = JSON.stringify({ id, object: 'chat.completion.chunk', created: CREATED, model }).slice(0, -1)
  const chunk = (delta: object, finish?: string) =>
    `data: ${head},"choices":[{"index":0,"delta":${JSON.stringify(delta)},"logprobs":null,"finish_reason":${JSON.stringify(finish ?? null)}}]}\n\n`
  const usageChunk = (usage: object) => `data: ${head},"choices":[],"usage":${JSON.stringify(usage)}}\n\n`
  const count = (output: number) => {
    const input = (request.messages ?? []).map(textOf).join(' ').split(/\s+/).length
    return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output }
  }
  return {
    streaming: request.stream === true,
    contentType: 'text/event-stream; charset=utf-8',
    asked: lastUserText(request),
    deltas: ({ reasoning = [], refusal = [], calls = [] }, tokens) => [
      ...reasoning.map((delta) => chunk({ reasoning_content: delta })),
      ...tokens.map((content) => chunk({ content })),
      ...refusal.map((delta) => chunk({ refusal: delta })),
      ...calls.flatMap(({ id, name, arguments: pieces }, at) => [
        chunk({ tool_calls: [{ index: at, id, type: 'function', function: { name, arguments: '' } }] }),
        ...pieces.map((piece) => chunk({ tool_calls: [{ index: at, function: { arguments: piece } }] })),
      ]),
    ],
    ending(reply, tokens) {
      const finish = reply.finish === undefined ? (reply.calls ? 'tool_calls' : 'stop') : reply.finish
      const usage = reply.usage ?? request.stream_options?.include_usage === true
      const last = [
        finish === null ? '' : chunk({}, finish),
        reply.earlierUsage ? usageChunk(reply.earlierUsage) : '',
        usage === false ? '' : usageChunk(usage === true ? count(tokens.length) : usage),
        reply.done === false ? '' : 'data: [DONE]\n\n',
      ]
      return last.join('')
    },
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
    refusal: openAiRefusal,
    failure: (error) => `data: ${JSON.stringify({ error })}\n\n`,
  }
}

function lastUserText(request: ChatRequest): string {
  return textOf((request.messages ?? []).findLast((message) => message.role === 'user') ?? {})
}

function textOf(message: { content?: unknown }): string {
  if (typeof message.content === 'string') return message.content
  if (!Array.isArray(message.content)) return ''
  return message.content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('')
}

/** The last user message of a received body. */
export function questionTextOf(body: unknown): string {
  return lastUserText(typeof body === 'object' && body !== null ? body : {})
}
