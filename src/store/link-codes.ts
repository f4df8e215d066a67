/** Codes of linking as rows. Each statement is safe to send twice. */
import { storableJson } from '../core/json.ts'
import type { IdentityKey } from '../core/person.ts'
import { windowMinutes } from '../identity/attempts.ts'
import { ChatAccount, type LinkCodes, linkMinutes, mostTries, type OpenCode } from '../identity/linking.ts'
import type { Database, Statement } from './database.ts'

interface Row {
  [column: string]: unknown
  personId: string
  sessionId: string
  account: unknown
  agreed: boolean
  expiresAt: Date
}

export function createLinkCodes({ query }: Pick<Database, 'query'>): LinkCodes {
  async function one(statement: Statement, values: unknown[]): Promise<OpenCode | null> {
    const [row] = await query<Row>(statement, values)
    return row === undefined ? null : { ...row, account: row.account === null ? null : ChatAccount.parse(row.account) }
  }
  const partsOf = ({ provider, issuer, subject }: IdentityKey) => [provider, issuer, subject]

  return {
    async create(hash, { personId, sessionId }) {
      const [row] = await query<{ expiresAt: Date }>(create, [hash, personId, sessionId])
      if (row === undefined) throw new RangeError('a code of linking was made twice')
      return row.expiresAt
    },
    async mayTry(account) {
      const [row] = await query<{ tries: number }>(countTry, [`link:${JSON.stringify(partsOf(account))}`])
      return (row?.tries ?? 0) < mostTries
    },
    claim: (hash, account) => one(claim, [hash, ...partsOf(account), storableJson(account)]),
    agree: (hash, account) => one(agree, [hash, ...partsOf(account)]),
    async remove(hash) {
      await query(remove, [hash])
    },
    ofSession: (sessionId) => one(ofSession, [sessionId]),
    take: (sessionId, agreed) => one(take, [sessionId, agreed]),
  }
}

const columns = `person_id as "personId", session_id as "sessionId", account, agreed_at is not null as agreed,
  expires_at as "expiresAt"`
const isTheirs = `account ->> 'provider' = $2 and account ->> 'issuer' = $3 and account ->> 'subject' = $4`

const create: Statement = {
  name: 'link_code_create',
  text: `
with earlier as (delete from link_code where session_id = $3::uuid and hash <> $1)
insert into link_code (hash, person_id, session_id, expires_at)
values ($1, $2::uuid, $3::uuid, now() + interval '${linkMinutes} minutes')
on conflict (hash) do update set hash = excluded.hash where link_code.session_id = excluded.session_id
returning expires_at as "expiresAt"`,
}

/** How many tries there were before this one. */
const countTry: Statement = {
  name: 'link_code_try',
  text: `
with added as (insert into sign_in_attempt (key, at) values ($1, clock_timestamp()) on conflict do nothing)
select count(*)::int as tries from sign_in_attempt where key = $1 and at > now() - interval '${windowMinutes} minutes'`,
}

/** A code that a second account types is known to two people, so it ends. */
const claim: Statement = {
  name: 'link_code_claim',
  text: `
with leaked as (
  delete from link_code where hash = $1 and account is not null and not (${isTheirs})
)
update link_code set account = $5::jsonb
where hash = $1 and expires_at > now() and (account is null or ${isTheirs})
returning ${columns}`,
}

const agree: Statement = {
  name: 'link_code_agree',
  text: `
update link_code set agreed_at = coalesce(agreed_at, now()) where hash = $1 and expires_at > now() and ${isTheirs}
returning ${columns}`,
}

const remove: Statement = { name: 'link_code_remove', text: `delete from link_code where hash = $1` }

const ofSession: Statement = {
  name: 'link_code_of_session',
  text: `
select ${columns} from link_code where session_id = $1::uuid and expires_at > now() order by expires_at desc limit 1`,
}

const take: Statement = {
  name: 'link_code_take',
  text: `
delete from link_code where session_id = $1::uuid and expires_at > now() and (agreed_at is not null or not $2::boolean)
returning ${columns}`,
}
