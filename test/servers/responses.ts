/** A scripted OpenAI Responses server (scripted.ts): the events that OpenAI documents, in their order and numbered. */
import type { ScriptedOpenAi, ScriptedOpenAiOptions } from './openai.ts'
import { openAiModels, openAiRefusal } from './openai-wire.ts'
import { type Dialect, type ScriptedReply, startScripted, type Wire } from './scripted.ts'

export async function startScriptedResponses(options: ScriptedOpenAiOptions = {}): Promise<ScriptedOpenAi> {
  const models = options.models ?? [{ id: 'scripted' }]
  const dialect: Dialect = {
    answers: (path) => path.endsWith('/responses'),
    wire: responsesWire,
    other: ({ path }) => (path.endsWith('/models') ? openAiModels(models) : undefined),
  }
  const server = await startScripted(dialect, options)
  return { ...server, url: `${server.origin}/v1` }
}

interface ResponsesRequest {
  model?: string
  stream?: boolean
  input?: { role?: string; content?: unknown }[]
}

function responsesWire(body: unknown, index: number): Wire {
  const request: ResponsesRequest = typeof body === 'object' && body !== null ? body : {}
  let sequence = 0
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`
  const response = (status: string, fields: object = {}) => ({
    id: `resp_${index}`,
    object: 'response',
    created_at: 1_700_000_000,
    model: request.model ?? 'scripted',
    status,
    background: false,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    output: [],
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    store: false,
    ...fields,
  })
  const asked = lastUserText(request)

  return {
    streaming: request.stream === true,
    contentType: 'text/event-stream; charset=utf-8',
    asked,
    deltas({ reasoning = [], refusal = [], calls = [], earlierUsage }, tokens) {
      const message = { item_id: 'msg_0', output_index: 1, content_index: 0 }
      const thought = { item_id: 'rs_0', output_index: 0, summary_index: 0 }
      const pieces = [
        ...reasoning.map((delta, at) =>
          [
            at === 0 ? event('response.output_item.added', reasoningItem()) : '',
            at === 0
              ? event('response.reasoning_summary_part.added', { ...thought, part: { type: 'summary_text', text: '' } })
              : '',
            event('response.reasoning_summary_text.delta', { ...thought, delta }),
          ].join(''),
        ),
        ...tokens.map((delta, at) => {
          const added = at === 0 ? event('response.output_item.added', messageItem('in_progress', [])) : ''
          return added + event('response.output_text.delta', { ...message, delta, logprobs: [] })
        }),
        ...refusal.map((delta) => event('response.refusal.delta', { ...message, delta })),
        ...calls.map((call, at) => callEvents(call, at + 2)),
      ]
      const begin = [
        event('response.created', { response: response('in_progress') }),
        event('response.in_progress', {
          response: response('in_progress', earlierUsage ? { usage: earlierUsage } : {}),
        }),
      ].join('')
      return [begin + (pieces[0] ?? ''), ...pieces.slice(1)]
    },
    ending(reply, tokens) {
      if (reply.done === false) return ''
      const told = typeof reply.usage === 'object' ? reply.usage : count(asked, tokens)
      const usage = reply.usage === false ? {} : { usage: told }
      const done = event('response.output_item.done', messageItem('completed', tokens))
      const reason = reply.finish === undefined || reply.finish === 'stop' ? null : reply.finish
      const status = reason === null ? 'completed' : 'incomplete'
      const output = [messageItem(status, tokens).item]
      const details = reason === null ? {} : { incomplete_details: { reason } }
      return done + event(`response.${status}`, { response: response(status, { ...usage, output, ...details }) })
    },
    whole: (content) => response('completed', { output: [messageItem('completed', [content]).item] }),
    refusal: openAiRefusal,
    failure: (error) => event('response.failed', { response: response('failed', { error }) }),
  }

  function callEvents(
    { id, name, arguments: pieces }: NonNullable<ScriptedReply['calls']>[number],
    at: number,
  ): string {
    const whole = pieces.join('')
    const item = { type: 'function_call', id: `fc_${at}`, call_id: id, name }
    const place = { item_id: item.id, output_index: at }
    return [
      event('response.output_item.added', {
        output_index: at,
        item: { ...item, status: 'in_progress', arguments: '' },
      }),
      ...pieces.map((delta) => event('response.function_call_arguments.delta', { ...place, delta })),
      event('response.function_call_arguments.done', { ...place, name, arguments: whole }),
      event('response.output_item.done', {
        output_index: at,
        item: { ...item, status: 'completed', arguments: whole },
      }),
    ].join('')
  }
}

function reasoningItem(): object {
  return { output_index: 0, item: { type: 'reasoning', id: 'rs_0', status: 'in_progress', summary: [] } }
}

function messageItem(status: string, tokens: string[]) {
  const content =
    tokens.length === 0 ? [] : [{ type: 'output_text', text: tokens.join(''), annotations: [], logprobs: [] }]
  return { output_index: 1, item: { type: 'message', id: 'msg_0', status, role: 'assistant', content } }
}

function count(asked: string, tokens: string[]): object {
  const input = asked.split(/\s+/).length
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: tokens.length,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + tokens.length,
  }
}

function lastUserText({ input = [] }: ResponsesRequest): string {
  const content = input.findLast(({ role }) => role === 'user')?.content
  if (!Array.isArray(content)) return typeof content === 'string' ? content : ''
  return content.map((part) => (typeof part?.text === 'string' ? part.text : '')).join('')
}
