/**
 * What admins and people set by command, per scope. THE table: name → schema. A narrower scope overrides a wider one, except that
 * restrictions add up (src/admin/effective.ts). Implemented in settings-postgres.ts.
 */
import { z } from 'zod'
import { ReplyTarget } from '../core/message.ts'
import type { Scope } from '../core/scope.ts'

/** A model as settings name it: `provider/id`. */
const ModelKey = z.string().min(1)
/** Decimal USD, such as `0.15`. */
const Usd = z.string().regex(/^\d+(?:\.\d{1,9})?$/)

export const settings = {
  /** Models: default, pinned and disabled ones, names and prices. */
  'models.default': ModelKey,
  'models.pinned': ModelKey,
  'models.disabled': z.array(ModelKey),
  'models.aliases': z.record(z.string(), ModelKey),
  'models.prices': z.record(
    ModelKey,
    z.union([
      z.object({
        input: Usd,
        output: Usd,
        cacheRead: Usd.optional(),
        cacheWrite: Usd.optional(),
      }),
      z.object({ perHour: Usd, concurrency: z.int().positive().optional() }),
    ]),
  ),
  /** Policy. */
  'policy.localOnly': z.boolean(),
  'policy.allowedModels': z.array(ModelKey),
  'policy.guests': z.enum(['answer', 'refuse']),
  /** Which messages in a thread Parley answers without a mention, where it has answered before. */
  'policy.followUps': z.enum(['always', 'named', 'asker']),
  'policy.atLimit': z.enum(['cheaper', 'refuse']),
  /** Limits of one person or one channel, depending on the scope. */
  'limits.requestsPerMinute': z.int().positive(),
  'limits.concurrentTurns': z.int().positive(),
  /** Where alerts and approval requests are sent. */
  'alerts.target': ReplyTarget,
  /** IANA, such as `Europe/Berlin`: in which days, weeks and months budgets reset. */
  timezone: z.string(),
  /** Roles by the platform's id of a person; for a channel, its managers. */
  roles: z.record(z.string(), z.enum(['manager', 'admin'])),
  /** How Parley answers. */
  'persona.instructions': z.string().max(4000),
  'persona.language': z.string().max(80),
  'persona.temperature': z.number().min(0).max(2),
  'persona.maxOutputTokens': z.int().min(16),
  'persona.templates': z.record(z.string(), z.string().max(8000)),
} as const satisfies Record<string, z.ZodType>

export type SettingName = keyof typeof settings
export type SettingValue<Name extends SettingName> = z.infer<(typeof settings)[Name]>

/** Who changed something, and through what. */
export interface Changer {
  /** `slack/T1/U1`, `console/local/local`. */
  id: string
  name?: string
  /** `command`, or what else it was. */
  via: string
}

/** What is set for one scope. */
export type SettingsOf = { [Name in SettingName]?: SettingValue<Name> }

export interface Settings {
  /** All values set for these scopes, in their order. Cached: a change anywhere is seen within a moment everywhere. */
  read(scopes: readonly Scope[]): Promise<ReadonlyMap<Scope, SettingsOf>>
  /**
   * Sets or, with `null`, removes a value, and writes the audit log in the same statement. `change` gets the value as it is
   * at that moment and may run again when somebody else was faster. Answers before and after; where they are equal nothing is
   * written. Throws `command_invalid` when the value is not of the setting's shape.
   */
  change<Name extends SettingName>(
    scope: Scope,
    name: Name,
    change: (before: SettingValue<Name> | null) => SettingValue<Name> | null,
    by: Changer,
  ): Promise<{ before: SettingValue<Name> | null; after: SettingValue<Name> | null }>
}
