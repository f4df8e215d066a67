/** Discord's ids tell when they were made: https://discord.com/developers/docs/reference#snowflakes */

const epoch = 1_420_070_400_000n

/** Milliseconds since 1970. */
export function madeAt(id: string): number {
  return Number((BigInt(id) >> 22n) + epoch)
}
