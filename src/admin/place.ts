/** Where a setting or a budget holds, as people say it, and the scope that it means for whoever says it. */
import { ParleyError } from '../core/errors.ts'
import { type Scope, type Spender, scopeOf } from '../core/scope.ts'
import { type Grants, mayChange, whoMay } from './grants.ts'
import { mention } from './line.ts'

export type Place =
  | { kind: 'channel' | 'workspace' | 'all' | 'me' }
  | { kind: 'person' | 'otherChannel' | 'model' | 'key'; id: string }
  /** A scope in full, from where no channel and no person can be mentioned. */
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

/** `resolve`: of a model or a key by its name. */
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
      const userMessage =
        'That can be set for a channel, the workspace, everywhere or a person, not for a model or a key.'
      throw new ParleyError('command_invalid', userMessage)
    }
  }
}

/** The widest that somebody may change: what is meant when no place is named. */
export function widest(grants: Grants): Place {
  return { kind: grants.installation ? 'all' : grants.workspace ? 'workspace' : 'channel' }
}

/** Throws `command_forbidden`, which says who may. `own`: a person may change it for themselves. */
export function demand(grants: Grants, scope: Scope, spender: Spender, { own = false }: { own?: boolean } = {}): void {
  if (mayChange(grants, scope, spender) || (own && scope === scopeOf.user(spender))) return
  const hint = own ? ' For yourself add `me`.' : grants.channel ? ' For this channel add `channel`.' : ''
  throw new ParleyError(
    'command_forbidden',
    `What holds for ${nameOf(scope, spender)} is changed by ${whoMay(scope)} only. Ask one of them; \`/parley roles list\` names them.${hint}`,
  )
}

/** For people: `this channel`, `this workspace`, `everywhere`. */
export function nameOf(scope: Scope, spender: Spender): string {
  if (scope === 'all') return 'everywhere'
  if (scope === scopeOf.workspace(spender)) return 'this workspace'
  if (scope === scopeOf.channel(spender)) return 'this channel'
  if (scope === scopeOf.user(spender)) return 'you'
  const [kind, rest = ''] = scope.split(/:(.*)/s)
  const parts = rest.split('/').map(decodeURIComponent)
  const sameWorkspace = parts[0] === spender.platform && parts[1] === spender.workspaceId
  if (kind === 'user') return sameWorkspace ? `<@${parts[2]}>` : `the person ${parts.join('/')}`
  if (kind === 'channel') return sameWorkspace ? `<#${parts[2]}>` : `the channel ${parts.join('/')}`
  return kind === 'model' ? `the model ${parts.slice(1).join('/')}` : `the ${kind} ${parts.join('/')}`
}
