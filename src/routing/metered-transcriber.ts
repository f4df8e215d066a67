/**
 * Transcription through the door of paid calls: each try at each piece of a recording is reserved by its length before it is
 * sent, and settled by what was heard. A server that refused it charged nothing; one that broke off may have charged for all.
 */
import { randomUUID } from 'node:crypto'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { Usage } from '../core/reply.ts'
import type { Spender } from '../core/scope.ts'
import type { Paying, Recording, Transcription } from '../media/transcriber.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import { deliveryOf } from '../models/delivery.ts'
import { type Price, priceSnapshot, priceUsage, worstCase } from '../models/price.ts'
import { priceWording } from '../wording/models.ts'
import type { Budget } from './budget.ts'

/** No speech codec sends less for a millisecond: the longest that a recording of unknown length can be. */
const leastBytesPerMs = 0.75
/** The most tokens of a second of sound (Gemini's; OpenAI's are fewer), and of what can be said in it. */
const SOUND_TOKENS = 32
const SPOKEN_TOKENS = 12

export function createMeteredTranscriber(deps: {
  budget: Pick<Budget, 'reserve'>
  /** What hears, as the catalogue knows it. */
  model(): Promise<Model>
}): (spender: Spender, turnId: string | undefined) => Paying {
  return (spender, turnId) => async (recording, transcribe) => {
    const model = await deps.model()
    const { price, provider, id: name } = model
    if (price === undefined) throw unknownPrice(model)
    const lengthMs = recording.durationMs ?? longestMs(recording)
    const most = usageOf(price, lengthMs, undefined, 'estimated')
    const worst = worstCase(price, { inputTokens: most.input, maxOutputTokens: most.output, audioMs: lengthMs })
    const started = performance.now()
    const elapsedMs = () => performance.now() - started
    const reservation = await deps.budget.reserve({
      id: randomUUID(),
      turnId,
      spender,
      kind: 'transcription',
      provider,
      model: name,
      worst,
      price: priceSnapshot(price),
      most: (aheadMs) => priceUsage(most, price, elapsedMs() + aheadMs),
    })
    const settle = (usage: Usage, outcome: 'ok' | 'failed') => {
      const ms = elapsedMs()
      const cost = priceUsage(usage, price, ms)
      return reservation.settle({ cost, usage, estimated: usage.source === 'estimated', outcome, ms })
    }
    try {
      const record = await transcribe()
      // A server may say that it decoded a little more than was sent.
      const told = record.durationMs === undefined ? undefined : Math.min(record.durationMs, lengthMs)
      const known = told ?? recording.durationMs
      const counted = known !== undefined && (!isPerToken(price) || record.tokens !== undefined)
      await settle(usageOf(price, known ?? lengthMs, record.tokens, counted ? 'provider' : 'estimated'), 'ok')
      return record
    } catch (error) {
      if (deliveryOf(asParleyError(error)) === 'taken') await settle(most, 'failed')
      else await reservation.release()
      throw error
    }
  }
}

/** Some models are paid by the time of the sound, others by tokens: those that were counted, or the most there can be. */
function usageOf(price: Price, audioMs: number, tokens: Transcription['tokens'], source: Usage['source']): Usage {
  const none = { cacheRead: 0, cacheWrite: 0, reasoning: 0 }
  if (!isPerToken(price)) return { ...none, input: 0, output: 0, audioMs, source }
  const seconds = Math.ceil(audioMs / 1_000)
  const most = { input: seconds * SOUND_TOKENS, audio: seconds * SOUND_TOKENS, output: seconds * SPOKEN_TOKENS }
  const { input, audio, output } = tokens ?? most
  return { ...none, input, inputAudio: audio, output, audioMs, source }
}

function isPerToken(price: Price): boolean {
  return price.kind === 'tokens' && Object.values(price.rates).some((rate) => rate !== undefined && rate > 0n)
}

function longestMs({ bytes }: Recording): number {
  return Math.ceil(bytes.byteLength / leastBytesPerMs)
}

function unknownPrice(model: Model): ParleyError {
  return new ParleyError('model_price_unknown', priceWording.missingForRecordings(modelKey(model)))
}
