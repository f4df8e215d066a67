/**
 * Combines the settings of all scopes of a question. Restrictions add up, so a narrower scope cannot loosen a wider
 * one: local-only anywhere wins, allowed lists intersect, disabled models unite, refused guests stay refused, the web and the memory of files stay off. Persona
 * instructions are joined from wide to narrow. For everything else the narrowest scope wins.
 */
import type { FollowUps } from '../core/addressing.ts'
import type { WebMode } from '../core/message.ts'
import { type Scope, type Spender, scopesOf } from '../core/scope.ts'
import type { Settings, SettingsOf } from '../store/settings.ts'

export interface Effective {
  models: {
    default: string | undefined
    pinned: string | undefined
    /** `provider/id` of the models that cannot answer here. */
    disabled: ReadonlySet<string>
    /** Typed name → `provider/id`. */
    aliases: Readonly<Record<string, string>>
  }
  policy: {
    localOnly: boolean
    /** `provider/id` of the only models that can answer; `undefined`: any. */
    allowedModels: ReadonlySet<string> | undefined
    guests: 'answer' | 'refuse'
    atLimit: 'cheaper' | 'refuse'
    followUps: FollowUps
    web: WebMode
    memory: boolean
    tools: boolean
    approvals: 'asker' | 'admins'
  }
  /** IANA; `undefined`: the time zone of the configuration. */
  timezone: string | undefined
  persona: {
    instructions: string | undefined
    language: string | undefined
    temperature: number | undefined
    maxOutputTokens: number | undefined
    templates: Readonly<Record<string, string>>
  }
}

/** `found` in the order of `scopes`, widest first. */
export function effective(scopes: readonly Scope[], found: ReadonlyMap<Scope, SettingsOf>): Effective {
  const all = scopes.map((scope) => found.get(scope) ?? {})
  const each = <Name extends keyof SettingsOf>(name: Name) =>
    all.flatMap((values) => {
      const value = values[name]
      return value === undefined ? [] : [value as Exclude<SettingsOf[Name], undefined>]
    })
  const narrowest = <Name extends keyof SettingsOf>(name: Name) => each(name).at(-1)
  const lists = each('policy.allowedModels')
  return {
    models: {
      default: narrowest('models.default'),
      pinned: narrowest('models.pinned'),
      disabled: new Set(each('models.disabled').flat()),
      aliases: Object.assign({}, ...each('models.aliases')),
    },
    policy: {
      localOnly: each('policy.localOnly').includes(true),
      allowedModels: lists.length === 0 ? undefined : new Set(intersection(lists)),
      guests: each('policy.guests').includes('refuse') ? 'refuse' : 'answer',
      atLimit: narrowest('policy.atLimit') ?? 'cheaper',
      followUps: narrowest('policy.followUps') ?? 'always',
      web: each('policy.web').includes('off') ? 'off' : (narrowest('policy.web') ?? 'auto'),
      memory: !each('policy.memory').includes(false),
      tools: !each('policy.tools').includes(false),
      approvals: each('policy.approvals').includes('admins') ? 'admins' : 'asker',
    },
    timezone: narrowest('timezone'),
    persona: {
      instructions: each('persona.instructions').join('\n\n') || undefined,
      language: narrowest('persona.language'),
      temperature: narrowest('persona.temperature'),
      maxOutputTokens: narrowest('persona.maxOutputTokens'),
      templates: Object.assign({}, ...each('persona.templates')),
    },
  }
}

function intersection([first = [], ...others]: string[][]): string[] {
  return first.filter((model) => others.every((list) => list.includes(model)))
}

export async function effectiveFor(settings: Pick<Settings, 'read'>, spender: Spender): Promise<Effective> {
  const scopes = scopesOf(spender)
  return effective(scopes, await settings.read(scopes))
}

export interface ZoneDeps {
  settings: Settings
  /** The time zone of the configuration. IANA. */
  timeZone: string
}

/** The time zone in which days, weeks and months begin: set by command, or else by the configuration. */
export async function timeZoneFor({ settings, timeZone }: ZoneDeps, spender: Spender): Promise<string> {
  return (await effectiveFor(settings, spender)).timezone ?? timeZone
}
