/** Anthropic's Messages: how an answer ended → its message, and the events of its stream. */
import type { Receipt } from '../../src/core/reply.ts'
import type { ToolCall } from '../../src/core/tool-call.ts'
import type { Dialect } from './dialect.ts'
import { anthropicFailure } from './failure.ts'
import { type EndReason, endReason } from './format.ts'
import { type AskedInMessages, readMessages } from './messages-request.ts'

export const messages: Dialect<AskedInMessages> = {
  read: readMessages,
  idOf: (id) => `msg_${id}`,

  whole(about, { thinks }, [answer]) {
    if (answer === undefined) return {}
    const { text, receipt } = answer.ended
    return {
      ...messageOf(about.id, receipt.model),
      content: [
        ...(thinks && receipt.thoughts !== undefined
          ? [{ type: 'thinking' as const, thinking: receipt.thoughts, signature: '' }]
          : []),
        ...(text === '' ? [] : [{ type: 'text' as const, text, citations: null }]),
        ...(receipt.calls ?? []).map(toolUse),
      ],
      stop_reason: stopReasons[endReason(receipt)],
      usage: usage(receipt),
      parley: answer.parley,
    }
  },

  stream(about, { thinks }, send) {
    let begun = false
    let index = -1
    let open: 'thinking' | 'text' | undefined
    const emit = (type: string, fields: object = {}) => send({ type, ...fields }, type)

    function begin(model: string): void {
      if (begun) return
      begun = true
      // Nothing is counted before the end, which says all of it.
      emit('message_start', { message: { ...messageOf(about.id, model), usage: usage(undefined) } })
    }

    function close(): void {
      if (open !== undefined) emit('content_block_stop', { index })
      open = undefined
    }

    function block(kind: 'thinking' | 'text', model: string): void {
      begin(model)
      if (open === kind) return
      close()
      index += 1
      open = kind
      const empty =
        kind === 'text'
          ? { type: 'text', text: '', citations: null }
          : { type: 'thinking', thinking: '', signature: '' }
      emit('content_block_start', { index, content_block: empty })
    }

    return {
      thoughts(_choice, delta, model) {
        if (!thinks) return
        block('thinking', model)
        emit('content_block_delta', { index, delta: { type: 'thinking_delta', thinking: delta } })
      },
      text(_choice, delta, model) {
        block('text', model)
        emit('content_block_delta', { index, delta: { type: 'text_delta', text: delta } })
      },
      // The whole text follows in a block of its own.
      restarted: close,
      end(_choice, { ended: { receipt }, parley }) {
        begin(receipt.model)
        close()
        for (const call of receipt.calls ?? []) {
          index += 1
          emit('content_block_start', { index, content_block: { ...toolUse(call), input: {} } })
          emit('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: call.arguments } })
          emit('content_block_stop', { index })
        }
        emit('message_delta', {
          delta: { stop_reason: stopReasons[endReason(receipt)], stop_sequence: null },
          usage: usage(receipt),
          parley,
        })
      },
      close: () => emit('message_stop'),
      fail: (failure) => send(anthropicFailure(failure), 'error'),
    }
  },
}

const stopReasons = {
  stop: 'end_turn',
  calls: 'tool_use',
  length: 'max_tokens',
  filter: 'refusal',
} as const satisfies Record<EndReason, string>

function messageOf(id: string, model: string) {
  return {
    id,
    type: 'message' as const,
    role: 'assistant' as const,
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  }
}

function toolUse({ id, name, arguments: given }: ToolCall) {
  return { type: 'tool_use' as const, id, name, input: JSON.parse(given) as unknown }
}

/** Anthropic counts what a cache was read from or written to apart. */
function usage(receipt: Receipt | undefined) {
  const { input = 0, output = 0, cacheRead = 0, cacheWrite = 0 } = receipt?.usage ?? {}
  return {
    input_tokens: input - cacheRead - cacheWrite,
    cache_creation_input_tokens: cacheWrite,
    cache_read_input_tokens: cacheRead,
    output_tokens: output,
  }
}
