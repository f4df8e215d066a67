/**
 * A model server that counts what it could bill. It generates at its own speed from the moment a request has arrived until it
 * is done, told to break off, or sees that its client is gone, and it bills every token of that, shown or not. Speaks Chat
 * Completions, Responses and Anthropic's Messages. What a request is to meet stands in its question: `[[<turn>:<fate>]]`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base'
import type { NanoUsd } from '../../src/core/money.ts'
import { usd } from '../../src/core/money.ts'
import type { Usage } from '../../src/core/reply.ts'
import { type Price, priceUsage } from '../../src/models/price.ts'

/** What the server does with a request. The client's part (stop, walk away, die) is not its business. */
export const fates = {
  /** Answers, thinking in secret first, and counts it. */
  answers: { thinks: 20, shows: 80 },
  /** Thinks in secret until its client goes away. */
  thinks: { thinks: Number.POSITIVE_INFINITY },
  /** The same, before it has sent its headers. */
  loads: { thinks: Number.POSITIVE_INFINITY, silent: true },
  /** Shows a summary of its thoughts until its client goes away: one word for each four tokens. */
  shows: { summarizes: Number.POSITIVE_INFINITY },
  /** Writes until its client goes away. */
  writes: { thinks: 10, shows: Number.POSITIVE_INFINITY },
  /** Breaks off within its text: resets the connection, ends it without a terminator, or says that it failed. */
  resets: { thinks: 10, shows: 60, end: 'reset' },
  ends: { thinks: 10, shows: 60, end: 'end' },
  fails: { thinks: 10, shows: 60, end: 'failure' },
  /** Falls silent within its text, and goes on thinking. */
  stalls: { shows: 40, thinksAfter: true },
  /** Refuses before it has worked. */
  busy: { refuses: 429 },
  key: { refuses: 401 },
} as const satisfies Record<string, Fate>

interface Fate {
  refuses?: number
  silent?: boolean
  thinks?: number
  summarizes?: number
  shows?: number
  thinksAfter?: boolean
  end?: 'reset' | 'end' | 'failure'
}

export type FateName = keyof typeof fates

/** The same for all models, so that a bill needs to know none. Writing to the cache costs more than reading anew. */
export const billedPrice: Price = {
  kind: 'tokens',
  rates: { input: usd('3'), output: usd('15'), cacheRead: usd('0.3'), cacheWrite: usd('3.75') },
}

const TICK_MS = 10
const TOKENS_A_TICK = 3

export interface BillingModel extends AsyncDisposable {
  /** Without a path. */
  origin: string
  /** What could be billed, by turn. A turn may be tried more than once. */
  billed(): Map<string, NanoUsd>
  requests(): number
  /** When nobody is served any more. */
  idle(): Promise<void>
}

export async function startBillingModel(): Promise<BillingModel> {
  const bills = new Map<string, NanoUsd>()
  let requests = 0
  let serving = 0
  let wake = () => {}

  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Uint8Array[] = []
    for await (const piece of incoming) pieces.push(piece)
    const body = JSON.parse(Buffer.concat(pieces).toString())
    const [, turn = '', name = 'answers'] = /\[\[(.+?):(\w+)\]\]/.exec(JSON.stringify(body)) ?? []
    const fate: Fate = fates[name as FateName]
    const wire = wireOf(incoming.url ?? '')
    requests += 1
    if (fate.refuses !== undefined) {
      response.writeHead(fate.refuses, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ error: { message: 'no', type: 'no' } }))
      return
    }
    const most = Number(body.max_tokens ?? body.max_completion_tokens ?? body.max_output_tokens)
    const input = Math.ceil(textsOf(body).reduce((sum, text) => sum + countTokens(text) + 4, 0) * wire.tokenizer)
    const cacheWrite = wire.name === 'anthropic' ? Math.floor(input / 2) : 0
    const used: Usage = { input, cacheRead: 0, cacheWrite, output: 0, reasoning: 0, source: 'provider' }
    await generate(response, wire, fate, used, most)
    bills.set(turn, (bills.get(turn) ?? 0n) + priceUsage(used, billedPrice))
  }

  const server = createServer((incoming, response) => {
    serving += 1
    serve(incoming, response)
      .catch(() => response.destroy())
      .finally(() => {
        serving -= 1
        if (serving === 0) wake()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    billed: () => bills,
    requests: () => requests,
    async idle() {
      while (serving > 0) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Settles when nothing more is generated. Counts into `used`. */
function generate(response: ServerResponse, wire: Wire, fate: Fate, used: Usage, most: number): Promise<void> {
  const { thinks = 0, summarizes = 0, shows = 0 } = fate
  const out: string[] = []
  const send = (text: string) => {
    if (fate.silent) return
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (!response.destroyed) response.write(text)
  }
  send(wire.start(used))
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      const before = used.output
      used.output = Math.min(most, used.output + TOKENS_A_TICK)
      const made = used.output - before
      if (used.output <= thinks) used.reasoning += made
      else if (used.output <= thinks + summarizes) {
        used.reasoning += made
        send(wire.thought(' hm'))
      } else if (used.output <= thinks + summarizes + shows) send(wire.text(' word'.repeat(made)))
      else if (fate.thinksAfter) used.reasoning += made
      if (used.output >= most || (!fate.thinksAfter && used.output >= thinks + summarizes + shows)) finish()
    }, TICK_MS)
    const over = () => {
      clearInterval(timer)
      resolve()
    }
    const finish = () => {
      if (fate.end === 'reset') response.socket?.resetAndDestroy()
      else if (fate.end === 'failure') response.end(wire.failure)
      else if (fate.end === 'end') response.end()
      // Thought through to its limit without a word: no client waits so long here.
      else if (!response.destroyed) response.end(out.join('') + wire.end(used))
      over()
    }
    response.on('close', over)
  })
}

interface Wire {
  name: string
  /** Tokens of this model's own tokenizer, for one of o200k. */
  tokenizer: number
  start(used: Usage): string
  text(text: string): string
  thought(text: string): string
  failure: string
  end(used: Usage): string
}

const sse = (data: object) => `data: ${JSON.stringify(data)}\n\n`

const wires: Record<'chat' | 'responses' | 'anthropic', Wire> = {
  chat: {
    name: 'chat',
    tokenizer: 1.4,
    start: () => sse({ choices: [{ delta: { role: 'assistant' } }] }),
    text: (content) => sse({ choices: [{ delta: { content } }] }),
    thought: (reasoning_content) => sse({ choices: [{ delta: { reasoning_content } }] }),
    failure: sse({ error: { message: 'the engine died', code: 500 } }),
    end: ({ input, output, reasoning }) =>
      sse({ choices: [{ delta: {}, finish_reason: 'stop' }] }) +
      sse({
        choices: [],
        usage: {
          prompt_tokens: input,
          completion_tokens: output,
          completion_tokens_details: { reasoning_tokens: reasoning },
        },
      }) +
      'data: [DONE]\n\n',
  },
  responses: {
    name: 'responses',
    tokenizer: 1,
    start: () => sse({ type: 'response.created', response: { status: 'in_progress' } }),
    text: (delta) => sse({ type: 'response.output_text.delta', delta }),
    thought: (delta) => sse({ type: 'response.reasoning_summary_text.delta', delta }),
    failure: sse({ type: 'error', message: 'the engine died', code: 'server_error' }),
    end: ({ input, output, reasoning }) =>
      sse({
        type: 'response.completed',
        response: {
          status: 'completed',
          usage: {
            input_tokens: input,
            output_tokens: output,
            output_tokens_details: { reasoning_tokens: reasoning },
          },
        },
      }),
  },
  anthropic: {
    name: 'anthropic',
    tokenizer: 1.3,
    start: ({ input, cacheWrite }) =>
      sse({
        type: 'message_start',
        message: {
          usage: {
            input_tokens: input - cacheWrite,
            cache_creation_input_tokens: cacheWrite,
            cache_read_input_tokens: 0,
            output_tokens: 1,
          },
        },
      }),
    text: (text) => sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    thought: (thinking) => sse({ type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking } }),
    failure: sse({ type: 'error', error: { type: 'api_error', message: 'the engine died' } }),
    end: ({ output, reasoning }) =>
      sse({
        type: 'message_delta',
        delta: { stop_reason: 'end_turn' },
        usage: { output_tokens: output, output_tokens_details: { thinking_tokens: reasoning } },
      }) + sse({ type: 'message_stop' }),
  },
}

function wireOf(path: string): Wire {
  if (path.endsWith('/messages')) return wires.anthropic
  return path.endsWith('/responses') ? wires.responses : wires.chat
}

/** Everything that a model of any dialect reads of a request. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'string' && ['text', 'content', 'system', 'instructions', 'input'].includes(key)
      ? [inner]
      : textsOf(inner),
  )
}
