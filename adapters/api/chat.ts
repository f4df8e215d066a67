/** OpenAI's Chat Completions: how an answer ended → its bodies and chunks. */
import type { Receipt } from '../../src/core/reply.ts'
import type { ToolCall } from '../../src/core/tool-call.ts'
import { type AskedInChat, readChat } from './chat-request.ts'
import type { About, Dialect, Finished } from './dialect.ts'
import { type AboutAnswer, type EndReason, endReason } from './format.ts'

export const chat: Dialect<AskedInChat> = {
  read: readChat,
  idOf: (id) => `chatcmpl-${id}`,

  whole(about, _asked, answers) {
    const [first] = answers
    return {
      id: about.id,
      object: 'chat.completion' as const,
      created: about.created,
      model: first?.ended.receipt.model ?? about.model,
      choices: answers.map(choice),
      usage: usage(answers),
      parley: first?.parley,
    }
  },

  stream(asked, { withUsage }, send) {
    const begun = new Set<number>()
    let about = asked
    /** Said once for each choice, in its first chunk. */
    const role = (choice: number) => {
      if (begun.has(choice)) return undefined
      begun.add(choice)
      return 'assistant' as const
    }
    const say = (choice: number, delta: Delta, more: Partial<Pick<Chunk, 'finish' | 'parley' | 'logprobs'>> = {}) =>
      send(chunk(about, { choice, delta, ...more }))
    return {
      thoughts: (choice, delta) => say(choice, { role: role(choice), reasoning_content: delta }),
      text(choice, delta, model) {
        about = { ...about, model }
        say(choice, { role: role(choice), content: delta })
      },
      restarted(choice, model) {
        about = { ...about, model }
        say(choice, {}, { parley: { restarted: true } })
      },
      end(choice, { ended: { receipt }, parley }) {
        about = { ...about, model: receipt.model }
        const { calls = [] } = receipt
        for (const [index, call] of calls.entries())
          say(choice, { role: role(choice), tool_calls: [{ index, ...toolCall(call) }] })
        // How likely the tokens were is known at the end, with the text that is the answer.
        say(choice, {}, { finish: finishReasons[endReason(receipt)], parley, logprobs: logprobs(receipt) })
      },
      close(answers) {
        if (withUsage) send({ ...chunk(about, { choice: 0, delta: {} }), choices: [], usage: usage(answers) })
        send('[DONE]')
      },
      fail: ({ body }) => send(body),
    }
  },
}

const finishReasons = {
  stop: 'stop',
  calls: 'tool_calls',
  length: 'length',
  filter: 'content_filter',
} as const satisfies Record<EndReason, string>

function choice({ ended: { text, receipt } }: Finished, index: number) {
  const { calls = [], thoughts } = receipt
  return {
    index,
    message: {
      role: 'assistant' as const,
      content: text === '' && calls.length > 0 ? null : text,
      reasoning_content: thoughts,
      tool_calls: calls.length === 0 ? undefined : calls.map(toolCall),
      refusal: null,
    },
    logprobs: logprobs(receipt),
    finish_reason: finishReasons[endReason(receipt)],
  }
}

interface Delta {
  role?: 'assistant' | undefined
  content?: string
  reasoning_content?: string
  tool_calls?: object[]
}

interface Chunk {
  choice: number
  delta: Delta
  finish?: (typeof finishReasons)[EndReason]
  parley?: AboutAnswer | { restarted: true }
  logprobs?: ReturnType<typeof logprobs>
}

function chunk(about: About, { choice: index, delta, finish, parley, logprobs: likely = null }: Chunk) {
  return {
    id: about.id,
    object: 'chat.completion.chunk' as const,
    created: about.created,
    model: about.model,
    choices: [{ index, delta, logprobs: likely, finish_reason: finish ?? null }],
    parley,
  }
}

function logprobs({ logprobs: tokens }: Receipt) {
  if (tokens === undefined) return null
  return { content: tokens.map(({ top, ...token }) => ({ ...token, top_logprobs: top })), refusal: null }
}

function toolCall({ id, name, arguments: given }: ToolCall) {
  return { id, type: 'function' as const, function: { name, arguments: given } }
}

/** Of all choices: each of them was asked for, and paid, by itself. */
function usage(answers: readonly Finished[]) {
  const sum = (count: (usage: NonNullable<Receipt['usage']>) => number) =>
    answers.reduce(
      (total, { ended: { receipt } }) => total + (receipt.usage === undefined ? 0 : count(receipt.usage)),
      0,
    )
  const [input, output] = [sum((each) => each.input), sum((each) => each.output)]
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: sum((each) => each.cacheRead) },
    completion_tokens_details: { reasoning_tokens: sum((each) => each.reasoning) },
  }
}
