/**
 * What admins and people set by command, per scope. THE table: name → schema. A narrower scope overrides a wider one, except that
 * restrictions add up (src/admin/effective.ts). Below it the port, and its rows.
 */

import { randomUUID } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { monotonic } from '../core/clock.ts'
import { ParleyError } from '../core/errors.ts'
import { storableJson } from '../core/json.ts'
import type { Log } from '../core/log.ts'
import { ReplyTarget, WebMode } from '../core/message.ts'
import type { Changer } from '../core/person.ts'
import type { Scope } from '../core/scope.ts'
import type { Channel } from '../queue/channel.ts'
import { settingWording } from '../wording/storage.ts'
import type { Database, Statement } from './database.ts'

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
  'policy.web': WebMode,
  /** `false`: files shared earlier are not searched. */
  'policy.memory': z.boolean(),
  'policy.tools': z.boolean(),
  /** Who decides about calls of tools that change something. */
  'policy.approvals': z.enum(['asker', 'admins']),
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

/**
 * Settings as rows, cached in this process. Another process's change drops the cached copy through a message on the channel; if
 * that is lost, the copy expires after a few seconds.
 */
export interface SettingsDeps {
  database: Pick<Database, 'query' | 'prisma'>
  channel: Pick<Channel, 'publish' | 'subscribe'>
  log: Log
  now?: () => number
  /** Default 5 s. */
  maxAgeMs?: number
}

const topic = 'settings'
const maxScopes = 10_000
/** Each concurrent change of the same value can win once. */
const tries = 50

export async function createSettings(deps: SettingsDeps): Promise<Settings & { close(): Promise<void> }> {
  const { channel, log, now = monotonic, maxAgeMs = 5000 } = deps
  const { query, prisma } = deps.database
  const known = new Map<Scope, { values: SettingsOf; at: number }>()
  /** Counts changes, so that values read before one are not cached. */
  let changes = 0

  function forget(scope: Scope): void {
    changes += 1
    known.delete(scope)
  }
  const close = await channel.subscribe(topic, (scope) => {
    if (typeof scope === 'string') forget(scope as Scope)
  })

  async function load(scopes: Scope[]): Promise<Map<Scope, SettingsOf>> {
    const since = changes
    const at = now()
    const found = new Map<Scope, SettingsOf>(scopes.map((scope) => [scope, {}]))
    for (const { scope, name, value } of await prisma.setting.findMany({ where: { scope: { in: scopes } } })) {
      const values = found.get(scope as Scope)
      if (values !== undefined && isSetting(name)) assign(values, name, value, log)
    }
    if (since === changes) {
      if (known.size + scopes.length > maxScopes) known.clear()
      for (const [scope, values] of found) known.set(scope, { values, at })
    }
    return found
  }

  async function current(scope: Scope, name: SettingName): Promise<{ value: unknown; changeId: string | null }> {
    const row = await prisma.setting.findUnique({ where: { scope_name: { scope, name } } })
    const parsed = row === null ? undefined : settings[name].safeParse(row.value)
    return { value: parsed?.success ? parsed.data : null, changeId: row?.changeId ?? null }
  }

  return {
    close,

    async read(scopes) {
      const oldest = now() - maxAgeMs
      const missing = scopes.filter((scope) => (known.get(scope)?.at ?? Number.NEGATIVE_INFINITY) < oldest)
      const loaded = missing.length === 0 ? new Map<Scope, SettingsOf>() : await load(missing)
      return new Map(scopes.map((scope) => [scope, loaded.get(scope) ?? known.get(scope)?.values ?? {}]))
    },

    async change(scope, name, change, by) {
      for (let attempt = 0; attempt < tries; attempt += 1) {
        const { value, changeId } = await current(scope, name)
        const before = value as Parameters<typeof change>[0]
        const wanted = change(before)
        const after = wanted === null ? null : (settings[name].safeParse(wanted).data as typeof wanted | undefined)
        if (after === undefined) throw new ParleyError('command_invalid', settingWording.invalidValue(name))
        if (isDeepStrictEqual(before, after)) return { before, after }
        const values = [before, after].map((each) => (each === null ? null : storableJson(each)))
        const [row] = await query<{ changed: boolean }>(write, [
          ...[scope, name, changeId, randomUUID(), ...values],
          ...[by.id, by.name ?? null, by.via],
        ])
        if (row?.changed !== true) continue
        forget(scope)
        channel.publish(topic, scope)
        return { before, after }
      }
      throw new ParleyError('internal', settingWording.changedByOthers)
    },
  }
}

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(settings, name)
}

/** Ignores values that this version does not know; a newer version may have written them. */
function assign<Name extends SettingName>(values: SettingsOf, name: Name, value: unknown, log: Log): void {
  const parsed = settings[name].safeParse(value)
  if (parsed.success) Object.assign(values, { [name]: parsed.data })
  else log.warn({ name }, 'ignoring a setting with an unknown format')
}

/** Changes the value only if it is still the one that was read ($3). Sent twice, it reports success again. */
const write: Statement = {
  name: 'setting_write',
  text: `
with added as (
  insert into setting (scope, name, value, change_id) select $1, $2, $6::jsonb, $4::uuid where $3::uuid is null and $6 is not null
  on conflict do nothing returning 1
), changed as (
  update setting set value = $6::jsonb, change_id = $4::uuid
  where scope = $1 and name = $2 and change_id = $3::uuid and $6 is not null returning 1
), removed as (
  delete from setting where scope = $1 and name = $2 and change_id = $3::uuid and $6 is null returning 1
), log as (
  insert into audit (id, by, by_name, via, scope, name, before, after)
  select $4::uuid, $7, $8, $9, $1, $2, $5::jsonb, $6::jsonb
  from (select from added union all select from changed union all select from removed) done
  returning 1
)
select exists (select from log) or exists (select from audit where id = $4::uuid) as changed`,
}
