/** What a search costs is reserved before it is sent and settled after it. */
import { expect, it } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import { usd } from '../core/money.ts'
import type { WebSearch } from '../search/web.ts'
import type { Budget, PaidCall, Settlement } from './budget.ts'
import { createMeteredSearch } from './metered-search.ts'

const spender = { platform: 'slack', workspaceId: 'T1', channelId: 'C1', userId: 'U1' }
const turnId = '7f3a2b10-0000-4000-8000-000000000001'

function rig(search: WebSearch['search'], price = usd('0.005'), refuse?: ParleyError) {
  const booked: (Pick<PaidCall, 'kind' | 'provider' | 'worst'> & { ended?: Settlement | 'released' })[] = []
  const budget: Pick<Budget, 'reserve'> = {
    async reserve({ kind, provider, worst }) {
      if (refuse !== undefined) throw refuse
      const row: (typeof booked)[number] = { kind, provider, worst }
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
  const metered = createMeteredSearch({
    engine: { name: 'brave', label: 'Brave', search },
    pricePerSearch: price,
    budget,
  })
  const ask = () => metered.search('pumps', { limit: 8, signal: AbortSignal.timeout(5_000), spender, turnId })
  return { booked, ask }
}

it('a search that was answered is paid', async () => {
  const { booked, ask } = rig(async () => [])
  await ask()
  expect(booked).toEqual([
    {
      kind: 'search',
      provider: 'brave',
      worst: usd('0.005'),
      ended: expect.objectContaining({ cost: usd('0.005'), estimated: false, outcome: 'ok' }),
    },
  ])
})

it.each([
  ['search_busy', 'released'],
  ['search_refused_key', 'released'],
  ['search_unreachable', expect.objectContaining({ cost: usd('0.005'), estimated: true, outcome: 'failed' })],
  ['search_rejected', expect.objectContaining({ estimated: true, outcome: 'failed' })],
] as const)('a search that failed with %s is booked as what it may have cost', async (code, ended) => {
  const { booked, ask } = rig(async () => {
    throw new ParleyError(code, 'No.')
  })
  await expect(ask()).rejects.toMatchObject({ code })
  expect(booked[0]?.ended).toEqual(ended)
})

it('a budget that does not hold it refuses it before anything is sent', async () => {
  let sent = 0
  const refusal = new ParleyError('budget_exhausted', 'The budget is used up.')
  const { ask } = rig(async () => [{ url: String(++sent), title: '', snippet: '', published: undefined }], 1n, refusal)
  await expect(ask()).rejects.toBe(refusal)
  expect(sent).toBe(0)
})

it('an engine of one’s own costs nothing and is not booked', async () => {
  const { booked, ask } = rig(async () => [], 0n)
  await ask()
  expect(booked).toEqual([])
})
