/** A scripted Anthropic Messages server (scripted.ts): the events that Anthropic documents, blocks opened and closed. */
import {
  type Dialect,
  type OtherReply,
  type Script,
  type ScriptedServer,
  startScripted,
  type Wire,
} from './scripted.ts'

export interface ScriptedAnthropicOptions {
  script?: Script
  /** What /v1/models lists; a number answers with that status. */
  models?: { id: string; [more: string]: unknown }[] | number
}

export async function startScriptedAnthropic(options: ScriptedAnthropicOptions = {}): Promise<ScriptedServer> {
  const models = options.models ?? [{ id: 'scripted' }]
  const dialect: Dialect = {
    answers: (path) => path === '/v1/messages',
    wire: anthropicWire,
    other: ({ path }) => (path === '/v1/models' ? listModels(models) : undefined),
  }
  return await startScripted(dialect, options)
}

function listModels(models: NonNullable<ScriptedAnthropicOptions['models']>): OtherReply {
  if (typeof models === 'number') return { status: models, body: refusal(models, undefined) }
  const data = models.map((model) => ({
    type: 'model',
    display_name: model.id,
    created_at: '2026-01-01T00:00:00Z',
    lifecycle: 'active',
    ...model,
  }))
  return { body: { data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null } }
}

/** https://docs.anthropic.com/en/api/errors */
const errorTypes: Record<number, string> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
}

function refusal(status: number, error: { message?: string } | undefined): object {
  const type = errorTypes[status] ?? 'api_error'
  return { type: 'error', error: { type, message: error?.message ?? `scripted ${status}` }, request_id: 'req_scripted' }
}

interface MessagesRequest {
  model?: string
  stream?: boolean
  messages?: { role?: string; content?: unknown }[]
}

function anthropicWire(body: unknown, index: number): Wire {
  const request: MessagesRequest = typeof body === 'object' && body !== null ? body : {}
  const asked = lastUserText(request)
  const event = (type: string, fields: object) => `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`
  const message = (fields: object) => ({
    id: `msg_${index}`,
    type: 'message',
    role: 'assistant',
    model: request.model ?? 'scripted',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    ...fields,
  })
  const block = (at: number, begun: object, deltas: object[]) => {
    const pieces = deltas.map((delta) => event('content_block_delta', { index: at, delta }))
    const start = event('content_block_start', { index: at, content_block: begun })
    const stop = event('content_block_stop', { index: at })
    if (pieces.length === 0) return [start + stop]
    return pieces.map((piece, n) => (n === 0 ? start : '') + piece + (n === pieces.length - 1 ? stop : ''))
  }

  return {
    streaming: request.stream === true,
    contentType: 'text/event-stream; charset=utf-8',
    asked,
    deltas({ reasoning = [], refusal: declined = [], calls = [], usage, earlierUsage }, tokens) {
      const thoughts = reasoning.map((thinking) => ({ type: 'thinking_delta', thinking }))
      const signed = thoughts.length === 0 ? [] : [...thoughts, { type: 'signature_delta', signature: 'c2lnbmVk' }]
      const said = [...tokens, ...declined].map((text) => ({ type: 'text_delta', text }))
      const pieces = [
        ...(signed.length === 0 ? [] : block(0, { type: 'thinking', thinking: '', signature: '' }, signed)),
        ...(said.length === 0 ? [] : block(1, { type: 'text', text: '' }, said)),
        ...calls.map(({ id, name, arguments: json }, at) =>
          block(
            at + 2,
            { type: 'tool_use', id, name, input: {} },
            json.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
          ).join(''),
        ),
      ]
      const first = earlierUsage ?? (usage === false ? {} : count(asked, 1))
      const begin = `${event('message_start', { message: message({ usage: first }) })}${event('ping', {})}`
      return [begin + (pieces[0] ?? ''), ...pieces.slice(1)]
    },
    ending(reply, tokens) {
      const stop_reason = reply.finish === undefined ? (reply.calls ? 'tool_use' : 'end_turn') : reply.finish
      const usage = typeof reply.usage === 'object' ? reply.usage : { output_tokens: tokens.length }
      const last = { delta: { stop_reason, stop_sequence: null }, ...(reply.usage === false ? {} : { usage }) }
      return event('message_delta', last) + (reply.done === false ? '' : event('message_stop', {}))
    },
    whole: (text) =>
      message({ content: [{ type: 'text', text }], stop_reason: 'end_turn', usage: count(asked, text.length) }),
    refusal,
    failure: (error) => event('error', { error }),
  }
}

function count(asked: string, output: number): object {
  return {
    input_tokens: asked.split(/\s+/).length,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: output,
  }
}

function lastUserText({ messages = [] }: MessagesRequest): string {
  const content = messages.findLast(({ role }) => role === 'user')?.content
  if (!Array.isArray(content)) return typeof content === 'string' ? content : ''
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('')
}
