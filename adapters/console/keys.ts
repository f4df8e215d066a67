/** A signed-in person's API keys. */
import type { ActiveKey, KeyScope } from '../../src/core/api-key.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Route } from '../../src/core/http.ts'
import { type NanoUsd, usd } from '../../src/core/money.ts'
import type { Changer } from '../../src/core/person.ts'
import type { Period } from '../../src/core/window.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { bodyAs, changerOf, personOf } from './account.ts'
import { type CreatedKey, CreateKey, type KeyRow } from './account-api.ts'

interface OwnKey {
  id: string
  name: string
  scopes: readonly KeyScope[]
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
}

export interface OwnKeys {
  /** Newest first, revoked ones included. */
  list(personId: string): Promise<readonly (OwnKey & { revokedAt: Date | null })[]>
  /** Throws `command_invalid` for a name that is invalid or taken. */
  create(
    key: {
      name: string
      amount: NanoUsd
      period: Period
      scopes: readonly KeyScope[]
      expiresAt?: Date | undefined
    },
    personId: string,
    by: Changer,
  ): Promise<Pick<ActiveKey, 'id'> & { secret: string }>
  /** Throws `command_invalid` if this person has no such key. */
  revoke(id: string, personId: string, by: Changer): Promise<unknown>
}

const dayMs = 86_400_000

export function keyRoutes(keys: OwnKeys): Route[] {
  const access = ['page'] as const
  const rowsOf = async (personId: string) =>
    (await keys.list(personId)).filter(({ revokedAt }) => revokedAt === null).map(rowOf)
  return [
    {
      method: 'GET',
      path: '/console/me/keys',
      access,
      handle: async (context) => context.json({ keys: await rowsOf(personOf(context).personId) }),
    },
    {
      method: 'POST',
      path: '/console/me/keys',
      access,
      body: { maxBytes: 10_000 },
      async handle(context) {
        const { personId, role } = personOf(context)
        const { name, amount, period, scopes, days } = bodyAs(CreateKey, context)
        // Nobody sees what a program asks, so a guest would get around the rules for guests.
        if (role === 'guest') throw new ParleyError('request_forbidden', consoleWording.noKeysForGuests)
        const createdAt = new Date()
        const expiresAt = days === undefined ? undefined : new Date(createdAt.getTime() + days * dayMs)
        const wanted = { name, amount: usd(amount), period, scopes, expiresAt }
        const { id, secret } = await keys.create(wanted, personId, changerOf(context))
        const key = rowOf({ id, name, scopes, createdAt, expiresAt: expiresAt ?? null, lastUsedAt: null })
        return context.json({ key, secret } satisfies CreatedKey, 201)
      },
    },
    {
      method: 'DELETE',
      path: '/console/me/keys/:keyId',
      access,
      async handle(context) {
        await keys.revoke(context.req.param('keyId') ?? '', personOf(context).personId, changerOf(context))
        return context.body(null, 204)
      },
    },
  ]
}

const rowOf = ({ id, name, scopes, createdAt, expiresAt, lastUsedAt }: OwnKey): KeyRow => ({
  id,
  name,
  scopes: [...scopes],
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt?.toISOString() ?? null,
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
})
