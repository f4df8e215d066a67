/** A price as people state it, in parley.yaml or by command, and as the ledger keeps it: decimal USD. */
import type { Json } from '../core/json.ts'
import { decimalUsd, usd } from '../core/money.ts'
import { free, type Price, type Rates } from './price.ts'

/**
 * Decimal USD: per million tokens, per hour of the hardware with how many calls it answers at the same time, or per hour of
 * sound that is heard.
 */
export type StatedPrice =
  | {
      input: string
      output: string
      cacheRead?: string | undefined
      cacheWrite?: string | undefined
    }
  | { perHour: string; concurrency?: number | undefined }
  | { perAudioHour: string }

/** Throws a RangeError on what is no decimal. A stated 0 is a price. */
export function readPrice(stated: StatedPrice): Price {
  if ('perHour' in stated) {
    const { perHour, concurrency } = stated
    return { kind: 'hours', perHour: usd(perHour), concurrency }
  }
  if ('perAudioHour' in stated) return { ...free, fees: { audioHour: usd(stated.perAudioHour) } }
  const { cacheRead, cacheWrite } = stated
  const rates: Rates = { input: usd(stated.input), output: usd(stated.output) }
  if (cacheRead !== undefined) rates.cacheRead = usd(cacheRead)
  if (cacheWrite !== undefined) rates.cacheWrite = usd(cacheWrite)
  return { kind: 'tokens', rates }
}

/** The whole price as JSON, its amounts in decimal USD: what a row of the ledger keeps of it. */
export function priceSnapshot(price: Price): Json {
  return JSON.parse(
    JSON.stringify(price, (_key, value: unknown) => (typeof value === 'bigint' ? decimalUsd(value) : value)),
  )
}
