/**
 * OpenAI's Responses: how an answer ended → its object, and its typed events in order. Thoughts, text and calls are items; a text
 * that another model starts over is an item that stays incomplete, and the whole text follows as the next.
 */
import type { Receipt } from '../../src/core/reply.ts'
import type { ToolCall } from '../../src/core/tool-call.ts'
import type { About, Dialect, Finished } from './dialect.ts'
import type { ApiFailure } from './failure.ts'
import { endReason } from './format.ts'
import { type AskedInResponses, readResponses } from './responses-request.ts'

export const responses: Dialect<AskedInResponses> = {
  read: readResponses,
  idOf: (id) => `resp_${id}`,

  whole(about, asked, [answer]) {
    if (answer === undefined) return {}
    const { text, receipt } = answer.ended
    const ids = itemIds(about)
    const output = [
      ...(receipt.thoughts === undefined ? [] : [reasoningItem(ids('rs'), receipt.thoughts)]),
      ...(text === '' && (receipt.calls ?? []).length > 0 ? [] : [messageItem(ids('msg'), text, statusOf(receipt))]),
      ...(receipt.calls ?? []).map((call) => callItem(ids('fc'), call)),
    ]
    return ended(about, asked, answer, output)
  },

  stream(asked, request, send) {
    let about = asked
    let sequence = 0
    const ids = itemIds(asked)
    const emit = (type: string, fields: object) => send({ type, ...fields, sequence_number: sequence++ }, type)
    /** Items that are finished, with the place that each has in the stream. */
    const output: object[] = []
    let places = 0
    let begun = false
    let open: { kind: 'reasoning' | 'message'; id: string; place: number; text: string } | undefined

    function begin(): void {
      if (begun) return
      begun = true
      const response = responseOf(about, request, { status: 'in_progress' })
      emit('response.created', { response })
      emit('response.in_progress', { response })
    }

    function openItem(kind: 'reasoning' | 'message'): NonNullable<typeof open> {
      begin()
      if (open?.kind === kind) return open
      close()
      const item = { kind, id: ids(kind === 'message' ? 'msg' : 'rs'), place: places++, text: '' }
      open = item
      const at = { output_index: item.place }
      if (kind === 'message') {
        emit('response.output_item.added', { ...at, item: { ...messageItem(item.id, '', 'in_progress'), content: [] } })
        emit('response.content_part.added', { ...at, item_id: item.id, content_index: 0, part: textPart('') })
      } else {
        emit('response.output_item.added', { ...at, item: { ...reasoningItem(item.id, ''), summary: [] } })
        emit('response.reasoning_summary_part.added', {
          ...at,
          item_id: item.id,
          summary_index: 0,
          part: { type: 'summary_text', text: '' },
        })
      }
      return item
    }

    function close(status: 'completed' | 'incomplete' = 'completed'): void {
      if (open === undefined) return
      const { kind, id, place, text } = open
      const at = { item_id: id, output_index: place }
      open = undefined
      if (kind === 'message') {
        emit('response.output_text.done', { ...at, content_index: 0, text, logprobs: [] })
        emit('response.content_part.done', { ...at, content_index: 0, part: textPart(text) })
        finish(place, messageItem(id, text, status))
      } else {
        emit('response.reasoning_summary_text.done', { ...at, summary_index: 0, text })
        emit('response.reasoning_summary_part.done', { ...at, summary_index: 0, part: { type: 'summary_text', text } })
        finish(place, reasoningItem(id, text))
      }
    }

    function finish(place: number, item: object): void {
      emit('response.output_item.done', { output_index: place, item })
      output.push(item)
    }

    return {
      thoughts(_choice, delta) {
        const item = openItem('reasoning')
        item.text += delta
        emit('response.reasoning_summary_text.delta', {
          item_id: item.id,
          output_index: item.place,
          summary_index: 0,
          delta,
        })
      },
      text(_choice, delta, model) {
        about = { ...about, model }
        const item = openItem('message')
        item.text += delta
        emit('response.output_text.delta', {
          item_id: item.id,
          output_index: item.place,
          content_index: 0,
          delta,
          logprobs: [],
        })
      },
      restarted() {
        close('incomplete')
        // What is void is not part of the finished response.
        output.splice(0, output.length, ...output.filter((item) => Reflect.get(item, 'status') !== 'incomplete'))
      },
      end(_choice, { ended: { text, receipt } }) {
        about = { ...about, model: receipt.model }
        const { calls = [] } = receipt
        if (text === '' && calls.length === 0) openItem('message')
        begin()
        close(statusOf(receipt))
        for (const call of calls) {
          const item = callItem(ids('fc'), call)
          const at = { item_id: item.id, output_index: places++ }
          emit('response.output_item.added', {
            output_index: at.output_index,
            item: { ...item, arguments: '', status: 'in_progress' },
          })
          emit('response.function_call_arguments.delta', { ...at, delta: call.arguments })
          emit('response.function_call_arguments.done', { ...at, name: call.name, arguments: call.arguments })
          finish(at.output_index, item)
        }
      },
      close([answer]) {
        if (answer === undefined) return
        const response = ended(about, request, answer, output)
        emit(`response.${response.status}`, { response })
      },
      fail(failure) {
        begin()
        const { message, code, param } = failure.body.error
        emit('error', { code, message, param })
        const error = { code: errorCode(failure), message }
        emit('response.failed', { response: responseOf(about, request, { status: 'failed', error, output }) })
      },
    }
  },
}

function itemIds({ id }: About): (prefix: string) => string {
  let count = 0
  return (prefix) => `${prefix}_${id.replace(/^resp_/, '')}_${count++}`
}

type Status = 'completed' | 'incomplete' | 'in_progress'

function statusOf(receipt: Receipt): 'completed' | 'incomplete' {
  const reason = endReason(receipt)
  return reason === 'length' || reason === 'filter' ? 'incomplete' : 'completed'
}

const textPart = (text: string) => ({ type: 'output_text' as const, text, annotations: [], logprobs: [] })

function messageItem(id: string, text: string, status: Status) {
  return { id, type: 'message' as const, role: 'assistant' as const, status, content: [textPart(text)] }
}

function reasoningItem(id: string, text: string) {
  return { id, type: 'reasoning' as const, summary: [{ type: 'summary_text' as const, text }] }
}

function callItem(id: string, call: ToolCall) {
  return {
    id,
    type: 'function_call' as const,
    call_id: call.id,
    name: call.name,
    arguments: call.arguments,
    status: 'completed' as const,
  }
}

function ended(about: About, asked: AskedInResponses, { ended: { receipt }, parley }: Finished, output: object[]) {
  const reason = endReason(receipt)
  const status = statusOf(receipt)
  const incomplete = reason === 'length' ? 'max_output_tokens' : reason === 'filter' ? 'content_filter' : undefined
  return responseOf({ ...about, model: receipt.model }, asked, {
    status,
    output,
    incomplete_details: incomplete === undefined ? null : { reason: incomplete },
    completed_at: status === 'completed' ? Math.floor(Date.now() / 1000) : null,
    usage: usage(receipt),
    parley,
  })
}

interface ResponseFields {
  status: Status | 'failed'
  output?: object[]
  error?: object
  incomplete_details?: { reason: string } | null
  completed_at?: number | null
  usage?: object
  parley?: object
}

function responseOf(about: About, { echo }: AskedInResponses, more: ResponseFields) {
  return {
    id: about.id,
    object: 'response' as const,
    created_at: about.created,
    model: about.model,
    error: null,
    incomplete_details: null,
    output: [],
    previous_response_id: null,
    background: false,
    // Nothing can be read under its id.
    store: false,
    ...echo,
    ...more,
  }
}

function usage({ usage: used }: Receipt) {
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0, reasoning = 0 } = used ?? {}
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: cacheRead, cache_write_tokens: cacheWrite },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output,
  }
}

function errorCode({ status }: ApiFailure): 'rate_limit_exceeded' | 'invalid_prompt' | 'server_error' {
  if (status === 429) return 'rate_limit_exceeded'
  return status < 500 ? 'invalid_prompt' : 'server_error'
}
