/** API keys for their owners: those of a person on the page, and what a key has spent. A part of the composition root. */
import { randomUUID } from 'node:crypto'
import type { AccountDeps } from '../../adapters/api/account.ts'
import { conversationOf } from '../../adapters/api/normalize.ts'
import type { OwnKeys } from '../../adapters/console/keys.ts'
import { timeZoneFor } from '../admin/effective.ts'
import { createKeyChanges } from '../admin/key-changes.ts'
import { decimalUsd } from '../core/money.ts'
import { scopeOf, spenderOf } from '../core/scope.ts'
import { keyRevokedTopic } from '../core/topics.ts'
import { windowOf } from '../core/window.ts'
import { budgetsTopic } from '../routing/ledger-budget.ts'
import { createAudit } from '../store/audit.ts'
import { createBudgets } from '../store/budgets.ts'
import { createUsage } from '../store/usage.ts'
import type { Services } from './services.ts'

export function createKeyUsage({ config, state, messaging }: Pick<Services, 'config' | 'state' | 'messaging'>) {
  const usage = createUsage(state.database)
  const budgets = createBudgets(state.database)
  const zone = { settings: messaging.settings, timeZone: config.timeZone }

  const usageOf: AccountDeps['usageOf'] = async (key, period) => {
    const { platform, workspaceId, channelId } = conversationOf('-', key)
    const timeZone = await timeZoneFor(zone, spenderOf({ platform, workspaceId, channelId }, { id: key.id }, key.id))
    const { startsAt, endsAt } = windowOf(period, timeZone, new Date())
    const asked = { within: { platform, workspaceId, channelId }, from: startsAt, to: endsAt }
    const [all, models, limits] = await Promise.all([
      usage.rows(asked),
      usage.rows({ ...asked, by: 'model' }),
      budgets.list([scopeOf.key(key.id)]),
    ])
    const [total] = all
    return {
      starts_at: startsAt.toISOString(),
      ends_at: endsAt.toISOString(),
      time_zone: timeZone,
      questions: total === undefined ? 0 : total.done + total.failed + total.stopped,
      cost_usd: decimalUsd(total?.cost ?? 0n),
      by_model: models.map(({ key: model, calls, inputTokens, outputTokens, cost }) => ({
        model: model ?? '',
        calls,
        input_tokens: Number(inputTokens),
        output_tokens: Number(outputTokens),
        cost_usd: decimalUsd(cost),
      })),
      budgets: limits.map(({ period, amount, extra, spent, reserved, resetsAt }) => ({
        period,
        limit_usd: decimalUsd(amount + extra),
        spent_usd: decimalUsd(spent),
        reserved_usd: decimalUsd(reserved),
        resets_at: resetsAt.toISOString(),
      })),
    }
  }
  return usageOf
}

export function createOwnKeys({ config, state, messaging }: Pick<Services, 'config' | 'state' | 'messaging'>): OwnKeys {
  const { keys, database } = state
  const { channel, settings } = messaging
  const changes = createKeyChanges({
    audit: createAudit(database),
    keys,
    budgetsChanged: () => channel.publish(budgetsTopic, null),
    announceRevoked: (keyId) => channel.publish(keyRevokedTopic, keyId),
  })
  return {
    list: keys.list,
    async create({ amount, period, ...key }, personId, by) {
      const zone = { settings, timeZone: config.timeZone }
      const own = { platform: 'console', workspaceId: 'local', channelId: personId, userId: personId, personId }
      const budget = { amount, period, timeZone: await timeZoneFor(zone, own) }
      return await changes.create({ ...key, budget, ownerId: personId }, by, randomUUID())
    },
    revoke: (id, personId, by) => changes.revoke(id, personId, by, randomUUID()),
  }
}
