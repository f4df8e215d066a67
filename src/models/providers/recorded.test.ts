/** Bodies as servers send them, byte by byte, through the real SDKs: what they say, and what is left of them when cut. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { source } from '../../../test/fakes/source.ts'
import { asParleyError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { createCitationStream } from '../../reply/citations.ts'
import type { ModelEvent, ModelProvider, ModelRequest, Part } from '../model.ts'
import { createAnthropicProvider } from './anthropic.ts'
import { createOllamaProvider } from './ollama.ts'
import { createOpenAiProvider } from './openai.ts'
import { createOpenAiResponsesProvider } from './openai-responses.ts'
import type { ProviderOptions } from './stream-answer.ts'

type Create = (options: ProviderOptions & { baseUrl: string }) => ModelProvider

const sse = 'text/event-stream; charset=utf-8'
const providers: Record<string, { create: Create; type: string }> = {
  anthropic: { create: (options) => createAnthropicProvider({ ...options, documents: true }), type: sse },
  responses: { create: createOpenAiResponsesProvider, type: sse },
  chat: { create: createOpenAiProvider, type: sse },
  chatqna: { create: createOpenAiProvider, type: sse },
  ollama: { create: createOllamaProvider, type: 'application/x-ndjson' },
}

function bytesOf(name: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../../test/fixtures/models/${name}`, import.meta.url)))
}

const request: ModelRequest = {
  model: 'recorded',
  system: 'Be brief.',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'What is the notice period?' }] }],
  maxOutputTokens: 100,
}

/** What a provider makes of a body that comes in pieces of `size` bytes. */
async function play(name: string, body: Uint8Array<ArrayBuffer>, size = body.length || 1, asked = request) {
  const { create, type } = providers[name.split(/[-.]/)[0] ?? ''] ?? { create: createOpenAiProvider, type: sse }
  let requests = 0
  const provider = create({
    name: 'recorded',
    baseUrl: 'http://recorded.test/v1',
    apiKey: 'k',
    backoffMs: 0,
    log: silentLog,
    async fetch(input) {
      if (String(input).endsWith('/api/show')) return Response.json({ capabilities: ['completion'] })
      requests++
      const pieces = new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < body.length; at += size) controller.enqueue(body.subarray(at, at + size))
          controller.close()
        },
      })
      return new Response(pieces, { headers: { 'content-type': type } })
    },
  })
  const events: ModelEvent[] = []
  try {
    for await (const event of provider.stream(asked, new AbortController().signal)) events.push(event)
  } catch (thrown) {
    return { events, requests, error: asParleyError(thrown), ...said(events) }
  }
  return { events, requests, error: undefined, ...said(events) }
}

function said(events: ModelEvent[]) {
  const join = (type: 'text' | 'reasoning') => events.map((event) => (event.type === type ? event.delta : '')).join('')
  const last = events.findLast((event) => event.type === 'usage')
  const finish = events.findLast((event) => event.type === 'finish')
  return { text: join('text'), reasoning: join('reasoning'), usage: last?.usage, finish: finish?.reason }
}

const answer = 'Die Kündigungsfrist beträgt 30 Tage 📄'
const whole = [
  ['anthropic-cached.sse', { input: 19_354, cacheRead: 18_112, cacheWrite: 1_204, output: 61, reasoning: 0 }],
  ['responses-cached.sse', { input: 19_354, cacheRead: 18_112, cacheWrite: 0, output: 61, reasoning: 44 }],
  ['chat-cached.sse', { input: 19_354, cacheRead: 18_112, cacheWrite: 0, output: 61, reasoning: 44 }],
  ['ollama-answer.ndjson', { input: 19_354, cacheRead: 0, cacheWrite: 0, output: 61, reasoning: 0 }],
] as const

describe('recorded bodies', () => {
  it.for(whole)('%s is read alike in any pieces, its tokens counted once', async ([name, usage]) => {
    for (const size of [1, 5, 64, 100_000]) {
      const played = await play(name, bytesOf(name), size)
      expect(played.text).toBe(answer)
      expect(played.finish).toBe('stop')
      expect(played.usage).toEqual({ ...usage, source: 'provider' })
    }
  })

  it.for([
    ['anthropic-cached.sse', '"message_delta"'],
    ['responses-cached.sse', '"response.completed"'],
    ['chat-cached.sse', '"finish_reason":"stop"'],
    ['ollama-answer.ndjson', '"done":true'],
  ] as const)('%s is never a whole answer when it is cut before %s, wherever that is', async ([name, terminator]) => {
    const body = bytesOf(name)
    const end = Buffer.from(body).lastIndexOf(terminator)
    expect(end).toBeGreaterThan(200)
    for (let cut = 0; cut < end; cut += 23) {
      const played = await play(name, body.subarray(0, cut))
      expect([played.finish, played.error?.code], `cut at ${cut}`).not.toContain('stop')
      expect(answer.startsWith(played.text), `cut at ${cut}`).toBe(true)
      expect(played.requests, `cut at ${cut}`).toBe(1)
    }
  })

  it('an answer that lost only its count is whole, and counted by estimate', async () => {
    const body = bytesOf('chat-cached.sse')
    const end = Buffer.from(body).lastIndexOf('data: {')
    const { text, finish, usage } = await play('chat', body.subarray(0, end + 40))
    expect([text, finish, usage?.source]).toEqual([answer, 'stop', 'estimated'])
  })

  it('Anthropic’s input counts as told where a stream breaks off, its output by estimate', async () => {
    const { error, text, usage } = await play('anthropic', bytesOf('anthropic-overloaded.sse'))
    expect(error?.code).toBe('model_busy')
    expect(text).toBe('The notice')
    expect(usage).toMatchObject({ input: 572, cacheRead: 100, output: 2, source: 'estimated' })
  })

  it.for([
    ['responses-failed.sse', 'model_busy'],
    ['ollama-failed.ndjson', 'model_unreachable'],
  ] as const)('%s: an error inside a stream that began well is told as %s', async ([name, code]) => {
    const { error, text, requests } = await play(name, bytesOf(name))
    expect([error?.code, text, requests]).toEqual([code, 'The notice', 1])
    expect(error?.userMessage).not.toMatch(/CUDA|org-x/)
  })

  it('usage of null is no usage: it is estimated, and not zero', async () => {
    const { usage, finish } = await play('chat', bytesOf('chat-null-usage.sse'))
    expect(finish).toBe('stop')
    expect(usage?.source).toBe('estimated')
    expect(usage?.input).toBeGreaterThan(5)
    expect(usage?.output).toBeGreaterThan(1)
  })

  it('OPEA’s lines of Python bytes are text, its end of sequence is not', async () => {
    const { text, finish, usage } = await play('chatqna', bytesOf('chatqna.sse'))
    expect(text).toBe(" The notice period is 30\u00a0days.\nIt's on page €über")
    expect(finish).toBe('stop')
    expect(usage?.source).toBe('estimated')
  })

  it('thoughts are apart: paragraphs of a summary, and Anthropic’s without its signature', async () => {
    const responses = await play('responses', bytesOf('responses-cached.sse'))
    expect(responses.reasoning).toBe('**Finding the clause**\n\nIt is on page 137.')
    const anthropic = await play('anthropic', bytesOf('anthropic-cached.sse'))
    expect(anthropic.reasoning).toBe('The contract says so on page 137.')
  })

  it('Ollama’s calls come whole, several at a time, each with an id of its own', async () => {
    const { events, reasoning, finish } = await play('ollama', bytesOf('ollama-tools.ndjson'))
    const calls = events.filter((event) => event.type === 'toolCall')
    expect(calls.map(({ name, arguments: json }) => [name, JSON.parse(json)])).toEqual([
      ['look_up', { word: 'Kündigungsfrist', exact: true }],
      ['look_up', { word: 'Miete' }],
    ])
    expect(calls[0]?.id).not.toBe(calls[1]?.id)
    expect([reasoning, finish]).toEqual(['I should look it up.', 'tool'])
  })

  it('Anthropic’s citations become the labels of passages and pages, behind the words that rest on them', async () => {
    const passage: Part = {
      type: 'passage',
      source: '1:p137',
      title: 'contract.pdf',
      at: { kind: 'page', page: 137 },
      text: 'The notice period is 30 days.',
    }
    const file: Part = {
      type: 'file',
      mediaType: 'application/pdf',
      title: 'lease.pdf',
      source: '2',
      data: new TextEncoder().encode('%PDF-1.7'),
    }
    const messages: ModelRequest['messages'] = [{ role: 'user', parts: [passage, file] }]
    for (const size of [1, 100_000]) {
      const { text } = await play('anthropic', bytesOf('anthropic-cited.sse'), size, { ...request, messages })
      expect(text).toBe(
        'In short: the notice period is 30 days [1:p137], and\nthe rent is due monthly. [2:p5-6][2:p9]\n',
      )
      const places = (n: number, ...pages: number[]) => ({
        source: source(n),
        positions: pages.map((page) => ({ kind: 'page' as const, page })),
      })
      const stream = createCitationStream([places(1, 137), places(2, 4, 5, 6, 9)])
      expect(stream.push(text) + stream.flush()).toBe(
        'In short: the notice period is 30 days [1], and\nthe rent is due monthly. [2][3][4]\n',
      )
      expect([stream.citations().length, stream.unknown()]).toEqual([4, 0])
    }
  })
})
