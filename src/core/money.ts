/** Money is a whole number of nano-USD (1e-9 USD) in a bigint: sums are exact, and a token's price still has digits. */
export type NanoUsd = bigint

const NANOS_PER_USD = 1_000_000_000n

/** Reads a decimal such as `0.15` exactly. Throws a RangeError on anything else or on more than nine decimals. */
export function usd(decimal: string): NanoUsd {
  const match = /^(\d+)(?:\.(\d{1,9}))?$/.exec(decimal.trim())
  if (!match) throw new RangeError(`not an amount in USD with at most nine decimals: ${decimal}`)
  return BigInt(match[1] ?? '0') * NANOS_PER_USD + BigInt((match[2] ?? '').padEnd(9, '0'))
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
