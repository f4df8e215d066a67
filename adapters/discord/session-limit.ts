/** How many sessions Parley may begin today. Discord resets the token of a bot that uses up all of them. */
import type { APIGatewaySessionStartLimit } from 'discord.js'

/** Left to restarts by hand, and to whoever repairs what spends the others. */
const reserve = 50

/** https://discord.com/developers/docs/events/gateway#session-start-limit-object */
export function maySpend({ remaining, total }: APIGatewaySessionStartLimit): number {
  return remaining - Math.min(reserve, Math.floor(total / 10))
}

export function countedAnew({ reset_after: ms }: APIGatewaySessionStartLimit): Date {
  return new Date(Date.now() + ms)
}
