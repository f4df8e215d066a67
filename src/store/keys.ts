/**
 * Bearer keys for the OpenAI-compatible endpoint. A key is random and shown once; only its hash is kept, which is enough to
 * know it again and useless to anyone who reads the database: there is nothing to guess in 256 random bits.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { type ActiveKey, KeyScope } from '../core/api-key.ts'
import { storable } from '../core/json.ts'
import { scopeOf } from '../core/scope.ts'
import type { BudgetRule } from './budgets.ts'
import type { Database, Statement } from './database.ts'

export interface KeyAbout {
  /** Public: names it in scopes, in the audit log and in usage. */
  id: string
  name: string
  createdBy: string
  /** The person it belongs to: it stops with their account. `null`: the installation. */
  ownerId: string | null
  scopes: KeyScope[]
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
  revokedAt: Date | null
}

export interface NewKey {
  name: string
  budget: Omit<BudgetRule, 'scope'>
  by: string
  ownerId?: string | undefined
  scopes: readonly KeyScope[]
  expiresAt?: Date | undefined
}

export interface Keys {
  /**
   * Creates a key with its budget, or neither: one transaction. `secret` is returned only here. `null`: a key in use already
   * has this name.
   */
  create(key: NewKey): Promise<{ id: string; secret: string } | null>
  /** Newest first, revoked and expired ones included. `ownerId`: only those of a person. */
  list(ownerId?: string): Promise<KeyAbout[]>
  /** Answers what it was; `null` when no key in use has this name or id. `ownerId`: only if it is this person's. */
  revoke(nameOrId: string, ownerId?: string): Promise<KeyAbout | null>
  isActive(id: string): Promise<boolean>
  /** The key that is in use with this secret: not revoked, not expired, its owner not disabled. Counts as use. */
  find(secret: string): Promise<ActiveKey | null>
  /** The same by its id, for a token that was made with the key. */
  findById(id: string): Promise<ActiveKey | null>
}

const prefix = 'parley-'
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url')

/** Rows hold what this or a later version of Parley has written: a scope that is not known gives nothing. */
const Scopes = z.array(z.string()).transform((names) => names.flatMap((name) => KeyScope.safeParse(name).data ?? []))

export function createKeys({ query, prisma }: Pick<Database, 'query' | 'prisma'>): Keys {
  async function list(ownerId?: string): Promise<KeyAbout[]> {
    const rows = await prisma.apiKey.findMany({
      where: { ownerId },
      omit: { hash: true },
      orderBy: { createdAt: 'desc' },
      take: 500,
    })
    return rows.map((row) => ({ ...row, scopes: Scopes.parse(row.scopes) }))
  }
  const active = async (statement: Statement, value: string): Promise<ActiveKey | null> => {
    const [row] = await query<ActiveKey & { [column: string]: unknown }>(statement, [value])
    return row === undefined ? null : { ...row, scopes: Scopes.parse(row.scopes) }
  }
  return {
    list,
    async create({ name, budget: { period, amount, timeZone }, by, ownerId, scopes, expiresAt }) {
      const secret = `${prefix}${randomBytes(32).toString('base64url')}`
      const id = randomBytes(6).toString('hex')
      const budget = [randomUUID(), scopeOf.key(id), period, amount, timeZone]
      const rights = [ownerId ?? null, [...scopes], expiresAt ?? null]
      const rows = await query(create, [id, storable(name), hashOf(secret), by, ...budget, ...rights])
      return rows.length === 0 ? null : { id, secret }
    },
    isActive: async (id) => (await active(findById, id)) !== null,
    async revoke(nameOrId, ownerId) {
      const [revoked] = await prisma.apiKey.updateManyAndReturn({
        where: { OR: [{ name: nameOrId }, { id: nameOrId }], revokedAt: null, ownerId },
        data: { revokedAt: new Date() },
        omit: { hash: true },
      })
      return revoked === undefined ? null : { ...revoked, scopes: Scopes.parse(revoked.scopes) }
    },
    async find(secret) {
      if (!secret.startsWith(prefix) || secret.length > 100) return null
      return await active(find, hashOf(secret))
    },
    findById: (id) => active(findById, id),
  }
}

/** Sent twice it is still one key: the second finds its own hash. */
const create: Statement = {
  name: 'key_create',
  text: `
with created as (
  insert into api_key as key (id, name, hash, created_by, owner_id, scopes, expires_at)
  select $1, $2, $3, $4, $10::uuid, $11::text[], $12::timestamptz
  where not exists (
    select from api_key where name = $2 and revoked_at is null and coalesce(expires_at > now(), true) and hash <> $3)
  on conflict (hash) do update set name = excluded.name where key.id = excluded.id
  returning key.id
)
select created.id, budget_set($5, $6, $7::budget_period, $8::bigint, $9, $4) from created`,
}

/** When it was last used is kept to the minute: not every request writes. */
const statementBy = (name: string, column: 'hash' | 'id'): Statement => ({
  name,
  text: `
with active as (
  select key.id, key.name, key.owner_id, key.scopes, key.last_used_at from api_key key
  where key.${column} = $1 and key.revoked_at is null and coalesce(key.expires_at > now(), true)
    and not exists (select from person where person.id = key.owner_id and person.disabled_at is not null)
), used as (
  update api_key key set last_used_at = now() from active
  where key.id = active.id and coalesce(active.last_used_at < now() - interval '1 minute', true)
)
select id, name, owner_id as "ownerId", scopes from active`,
})
const find = statementBy('key_find', 'hash')
const findById = statementBy('key_find_by_id', 'id')
