/** Tells admins of a model's server that counts more tokens than possible: once a day for each model. */
import type { Usage } from '../core/reply.ts'
import { scopeOf } from '../core/scope.ts'
import type { PaidCall } from '../routing/budget.ts'
import type { Ledger } from '../store/ledger.ts'
import { countAlertWording } from '../wording/models.ts'
import type { Alerts } from './alerts.ts'

const dayMs = 86_400_000

export type CountAlerts = (
  call: Pick<PaidCall, 'id' | 'provider' | 'model'>,
  booked: Usage & Required<Pick<Usage, 'told'>>,
) => Promise<void>

export function createCountAlerts({
  alerts,
  ledger,
  now = () => new Date(),
}: {
  alerts: Pick<Alerts, 'send'>
  ledger: Pick<Ledger, 'miscounted'>
  now?: () => Date
}): CountAlerts {
  /** By model, when this process told of it last. */
  const told = new Map<string, number>()
  return async ({ id, provider, model }, booked) => {
    const at = now()
    const scope = scopeOf.model(provider, model)
    if (at.getTime() - (told.get(scope) ?? Number.NEGATIVE_INFINITY) < dayMs) return
    told.set(scope, at.getTime())
    try {
      // Another process, or this one before it started again, has told of it.
      if (await ledger.miscounted({ provider, model, since: new Date(at.getTime() - dayMs), otherThan: id })) return
      const text = countAlertWording.tooMany(`${provider}/${model}`, booked)
      await alerts.send('all', { text }, `counts-${id}`)
    } catch (error) {
      told.delete(scope)
      throw error
    }
  }
}
