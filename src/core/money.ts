/** Money is a whole number of nano-USD (1e-9 USD) in a bigint: sums are exact, and a token's price still has digits. */
export type NanoUsd = bigint

const NANOS_PER_USD = 1_000_000_000n

/**
 * Bounds of everything that is counted in money. Columns of amounts are signed 64-bit integers (9.2e18 nano-USD), and sums
 * of a few amounts must fit into them, too.
 */
export const bounds = {
  /** Of a price, a budget with what was granted to it, or a correction: a billion USD. */
  amount: 1_000_000_000n * NANOS_PER_USD,
  /** Of one call. More than any budget holds, so that a call whose price is absurd is refused like any other dear one. */
  call: 2_000_000_000n * NANOS_PER_USD,
  /** Tokens or milliseconds of one call. */
  count: 1_000_000_000,
} as const

/** A count that somebody else told, within its bounds. */
export function boundedCount(count: number): number {
  return Number.isFinite(count) ? Math.min(Math.max(0, Math.round(count)), bounds.count) : 0
}

/** What a call costs, within its bounds. */
export function boundedCost(cost: NanoUsd): NanoUsd {
  return cost > bounds.call ? bounds.call : cost
}

/** Reads a decimal such as `0.15` exactly. Throws a RangeError on anything else, more than nine decimals, or too much. */
export function usd(decimal: string): NanoUsd {
  const match = /^(\d{1,20})(?:\.(\d{1,9}))?$/.exec(decimal.trim())
  if (!match) throw new RangeError(`not an amount in USD with at most nine decimals: ${decimal.slice(0, 40)}`)
  const amount = BigInt(match[1] ?? '0') * NANOS_PER_USD + BigInt((match[2] ?? '').padEnd(9, '0'))
  if (amount > bounds.amount) throw new RangeError(`more than a billion USD: ${decimal}`)
  return amount
}

/** The amount exactly, as `usd` reads it: `0.15`. Not for amounts below zero. */
export function decimalUsd(amount: NanoUsd): string {
  const fraction = (amount % NANOS_PER_USD).toString().padStart(9, '0').replace(/0+$/, '')
  return `${amount / NANOS_PER_USD}${fraction === '' ? '' : `.${fraction}`}`
}

/** `$1.25`, `$0.0042`, `$0`: at least two decimals, and as many as the first two significant digits need. */
export function formatUsd(amount: NanoUsd): string {
  if (amount === 0n) return '$0'
  const sign = amount < 0n ? '-' : ''
  const digits = (amount < 0n ? -amount : amount).toString().padStart(10, '0')
  const whole = digits.slice(0, -9)
  const fraction = digits.slice(-9)
  const firstDigit = fraction.search(/[1-9]/)
  const decimals = whole !== '0' || firstDigit < 0 ? 2 : Math.max(2, firstDigit + 2)
  return `${sign}$${whole}.${fraction.slice(0, decimals)}`
}
