/**
 * Transcription through the door of paid calls: each piece of a recording is reserved by its length before it is sent, and
 * settled by what was heard. A server that refused it charged nothing; one that broke off may have charged for all.
 */
import { randomUUID } from 'node:crypto'
import { asParleyError, type ErrorCode, ParleyError } from '../core/errors.ts'
import type { Usage } from '../core/reply.ts'
import type { Spender } from '../core/scope.ts'
import type { Paying, Recording } from '../media/transcriber.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { priceUsage, worstCase } from '../models/price.ts'
import { priceSnapshot } from '../models/stated-price.ts'
import type { Budget } from './budget.ts'

/** No speech codec sends less for a millisecond: the longest that a recording of unknown length can be. */
const leastBytesPerMs = 0.75
const refusals = new Set<ErrorCode>(['transcriber_busy', 'transcriber_refused_key', 'transcriber_rejected'])

export function createPaidHearing(deps: {
  budget: Pick<Budget, 'reserve'>
  /** What hears, as the catalogue knows it. */
  model(): Promise<Model>
}): (spender: Spender, turnId: string) => Paying {
  return (spender, turnId) => async (recording, hear) => {
    const model = await deps.model()
    const { price, provider, id: name } = model
    if (price === undefined) throw unknownPrice(model)
    const lengthMs = recording.durationMs ?? longestMs(recording)
    const reservation = await deps.budget.reserve({
      ...{ id: randomUUID(), turnId, spender, kind: 'transcription', provider, model: name },
      worst: worstCase(price, { inputTokens: 0, maxOutputTokens: 0, audioMs: lengthMs }),
      price: priceSnapshot(price),
    })
    const started = performance.now()
    const usageOf = (audioMs: number, source: Usage['source']): Usage => ({
      ...{ input: 0, cacheRead: 0, cacheWrite: 0, output: 0, reasoning: 0, audioMs, source },
    })
    const settle = (usage: Usage, outcome: 'ok' | 'failed') => {
      const ms = performance.now() - started
      const cost = priceUsage(usage, price, ms)
      return reservation.settle({ cost, usage, estimated: usage.source === 'estimated', outcome, ms })
    }
    try {
      const heard = await hear()
      // A server may say that it decoded a little more than was sent.
      const told = heard.durationMs === undefined ? undefined : Math.min(heard.durationMs, lengthMs)
      const known = told ?? recording.durationMs
      await settle(usageOf(known ?? lengthMs, known === undefined ? 'estimated' : 'provider'), 'ok')
      return heard
    } catch (error) {
      if (refusals.has(asParleyError(error).code)) await reservation.release()
      else await settle(usageOf(lengthMs, 'estimated'), 'failed')
      throw error
    }
  }
}

function longestMs({ bytes }: Recording): number {
  return Math.ceil(bytes.byteLength / leastBytesPerMs)
}

function unknownPrice(model: Model): ParleyError {
  return new ParleyError(
    'model_price_unknown',
    `Recordings are not heard, because nobody has said what ${modelKey(model)} costs. Ask an admin to set its price per hour of sound (perAudioHour in parley.yaml), or to mark it there as own hardware (local: true).`,
  )
}
