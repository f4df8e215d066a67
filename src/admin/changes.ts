/** One change of one setting by a command: checks permission, changes the value, and returns it with the one before. */

import { createHash } from 'node:crypto'
import type { Scope } from '../core/scope.ts'
import type { AdminChanges } from '../models/catalogue.ts'
import type { SettingName, Settings, SettingValue } from '../store/settings.ts'
import { scopeName } from '../wording/commands.ts'
import type { Caller } from './define.ts'
import { demand, type Place, scopeOfPlace, widest } from './place.ts'

export interface Changed<Name extends SettingName> {
  scope: Scope
  /** The scope as its `scopeName`. */
  who: string
  before: SettingValue<Name> | null
  after: SettingValue<Name> | null
}

export interface ChangeOptions {
  /** Default: the widest scope that the caller can change. */
  place?: Place | undefined
  /** People can change it for themselves, which is also the default scope. */
  own?: boolean
}

export async function changeSetting<Name extends SettingName>(
  settings: Settings,
  caller: Caller,
  name: Name,
  change: (before: SettingValue<Name> | null) => SettingValue<Name> | null,
  { place, own = false }: ChangeOptions = {},
): Promise<Changed<Name>> {
  const { grants, spender, names, by } = caller
  const scope = await scopeOfPlace(place ?? (own ? { kind: 'me' } : widest(grants)), caller)
  demand(caller, scope, { own })
  const { before, after } = await settings.change(scope, name, change, by)
  return { scope, who: scopeName(scope, spender, names), before, after }
}

/** `null` for an empty list or table: an empty setting is not set. */
export function orNull<T extends object>(value: T): T | null {
  return Object.keys(value).length === 0 ? null : value
}

/** The id of an audit entry: the same when the same call runs again. */
export function changeId({ call }: Caller, name: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([call.conversation.platform, call.id, name]))
    .digest('hex')
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-5$3-8$4-$5')
}

/** Models as admins changed them for everyone. */
export function catalogueChanges(settings: Pick<Settings, 'read'>): () => Promise<AdminChanges> {
  return async () => {
    const all = (await settings.read(['all'])).get('all') ?? {}
    return {
      disabled: all['models.disabled'],
      aliases: all['models.aliases'],
      prices: all['models.prices'],
      default: all['models.default'],
    }
  }
}
