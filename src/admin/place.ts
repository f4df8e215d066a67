/** Where a setting or a budget applies, as people type it, and the scope that it means for them. */
import { ParleyError } from '../core/errors.ts'
import { type Scope, type Spender, scopeOf } from '../core/scope.ts'
import { permissionWording, scopeName, scopeWording } from '../wording/commands.ts'
import { canChange, type Grants, whoCanChange } from './grants.ts'
import { mention } from './line.ts'

export type Place =
  | { kind: 'channel' | 'workspace' | 'all' | 'me' }
  | { kind: 'person' | 'otherChannel' | 'model' | 'key'; id: string }
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
  me: { kind: 'me' },
}

export function readPlace(typed: string): Place | undefined {
  const known = said[typed.toLowerCase()]
  if (known !== undefined) return known
  const mentioned = mention(typed)
  if (mentioned !== undefined)
    return { kind: mentioned.kind === 'person' ? 'person' : 'otherChannel', id: mentioned.id }
  const [kind = '', rest = ''] = typed.split(/:(.*)/s)
  if (rest === '') return undefined
  if (kind === 'model' || kind === 'key') return { kind, id: rest }
  const parts = rest.split('/')
  const wanted = { workspace: 2, channel: 3, user: 3 }[kind]
  if (wanted === undefined || parts.length !== wanted || parts.includes('')) return undefined
  return { kind: 'scope', scope: `${kind as 'workspace' | 'channel' | 'user'}:${rest}` }
}

/** `resolve` finds a model or a key by its name. */
export async function scopeOfPlace(
  place: Place,
  spender: Spender,
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
      return scopeOf.user(spender)
    case 'person':
      return scopeOf.user({ ...spender, userId: place.id })
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

/** The widest scope that someone can change: the default when they name none. */
export function widest(grants: Grants): Place {
  return { kind: grants.installation ? 'all' : grants.workspace ? 'workspace' : 'channel' }
}

/** Throws `command_forbidden`, which says who can do it. `own`: people can do it for themselves. */
export function demand(grants: Grants, scope: Scope, spender: Spender, { own = false }: { own?: boolean } = {}): void {
  if (canChange(grants, scope, spender) || (own && scope === scopeOf.user(spender))) return
  const hint = own ? permissionWording.addMe : grants.channel ? permissionWording.addChannel : ''
  throw new ParleyError(
    'command_forbidden',
    permissionWording.scope(scopeName(scope, spender), whoCanChange(scope)) + hint,
  )
}
