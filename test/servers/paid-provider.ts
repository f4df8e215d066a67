/**
 * A provider that sends bills: what it says that it was used for is what it charges, to the nano-dollar. Some requests fail
 * before any work, and some answers break off in the middle, charged and without a word about their cost.
 */
import { createServer, type ServerResponse } from 'node:http'
import { type NanoUsd, usd } from '../../src/core/money.ts'
import type { Usage } from '../../src/core/reply.ts'
import { type Price, priceUsage, worstCase } from '../../src/models/price.ts'

export const paidModels = ['first', 'second'] as const
export const paidPrice: Price = {
  kind: 'tokens',
  rates: { input: usd('3'), output: usd('15'), cacheRead: usd('0.3') },
  fees: { request: usd('0.001') },
}
export const paidWorst: NanoUsd = worstCase(paidPrice, { inputTokens: 1_000, maxOutputTokens: 500 })

export interface Bill {
  /** The attempt that it is for. */
  id: string
  cost: NanoUsd
  /** Whether the caller was told. */
  told: boolean
}

export interface PaidProvider extends AsyncDisposable {
  url: string
  bills: Bill[]
  requests(): number
}

/** `onRequest` runs before anything is decided, with the number of the request. */
export async function startPaidProvider(
  options: { failing?: number; breaking?: number; onRequest?: (count: number) => void } = {},
): Promise<PaidProvider> {
  const { failing = 0, breaking = 0, onRequest } = options
  const bills: Bill[] = []
  let count = 0

  function answer(id: string, response: ServerResponse): void {
    count += 1
    onRequest?.(count)
    if (Math.random() < failing) {
      response.writeHead(503).end()
      return
    }
    const usage = madeUp()
    const bill = { id, cost: priceUsage(usage, paidPrice), told: false }
    bills.push(bill)
    setTimeout(
      () => {
        if (Math.random() < breaking) return response.destroy()
        bill.told = true
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(usage))
      },
      5 + Math.random() * 40,
    )
  }

  const server = createServer((request, response) => answer(request.url?.slice(1) ?? '', response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    bills,
    requests: () => count,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const upTo = (most: number) => Math.floor(Math.random() * (most + 1))

function madeUp(): Usage {
  const input = 200 + upTo(800)
  const output = 50 + upTo(450)
  const [cacheRead, reasoning] = [upTo(input), upTo(output)]
  return { input, cacheRead, cacheWrite: 0, output, reasoning, source: 'provider' }
}
