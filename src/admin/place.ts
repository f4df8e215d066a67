/** Where a setting or a budget applies, as people type it, and the scope that it means for them. */
import { ParleyError } from '../core/errors.ts'
import { ownScope, readScope, type Scope, scopeOf } from '../core/scope.ts'
import { permissionWording, type ScopeNames, scopeName, scopeWording } from '../wording/commands.ts'
import type { Caller } from './define.ts'
import { canChange, canReadBudget, type Grants, isOwn, whoCanChange } from './grants.ts'
import { mention } from './line.ts'

export type Place =
  | { kind: 'channel' | 'workspace' | 'all' | 'me' }
  /** `mentioned` by the platform's id; the others by name or id. */
  | { kind: 'mentioned' | 'otherChannel' | 'person' | 'team' | 'model' | 'key'; id: string }
  /** A full scope, for places without mentions such as the terminal. */
  | { kind: 'scope'; scope: Scope }

const said: Readonly<Record<string, Place>> = {
  channel: { kind: 'channel' },
  here: { kind: 'channel' },
  workspace: { kind: 'workspace' },
  server: { kind: 'workspace' },
  team: { kind: 'workspace' },
  everywhere: { kind: 'all' },
  all: { kind: 'all' },
  everybody: { kind: 'all' },
  me: { kind: 'me' },
}

export function readPlace(typed: string): Place | undefined {
  const known = said[typed.toLowerCase()]
  if (known !== undefined) return known
  const mentioned = mention(typed)
  if (mentioned !== undefined)
    return { kind: mentioned.kind === 'person' ? 'mentioned' : 'otherChannel', id: mentioned.id }
  if (/^@./.test(typed)) return { kind: 'person', id: typed.slice(1) }
  const [kind = '', rest = ''] = typed.split(/:(.*)/s)
  if (rest === '') return undefined
  if (kind === 'model' || kind === 'key' || kind === 'person' || kind === 'team') return { kind, id: rest }
  const scope = readScope(typed)
  return scope === undefined ? undefined : { kind: 'scope', scope }
}

/** `resolve` finds a model or a key by its name. */
export async function scopeOfPlace(
  place: Place,
  { spender, grants, names, personIdOf }: Pick<Caller, 'spender' | 'grants' | 'names' | 'personIdOf'>,
  resolve?: (kind: 'model' | 'key', id: string) => Promise<Scope>,
): Promise<Scope> {
  switch (place.kind) {
    case 'all':
      return 'all'
    case 'workspace':
      return scopeOf.workspace(spender)
    case 'channel':
      return scopeOf.channel(spender)
    case 'me':
      return ownScope(spender)
    case 'mentioned': {
      const account = scopeOf.user({ ...spender, userId: place.id })
      if (account === scopeOf.user(spender)) return ownScope(spender)
      const personId = await personIdOf(place.id)
      // An admin of this workspace alone decides about the account here, not about the person elsewhere.
      return personId !== undefined && canChange(grants, scopeOf.person(personId), spender)
        ? scopeOf.person(personId)
        : account
    }
    case 'person':
      return named(place.id, 'person', names, (scope) => isOwn(scope, spender) || canReadBudget(grants, scope, spender))
    case 'team':
      return named(place.id, 'team', names, () => true)
    case 'otherChannel':
      return scopeOf.channel({ ...spender, channelId: place.id })
    case 'scope':
      return place.scope
    default: {
      if (resolve !== undefined) return resolve(place.kind, place.id)
      throw new ParleyError('command_invalid', scopeWording.notForModelOrKey)
    }
  }
}

/** A person by mention, name or id. Throws `command_invalid`. */
export async function scopeOfPerson(
  typed: string,
  caller: Pick<Caller, 'spender' | 'grants' | 'names' | 'personIdOf'>,
) {
  const mentioned = mention(typed)
  const personId = mentioned?.kind === 'person' ? await caller.personIdOf(mentioned.id) : undefined
  if (personId !== undefined) return scopeOf.person(personId)
  return await scopeOfPlace({ kind: 'person', id: typed.replace(/^(?:@|person:)/, '') }, caller)
}

/** By name or id. Finds only people that the caller may know of. */
function named(typed: string, kind: 'person' | 'team', names: ScopeNames, known: (scope: Scope) => boolean): Scope {
  const wanted = typed.toLowerCase()
  const found = [...names].flatMap(([scope, name]) => {
    const [own, id] = scope.split(/:(.*)/s)
    return own === kind && (name.toLowerCase() === wanted || id === wanted) && known(scope) ? [scope] : []
  })
  const [only, another] = found
  if (only !== undefined && another === undefined) return only
  if (kind === 'team') throw new ParleyError('command_invalid', scopeWording.noTeam(typed))
  const problem = only === undefined ? scopeWording.noPerson(typed) : scopeWording.severalPeople(typed)
  throw new ParleyError('command_invalid', problem)
}

/** The widest scope that someone can change: the default when they name none. */
export function widest(grants: Grants): Place {
  return { kind: grants.installation ? 'all' : grants.workspace ? 'workspace' : 'channel' }
}

/** Throws `command_forbidden`, which says who can do it. `own`: people can do it for themselves. */
export function demand(
  { grants, spender, names }: Pick<Caller, 'grants' | 'spender' | 'names'>,
  scope: Scope,
  { own = false }: { own?: boolean } = {},
): void {
  if (canChange(grants, scope, spender) || (own && isOwn(scope, spender))) return
  const hint = own ? permissionWording.addMe : grants.channel ? permissionWording.addChannel : ''
  throw new ParleyError(
    'command_forbidden',
    permissionWording.scope(scopeName(scope, spender, names), whoCanChange(scope)) + hint,
  )
}
