/** Passages in the order of a server for reranking, in both of its forms; what it costs; and what happens when it fails. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, expect, it } from 'vitest'
import { silentLog } from '../core/log.ts'
import type { RankedPassage, Retriever } from './passages.ts'
import { createRerankEndpoint } from './providers/rerank-endpoint.ts'
import { createReranked, type MeteredReranker } from './rerank.ts'

type Form = 'documents' | 'texts'
interface Asked {
  path: string | undefined
  authorization: string | undefined
  body: Record<string, unknown>
}

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** A text is as good as it is long. */
async function start(form: Form, answer?: { status?: number; body?: string; hangs?: boolean }) {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const body = (await json(request)) as Record<string, unknown>
    asked.push({ path: request.url, authorization: request.headers.authorization, body })
    if (answer?.hangs) return
    const send = (status: number, value: unknown) =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
    if (answer !== undefined) return void response.writeHead(answer.status ?? 200).end(answer.body ?? '{}')
    const texts = body[form]
    // As serde and pydantic say that a field is missing.
    if (!Array.isArray(texts)) return send(422, { error: `missing field \`${form}\``, error_type: 'validation' })
    const ranked = texts.map((text: string, index) => ({ index, by: text.length })).sort((a, b) => b.by - a.by)
    if (form === 'texts')
      return send(
        200,
        ranked.map(({ index, by }) => ({ index, score: by })),
      )
    send(200, {
      id: '07734bd2',
      results: ranked.map(({ index, by }) => ({ index, relevance_score: by })),
      meta: { billed_units: { search_units: 1 } },
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}

const passages = ['bb', 'a', 'cccc', 'ddd'].map((text, ordinal): RankedPassage => {
  return {
    contentHash: 'hash',
    engine: 'text-1',
    ordinal,
    text,
    at: { kind: 'page', page: 1 },
    tokens: 1,
    score: 4 - ordinal,
  }
})
const retriever: Retriever = { name: 'words', retrieve: async () => passages }
const spender = { platform: 'test', workspaceId: 'team', channelId: 'general', userId: 'ann' }
const options = { audience: { conversation: 'c', place: 'p' }, limit: 10, spender }
const free = (url: string, isLocal = true): MeteredReranker => {
  const reranker = createRerankEndpoint({ url, apiKey: 'k', model: 'rerank-v3.5' })
  return { isLocal, scores: (question, texts, { signal }) => reranker.scores(question, texts, signal) }
}
const find = (
  reranker: MeteredReranker,
  more: { localOnly?: boolean; note?: (sentence: string) => void; waitMs?: number } = {},
) => {
  const { waitMs, ...rest } = more
  const wait = waitMs === undefined ? {} : { waitMs }
  return createReranked({ retriever, reranker, log: silentLog, ...wait }).retrieve('secret question', {
    ...options,
    ...rest,
    signal: AbortSignal.timeout(20_000),
  })
}

it.each(['documents', 'texts'] as const)(
  'a server that takes `%s` gives the order, and the form is learned once',
  async (form) => {
    const { url, asked } = await start(form)
    const reranker = free(url)
    const found = await find(reranker)
    expect(found.map(({ text }) => text)).toEqual(['cccc', 'ddd', 'bb', 'a'])
    expect(found.map(({ score }) => score)).toEqual([4, 3, 2, 1])
    await find(reranker)
    expect(asked).toHaveLength(form === 'documents' ? 2 : 3)
    expect(asked.at(-1)).toMatchObject({
      path: '/rerank',
      authorization: 'Bearer k',
      body: { query: 'secret question', [form]: ['bb', 'a', 'cccc', 'ddd'] },
    })
  },
)

it.each([
  ['fails', { status: 500 }],
  ['is busy', { status: 429 }],
  ['answers with a web page', { body: '<html></html>' }],
  ['answers in another shape', { body: '{"results":7}' }],
  ['leaves a passage out', { body: '{"results":[{"index":0,"relevance_score":1}]}' }],
  ['does not answer in time', { hangs: true }],
])('passages keep their order while the server %s, and a note says so', async (_what, answer) => {
  const { url } = await start('documents', answer)
  const notes: string[] = []
  const found = await find(free(url), { waitMs: 500, note: (sentence) => notes.push(sentence) })
  expect(found).toEqual(passages)
  expect(notes).toEqual([expect.stringMatching(/^The server for reranking .*order\.$/)])
})

it('sends nothing elsewhere where questions must not leave the network', async () => {
  const { url, asked } = await start('documents')
  expect(await find(free(url, false), { localOnly: true })).toEqual(passages)
  expect(asked).toEqual([])
})
