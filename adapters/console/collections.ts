/** What admins make known on the page: the same changes as `/parley learn` and `/parley collections`. See account-api.ts. */
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
import { readScope, type Scope } from '../../src/core/scope.ts'
import { collectionWording } from '../../src/wording/collections.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { type Accounts, bodyAs, changerOf, idOf } from './account.ts'
import { AddSource, ChangeGrant, type CollectionList, type CollectionRow, NewCollection } from './account-api.ts'
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

  async function rowOf(id: string): Promise<CollectionRow> {
    const found = await collections.find(id)
    if (found === null) throw new ParleyError('request_invalid', collectionWording.gone)
    return toRow(found)
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
    {
      method: 'DELETE',
      path: `${path}/:id`,
      access,
      async handle(context) {
        await collections.remove(idOf(context, 'id'), changerOf(context))
        return context.body(null, 204)
      },
    },
    {
      method: 'POST',
      path: `${path}/:id/sources`,
      access,
      body,
      async handle(context) {
        const id = idOf(context, 'id')
        await collections.add(id, await sourceOf(bodyAs(AddSource, context), context), teacherOf(context))
        return context.json(await rowOf(id), 201)
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id/sources/:sourceId`,
      access,
      async handle(context) {
        const id = idOf(context, 'id')
        await collections.removeSource(id, idOf(context, 'sourceId'), changerOf(context))
        return context.json(await rowOf(id))
      },
    },
    {
      method: 'POST',
      path: `${path}/:id/refresh`,
      access,
      body,
      async handle(context) {
        const id = idOf(context, 'id')
        await collections.refresh(id)
        return context.json(await rowOf(id))
      },
    },
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
  ]
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
