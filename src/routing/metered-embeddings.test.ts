/** What embedding and reranking cost is reserved before it is sent and settled after it; without a price nothing is sent. */
import { expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { usd } from '../core/money.ts'
import type { Model } from '../models/catalogue.ts'
import type { Price } from '../models/price.ts'
import type { Embedded } from '../search/embedding.ts'
import type { Budget, PaidCall, Settlement } from './budget.ts'
import { createMeteredEmbeddings } from './metered-embeddings.ts'
import { createMeteredReranker } from './metered-reranker.ts'

const spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
const turnId = '7f3a2b10-0000-4000-8000-000000000001'
const signal = AbortSignal.timeout(5_000)
const perMillion: Price = { kind: 'tokens', rates: { input: usd('0.02'), output: 0n } }

function rig(refuse?: ParleyError) {
  const booked: (Pick<PaidCall, 'kind' | 'provider' | 'turnId'> & {
    worst: bigint
    ended?: Settlement | 'released'
  })[] = []
  const budget: Pick<Budget, 'reserve'> = {
    async reserve({ kind, provider, worst, turnId: turn }) {
      if (refuse !== undefined) throw refuse
      const row: (typeof booked)[number] = { kind, provider, worst, turnId: turn }
      booked.push(row)
      return {
        async settle(settlement) {
          row.ended = settlement
          return settlement.cost
        },
        async release() {
          row.ended = 'released'
        },
      }
    },
  }
  return { booked, budget }
}

function embeddings(
  price: Price | undefined,
  embed: () => Promise<Embedded>,
  refuse?: ParleyError,
  booksFree?: boolean,
) {
  const { booked, budget } = rig(refuse)
  let sent = 0
  const metered = createMeteredEmbeddings({
    server: {
      provider: 'embeddings',
      list: async () => [],
      embed: async () => {
        sent += 1
        return await embed()
      },
    },
    budget,
    booksFree: booksFree === true,
    about: async (id) => ({ id, provider: 'embeddings', price, local: false }) as Partial<Model> as Model,
  })
  const ask = () => metered.embed({ model: 'm', texts: ['abc', 'ü'], as: 'question', signal, spender, turnId })
  return { booked, ask, sent: () => sent }
}

const vectors = [Float32Array.of(1), Float32Array.of(1)]

it('what costs nothing has a row only where a program asked for it', async () => {
  const free: Price = { kind: 'tokens', rates: { input: 0n, output: 0n } }
  const answer = async () => ({ vectors, tokens: 50 })
  const own = embeddings(free, answer)
  await own.ask()
  expect(own.booked).toEqual([])
  const program = embeddings(free, answer, undefined, true)
  await program.ask()
  expect(program.booked).toMatchObject([{ worst: 0n, ended: { cost: 0n, usage: { input: 50 } } }])
})

it('texts are paid by the tokens that the server counted', async () => {
  const { booked, ask } = embeddings(perMillion, async () => ({ vectors, tokens: 50 }))
  await ask()
  expect(booked).toEqual([
    {
      kind: 'embedding',
      provider: 'embeddings',
      turnId,
      worst: 4_100n,
      ended: expect.objectContaining({ cost: 1_000n, estimated: false, outcome: 'ok' }),
    },
  ])
})

it('a model without a price is not asked, and one that costs nothing is not booked', async () => {
  const unknown = embeddings(undefined, async () => ({ vectors, tokens: 1 }))
  await expect(unknown.ask()).rejects.toMatchObject({
    code: 'model_price_unknown',
    userMessage: expect.stringContaining('embeddings/m'),
  })
  expect(unknown.sent()).toBe(0)
  const free = embeddings({ kind: 'tokens', rates: { input: 0n, output: 0n } }, async () => ({ vectors, tokens: 1 }))
  await free.ask()
  expect(free.booked).toEqual([])
})

it('a budget that does not hold it comes before the request', async () => {
  const refused = new ParleyError('budget_exhausted', 'No.')
  const { ask, sent } = embeddings(perMillion, async () => ({ vectors, tokens: 1 }), refused)
  await expect(ask()).rejects.toBe(refused)
  expect(sent()).toBe(0)
})

it.each([
  ['model_busy', 'released'],
  ['model_refused_key', 'released'],
  ['embeddings_unusable', expect.objectContaining({ cost: 4_100n, estimated: true, outcome: 'failed' })],
] as const)('a request that failed with %s is booked as what it may have cost', async (code, ended) => {
  const { booked, ask } = embeddings(perMillion, async () => {
    throw new ParleyError(code, 'No.')
  })
  await expect(ask()).rejects.toMatchObject({ code })
  expect(booked).toMatchObject([{ ended }])
})

it('reranking is paid by the call, and is off without a price', async () => {
  const ask = (pricePerCall: bigint | undefined, { budget }: ReturnType<typeof rig>) =>
    createMeteredReranker({
      reranker: { scores: async () => [1] },
      model: undefined,
      isLocal: false,
      pricePerCall,
      budget,
    }).scores('q', ['a'], { signal, spender, turnId })
  const paid = rig()
  expect(await ask(usd('0.002'), paid)).toEqual([1])
  expect(paid.booked).toMatchObject([
    { kind: 'rerank', worst: usd('0.002'), turnId, ended: { cost: usd('0.002'), outcome: 'ok' } },
  ])
  const free = rig()
  expect(await ask(0n, free)).toEqual([1])
  expect(free.booked).toEqual([])
  await expect(ask(undefined, rig())).rejects.toMatchObject({ code: 'model_price_unknown' })
})
