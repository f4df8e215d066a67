/** A price in words: `$0.25 in, $2 out per million tokens, cached $0.025`. */
import { decimalUsd, type NanoUsd } from '../core/money.ts'
import type { Fees, Price, Rates } from './price.ts'

export function describePrice(price: Price): string {
  if (price.kind === 'hours') return `${money(price.perHour)} per hour, ${sharing(price.concurrency ?? 1)}`
  const { rates, above = [], fees = {} } = price
  const charged = fee(fees)
  const tokens = isFree(rates) ? [] : [`${inAndOut(rates)} per million tokens`, ...special(rates)]
  const tiers = above.map((tier) => {
    const rest = special(tier.rates)
    return `above ${tier.tokens.toLocaleString('en')} tokens ${[inAndOut(tier.rates), ...rest].join(', ')}`
  })
  const all = [[...tokens, ...charged].join(', '), ...tiers].filter((part) => part !== '')
  return all.length === 0 ? 'free' : all.join('; ')
}

function inAndOut({ input, output }: Rates): string {
  return `${money(input)} in, ${money(output)} out`
}

function isFree(rates: Rates): boolean {
  return Object.values(rates).every((rate: NanoUsd | undefined) => rate === undefined || rate === 0n)
}

function special({ cacheRead, cacheWrite, inputAudio, reasoning }: Rates): string[] {
  return named([
    ['cached', cacheRead],
    ['written to the cache', cacheWrite],
    ['sound', inputAudio],
    ['reasoning', reasoning],
  ])
}

function fee({ request, audioHour }: Fees): string[] {
  return named([
    ['each request', request],
    ['each hour of sound', audioHour],
  ])
}

function named(amounts: [string, NanoUsd | undefined][]): string[] {
  return amounts.flatMap(([name, amount]) => (amount === undefined ? [] : [`${name} ${money(amount)}`]))
}

function sharing(concurrency: number): string {
  return concurrency === 1 ? 'whole for each call while it runs' : `shared by ${concurrency} calls at the same time`
}

/** Exact, as on a price tag: `$2.50`, `$0.025`, `$2`. */
function money(amount: NanoUsd): string {
  return `$${decimalUsd(amount).replace(/\.\d$/, '$&0')}`
}
