/**
 * Searches of the web through the door of paid calls: each query is reserved at the engine's price before it is sent. An engine charges for a
 * query that it answered, and may have charged for one that broke off.
 */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { decimalUsd, type NanoUsd } from '../core/money.ts'
import type { Spender } from '../core/scope.ts'
import type { WebSearch } from '../search/web.ts'
import type { Budget } from './budget.ts'

export interface MeteredSearch {
  name: string
  label: string
  /** Throws what the engine throws, and `budget_exhausted` or `rate_limited`. */
  search(
    query: string,
    options: Parameters<WebSearch['search']>[1] & { spender: Spender; turnId: string },
  ): ReturnType<WebSearch['search']>
}

/** Answers that no engine charges for. */
const uncharged = new Set(['search_busy', 'search_refused_key'])

export function createMeteredSearch(deps: {
  engine: WebSearch
  pricePerSearch: NanoUsd
  budget: Pick<Budget, 'reserve'>
}): MeteredSearch {
  const { engine, pricePerSearch: cost, budget } = deps
  return {
    name: engine.name,
    label: engine.label,
    async search(query, { spender, turnId, ...options }) {
      // An engine of one's own costs nothing: no booking, no round trip.
      if (cost === 0n) return await engine.search(query, options)
      const started = performance.now()
      const reservation = await budget.reserve({
        id: randomUUID(),
        turnId,
        spender,
        kind: 'search',
        provider: engine.name,
        model: 'search',
        worst: cost,
        price: { perSearch: decimalUsd(cost) },
      })
      const settle = (outcome: 'ok' | 'failed' | 'aborted') => {
        const ms = performance.now() - started
        return reservation.settle({ cost, estimated: outcome !== 'ok', outcome, ms })
      }
      try {
        const hits = await engine.search(query, options)
        await settle('ok')
        return hits
      } catch (thrown) {
        if (isUncharged(thrown)) await reservation.release()
        else await settle(options.signal.aborted ? 'aborted' : 'failed')
        throw thrown
      }
    },
  }
}

/** An engine that refused a query, or was never reached, charges nothing for it. */
export function isUncharged(thrown: unknown): boolean {
  return thrown instanceof ParleyError && (uncharged.has(thrown.code) || isNowhere(thrown))
}

/** No connection came about. */
function isNowhere({ code, cause }: ParleyError): boolean {
  const inner = cause instanceof Error ? cause.cause : undefined
  const reason = inner instanceof Error && 'code' in inner ? String(inner.code) : ''
  return code === 'search_unreachable' && /^(?:ECONNREFUSED|ENOTFOUND|EAI_\w+|EHOSTUNREACH|ENETUNREACH)$/.test(reason)
}
