/** What admins make known on the page, and managers to their team: the same changes as `/parley learn` and `/parley collections`. See account-api.ts. */
import {
  type CollectionAbout,
  type Collections,
  mayBeGranted,
  type NewSource,
  readAddress,
  refreshHoursOf,
  type Teacher,
} from '../../src/core/collections.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import { isWithin, readScope, type Scope, scopeOf } from '../../src/core/scope.ts'
import { collectionWording } from '../../src/wording/collections.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { type Accounts, bodyAs, changerOf, idOf, personOf } from './account.ts'
import {
  AddSource,
  ChangeGrant,
  type CollectionList,
  type CollectionRow,
  NewCollection,
  NewTeamCollection,
  type TeamCollectionList,
} from './account-api.ts'
import { isManager, managedTeam } from './admin.ts'
import type { Board, Owner } from './board.ts'
import { localAuthor } from './normalize.ts'

export interface CollectionRoutes {
  collections: Collections
  accounts: Pick<Accounts, 'teams'>
  board: Pick<Board, 'uploads'>
  ownerOf(context: HttpContext): Promise<Owner>
}

export function collectionRoutes({ collections, accounts, board, ownerOf }: CollectionRoutes): Route[] {
  const access = ['admin'] as const
  const body = { maxBytes: 64_000 }
  const path = '/console/admin/collections'
  const teamPath = '/console/teams/:id/collections'

  async function rowOf(id: string): Promise<CollectionRow> {
    return toRow(await found(id))
  }

  async function found(id: string): Promise<CollectionAbout> {
    const collection = await collections.find(id)
    if (collection === null) throw new ParleyError('request_invalid', collectionWording.gone)
    return collection
  }

  /** The scopes that the caller can change as a manager: their teams and what belongs to them. `null`: all. */
  async function managedScopes(context: HttpContext): Promise<ReadonlySet<string> | null> {
    const { personId, role } = personOf(context)
    if (role === 'admin') return null
    const own = (await accounts.teams.list()).filter((team) => isManager(team, personId))
    return new Set(own.flatMap(({ id, places }) => [scopeOf.team(id), ...places]))
  }

  const mayChange = ({ grants }: CollectionAbout, managed: ReadonlySet<string> | null) =>
    managed === null || grants.every((scope) => isWithin(scope, managed))

  /** One of the team's collections. Another one looks as if it did not exist. */
  async function changeable(context: HttpContext): Promise<string> {
    const team = await managedTeam(accounts.teams, context)
    const collection = await found(idOf(context, 'collectionId'))
    if (!collection.grants.includes(scopeOf.team(team.id)))
      throw new ParleyError('request_invalid', collectionWording.gone)
    if (!mayChange(collection, await managedScopes(context)))
      throw new ParleyError('request_forbidden', collectionWording.notYours(collection.name))
    return collection.id
  }

  async function sourceOf(wanted: AddSource, context: HttpContext): Promise<NewSource> {
    if ('uploadId' in wanted) {
      const [upload] = await board.uploads([wanted.uploadId], await ownerOf(context))
      if (upload === undefined) throw new ParleyError('file_missing', consoleWording.uploadMissing)
      const { uploadId: id, name, mediaType, bytes, contentHash: blob } = upload
      return { kind: 'upload', attachment: { id, name, mediaType, bytes, blob, voiceNote: false, locator: { blob } } }
    }
    const link = readAddress(wanted.address)
    if (link === undefined) throw new ParleyError('request_invalid', collectionWording.noAddress)
    const { key, address } = link
    const common = { key, address, title: address, refreshHours: refreshHoursOf(wanted.refresh) }
    return wanted.pages === undefined ? { kind: 'link', ...common } : { kind: 'site', pages: wanted.pages, ...common }
  }

  return [
    {
      method: 'GET',
      path,
      access,
      async handle(context) {
        const [all, teams] = await Promise.all([collections.list(), accounts.teams.list()])
        const answer: CollectionList = {
          collections: all.map(toRow),
          teams: teams.map(({ id, name }) => ({ id, name })),
        }
        return context.json(answer)
      },
    },
    {
      method: 'POST',
      path,
      access,
      body,
      async handle(context) {
        const { name, scope } = bodyAs(NewCollection, context)
        const { id } = await collections.create(name, scopeIn(scope), changerOf(context))
        return context.json(await rowOf(id), 201)
      },
    },
    ...changes(`${path}/:id`, 'admin', async (context) => idOf(context, 'id')),
    {
      method: 'PUT',
      path: `${path}/:id/grants`,
      access,
      body,
      async handle(context) {
        const id = idOf(context, 'id')
        const { scope, granted } = bodyAs(ChangeGrant, context)
        if (granted) await collections.grant(id, scopeIn(scope), changerOf(context))
        else await collections.revoke(id, scopeIn(scope), changerOf(context))
        return context.json(await rowOf(id))
      },
    },
    {
      method: 'GET',
      path: teamPath,
      access: ['page'],
      async handle(context) {
        const { id } = await managedTeam(accounts.teams, context)
        const [all, managed] = await Promise.all([collections.list(), managedScopes(context)])
        const own = all.filter(({ grants }) => grants.includes(scopeOf.team(id)))
        const answer: TeamCollectionList = {
          collections: own.map((each) => ({ ...toRow(each), changeable: mayChange(each, managed) })),
        }
        return context.json(answer)
      },
    },
    {
      method: 'POST',
      path: teamPath,
      access: ['page'],
      body,
      async handle(context) {
        const team = await managedTeam(accounts.teams, context)
        const { name } = bodyAs(NewTeamCollection, context)
        const { id } = await collections.create(name, scopeOf.team(team.id), changerOf(context))
        return context.json(await rowOf(id), 201)
      },
    },
    ...changes(`${teamPath}/:collectionId`, 'page', changeable),
  ]

  /** What changes one collection. `idIn` answers its id where the caller may do that. */
  function changes(path: string, who: 'admin' | 'page', idIn: (context: HttpContext) => Promise<string>): Route[] {
    const access = [who] as const
    return [
      {
        method: 'DELETE',
        path: path,
        access,
        async handle(context) {
          await collections.remove(await idIn(context), changerOf(context))
          return context.body(null, 204)
        },
      },
      {
        method: 'POST',
        path: `${path}/sources`,
        access,
        body,
        async handle(context) {
          const id = await idIn(context)
          await collections.add(id, await sourceOf(bodyAs(AddSource, context), context), teacherOf(context))
          return context.json(await rowOf(id), 201)
        },
      },
      {
        method: 'DELETE',
        path: `${path}/sources/:sourceId`,
        access,
        async handle(context) {
          const id = await idIn(context)
          await collections.removeSource(id, idOf(context, 'sourceId'), changerOf(context))
          return context.json(await rowOf(id))
        },
      },
      {
        method: 'POST',
        path: `${path}/refresh`,
        access,
        body,
        async handle(context) {
          const id = await idIn(context)
          await collections.refresh(id)
          return context.json(await rowOf(id))
        },
      },
    ]
  }
}

function toRow({ createdAt, sources, ...row }: CollectionAbout): CollectionRow {
  return {
    ...row,
    createdAt: createdAt.toISOString(),
    sources: sources.map(({ refreshedAt, ...source }) => ({
      ...source,
      refreshedAt: refreshedAt?.toISOString() ?? null,
    })),
  }
}

/** Throws `request_invalid`. */
function scopeIn(written: string): Scope {
  const scope = readScope(written.trim())
  if (scope === undefined || !mayBeGranted(scope)) throw new ParleyError('request_invalid', collectionWording.noScope)
  return scope
}

/** Paid calls, such as hearing a recording, count as those of whoever taught it. */
function teacherOf(context: HttpContext): Teacher {
  const caller = context.get('caller')
  const person = caller.as === 'page' ? caller.person : null
  const place = { platform: 'console', workspaceId: 'local', channelId: 'collections' }
  return {
    by: changerOf(context),
    spender: { ...place, userId: person?.personId ?? localAuthor.id, personId: person?.personId },
  }
}
