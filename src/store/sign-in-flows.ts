/** Flows of sign-in as rows, and what sign-in reads and writes of persons besides `people.ts`. */
import { randomUUID } from 'node:crypto'
import { scopeOf } from '../core/scope.ts'
import { type Flow, type FlowRows, flowSeconds } from '../identity/flows.ts'
import { claimsWording } from '../wording/sign-in-flows.ts'
import { auditInsert, auditValues } from './audit.ts'
import type { Database, Statement } from './database.ts'

export function createFlowRows({ query }: Pick<Database, 'query'>): FlowRows {
  return {
    async put(hash, { provider, purpose, checks, returnTo }) {
      await query(put, [hash, provider, JSON.stringify(purpose), JSON.stringify(checks), returnTo])
    },

    async take(hash, state) {
      type Row = Flow & { taken: boolean }
      const [row] = await query<Row>(take, [hash, state, randomUUID()])
      if (row === undefined) return null
      if (!row.taken) return 'forged'
      const { provider, purpose, checks, returnTo } = row
      return { provider, purpose, checks, returnTo }
    },

    async rememberClaims(provider, claims) {
      await query(rememberClaims, [provider, claims])
    },

    async claimsOf(provider) {
      const [row] = await query<{ names: string[] }>(claimsOf, [provider])
      return row?.names ?? null
    },

    async teamIds(names) {
      if (names.length === 0) return new Map()
      const wanted = [...new Set(names)]
      const rows = await query<{ id: string; name: string }>(teamIds, [wanted.map(() => randomUUID()), wanted])
      return new Map(rows.map(({ id, name }) => [name, id]))
    },

    async peopleByEmail(login, { provider, issuer }) {
      const rows = await query<{ id: string }>(peopleByEmail, [login, provider, issuer])
      return rows.map(({ id }) => id)
    },

    async vouch(personId, login) {
      await query(vouch, [personId, login])
    },

    async noteOverage(personId, by) {
      const change = { before: null, after: claimsWording.overage }
      const entry = { id: randomUUID(), by, scope: scopeOf.person(personId), name: 'person groups', ...change }
      await query(auditInsert, auditValues(entry))
    },
  }
}

/** Those that nobody came back from go with the next one. */
const put: Statement = {
  name: 'sign_in_flow_put',
  text: `
with gone as (delete from sign_in_flow where expires_at < now())
insert into sign_in_flow (hash, provider, purpose, checks, return_to, expires_at)
values ($1, $2, $3::jsonb, $4::jsonb, $5, now() + interval '${flowSeconds} seconds') on conflict (hash) do nothing`,
}

/** Of two answers at once, one waits for the row and finds it taken. Sent twice, it is the same taker. */
const take: Statement = {
  name: 'sign_in_flow_take',
  text: `
with taken as (
  update sign_in_flow set taken_by = $3::uuid
  where hash = $1 and checks ->> 'state' = $2 and expires_at > now() and coalesce(taken_by = $3::uuid, true)
  returning hash
)
select provider, purpose, checks, return_to as "returnTo", exists (select from taken) as taken
from sign_in_flow flow where flow.hash = $1 and flow.expires_at > now()
  and (exists (select from taken) or flow.taken_by is null and flow.checks ->> 'state' <> $2)`,
}

const rememberClaims: Statement = {
  name: 'sign_in_claims_put',
  text: `
insert into sign_in_claims (provider, names) values ($1, $2::text[])
on conflict (provider) do update set names = excluded.names, at = now()`,
}

const claimsOf: Statement = {
  name: 'sign_in_claims',
  text: `select names from sign_in_claims where provider = $1`,
}

const teamIds: Statement = {
  name: 'sign_in_teams',
  text: `
with wanted as (select * from unnest($1::uuid[], $2::text[]) wanted (id, name)), made as (
  insert into team (id, name) select id, name from wanted where not exists (select from team where team.name = wanted.name)
  on conflict (name) do update set name = excluded.name returning id, name
)
select id, name from made union all select team.id, team.name from team where team.name = any ($2::text[])
  and not exists (select from made where made.name = team.name)`,
}

const peopleByEmail: Statement = {
  name: 'sign_in_people_by_email',
  text: `
select person.id from person where person.vouched_email = $1 and person.disabled_at is null
  and not exists (select from identity where identity.person_id = person.id and provider = $2 and issuer = $3)
limit 2`,
}

const vouch: Statement = {
  name: 'sign_in_vouch',
  text: `update person set vouched_email = $2 where id = $1::uuid and vouched_email is distinct from $2`,
}
