/**
 * A process that answers questions at once through the budget, asking a provider that sends bills, with a fallback. Reads
 * the ids of its turns as one line of JSON, says `begin` when it may be told to, and one line for each turn that ended.
 */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { z } from 'zod'
import { asParleyError } from '../../src/core/errors.ts'
import { Usage } from '../../src/core/reply.ts'
import { priceSnapshot, priceUsage } from '../../src/models/price.ts'
import { isRefusal } from '../../src/routing/budget.ts'
import { paidModels, paidPrice, paidWorst } from '../servers/paid-provider.ts'
import { openChildBudget } from './child-budget.ts'

const [databaseUrl = '', providerUrl = '', lease = '60000'] = process.argv.slice(2)
const { database, budget } = await openChildBudget(databaseUrl, { leaseMs: Number(lease) })

async function turn(turnId: string, number: number): Promise<'answered' | 'refused' | 'failed'> {
  const spender = { platform: 'slack', workspaceId: 'T1', channelId: `C${number % 3}`, userId: `U${number % 7}` }
  for (const model of paidModels) {
    const id = randomUUID()
    try {
      const about = {
        kind: 'answer',
        provider: 'paid',
        model,
        worst: paidWorst,
        price: priceSnapshot(paidPrice),
      } as const
      const reservation = await budget.reserve({ id, turnId, spender, ...about })
      const started = performance.now()
      const ms = () => performance.now() - started
      try {
        const response = await fetch(`${providerUrl}/${id}`, { method: 'POST' })
        if (response.status === 503) {
          // Refused before any work: nobody charges for that.
          await reservation.release()
          continue
        }
        const usage = Usage.parse(await response.json())
        const cost = priceUsage(usage, paidPrice, ms())
        await reservation.settle({ cost, usage, estimated: false, outcome: 'ok', ms: ms() })
        return 'answered'
      } catch {
        // Broken off: what it cost is not known, so the most counts.
        await reservation.settle({ cost: paidWorst, estimated: true, outcome: 'failed', ms: ms() })
      }
    } catch (error) {
      if (isRefusal(asParleyError(error))) return 'refused'
      throw error
    }
  }
  return 'failed'
}

process.stdout.write('"begin"\n')
const [line] = (await once(process.stdin.setEncoding('utf8'), 'data')) as [string]
const turns = z.array(z.string()).parse(JSON.parse(line))
await Promise.all(
  turns.map(async (turnId, number) => {
    const outcome = await turn(turnId, number)
    process.stdout.write(`${JSON.stringify({ turnId, outcome })}\n`)
  }),
)
await budget.close()
await database.close()
process.exit(0)
