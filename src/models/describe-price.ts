/** A price in words: `$0.25 in, $2 out per million tokens, cached $0.025`. */
import { decimalUsd, type NanoUsd } from '../core/money.ts'
import { priceWording } from '../wording/models.ts'
import type { Fees, Price, Rates } from './price.ts'

export function describePrice(price: Price): string {
  if (price.kind === 'hours') return priceWording.perHour(money(price.perHour), price.concurrency ?? 1)
  const { rates, above = [], fees = {} } = price
  const charged = fee(fees)
  const tokens = isFree(rates) ? [] : [priceWording.perMillion(inAndOut(rates)), ...special(rates)]
  const tiers = above.map((tier) => {
    const rest = special(tier.rates)
    return priceWording.above(tier.tokens, [inAndOut(tier.rates), ...rest].join(', '))
  })
  const all = [[...tokens, ...charged].join(', '), ...tiers].filter((part) => part !== '')
  return all.length === 0 ? priceWording.free : all.join('; ')
}

function inAndOut({ input, output }: Rates): string {
  return priceWording.inAndOut(money(input), money(output))
}

function isFree(rates: Rates): boolean {
  return Object.values(rates).every((rate: NanoUsd | undefined) => rate === undefined || rate === 0n)
}

function special({ cacheRead, cacheWrite, inputAudio, reasoning }: Rates): string[] {
  return named([
    [priceWording.cached, cacheRead],
    [priceWording.cacheWrite, cacheWrite],
    [priceWording.audio, inputAudio],
    [priceWording.reasoning, reasoning],
  ])
}

function fee({ request, audioHour }: Fees): string[] {
  return [
    ...(request === undefined ? [] : [`${money(request)} ${priceWording.request}`]),
    ...(audioHour === undefined ? [] : [`${money(audioHour)} ${priceWording.audioHour}`]),
  ]
}

function named(amounts: [string, NanoUsd | undefined][]): string[] {
  return amounts.flatMap(([name, amount]) => (amount === undefined ? [] : [`${name} ${money(amount)}`]))
}

/** Exact, as on a price tag: `$2.50`, `$0.025`, `$2`. */
function money(amount: NanoUsd): string {
  return `$${decimalUsd(amount).replace(/\.\d$/, '$&0')}`
}
