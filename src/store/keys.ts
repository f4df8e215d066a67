/**
 * Bearer keys for the OpenAI-compatible endpoint. A key is random and shown once; only its hash is kept, which is enough to
 * know it again and useless to anyone who reads the database: there is nothing to guess in 256 random bits.
 */
import { createHash, randomBytes } from 'node:crypto'
import { storable } from '../core/json.ts'
import type { Database, Statement } from './database.ts'

export interface KeyAbout {
  /** Public: names it in scopes, in the audit log and in usage. */
  id: string
  name: string
  createdBy: string
  createdAt: Date
  lastUsedAt: Date | null
  revokedAt: Date | null
}

export interface Keys {
  /** `secret` is returned only here. `null`: a key in use already has this name. */
  create(name: string, by: string): Promise<{ id: string; secret: string } | null>
  /** Newest first, revoked ones included. */
  list(): Promise<KeyAbout[]>
  /** Answers what it was; `null` when no key in use has this name or id. */
  revoke(nameOrId: string): Promise<KeyAbout | null>
  /** The key that is in use with this secret. */
  find(secret: string): Promise<{ id: string; name: string } | null>
}

const prefix = 'parley-'
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url')

export function createKeys({ query, prisma }: Pick<Database, 'query' | 'prisma'>): Keys {
  return {
    async create(name, by) {
      const secret = `${prefix}${randomBytes(32).toString('base64url')}`
      const id = randomBytes(6).toString('hex')
      const rows = await query(create, [id, storable(name), hashOf(secret), by])
      return rows.length === 0 ? null : { id, secret }
    },
    async list() {
      return prisma.apiKey.findMany({ omit: { hash: true }, orderBy: { createdAt: 'desc' }, take: 500 })
    },
    async revoke(nameOrId) {
      const [revoked] = await prisma.apiKey.updateManyAndReturn({
        where: { OR: [{ name: nameOrId }, { id: nameOrId }], revokedAt: null },
        data: { revokedAt: new Date() },
        omit: { hash: true },
      })
      return revoked ?? null
    },
    async find(secret) {
      if (!secret.startsWith(prefix) || secret.length > 100) return null
      const [row] = await query<{ id: string; name: string }>(find, [hashOf(secret)])
      return row === undefined ? null : { id: row.id, name: row.name }
    },
  }
}

/** Sent twice it is still one key: the second finds its own hash. */
const create: Statement = {
  name: 'key_create',
  text: `
insert into api_key as key (id, name, hash, created_by) select $1, $2, $3, $4
where not exists (select from api_key where name = $2 and revoked_at is null and hash <> $3)
on conflict (hash) do update set name = excluded.name where key.id = excluded.id
returning true as created`,
}
/** When it was last used is kept to the minute: not every request writes. */
const find: Statement = {
  name: 'key_find',
  text: `
with used as (
  update api_key set last_used_at = now()
  where hash = $1 and revoked_at is null and coalesce(last_used_at < now() - interval '1 minute', true)
)
select id, name from api_key where hash = $1 and revoked_at is null`,
}
