/** An amount of money in parley.yaml. */
import { z } from 'zod'
import { decimalUsd, usd } from '../core/money.ts'
import { settingMust } from '../wording/startup.ts'

/** Decimal USD, kept as text because prices are never floats. */
export const Amount = z.union([z.string(), z.number()], settingMust.beAmount).transform((value, context) => {
  try {
    return decimalUsd(usd(String(value)))
  } catch {
    context.addIssue(settingMust.beAmount)
    return z.NEVER
  }
})
