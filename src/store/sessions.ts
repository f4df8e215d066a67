/** Sessions as rows. One statement reads who is signed in, as they are now: a new role or a disabled account holds at once. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { storable } from '../core/json.ts'
import type { SignedIn } from '../core/person.ts'
import { sessionsEndedTopic } from '../core/topics.ts'
import { type SessionAbout, type Sessions, sessionDays, sessionIdleDays } from '../identity/sessions.ts'
import type { Channel } from '../queue/channel.ts'
import { signInWording } from '../wording/sign-in.ts'
import type { Database, Statement } from './database.ts'
import { isNamed } from './named-admins.ts'

export interface SessionsDeps {
  database: Pick<Database, 'query'>
  channel: Pick<Channel, 'publish'>
  /** The admins that parley.yaml names (`namedAdmins` of identity/people.ts). */
  named?: readonly string[] | undefined
}

/** 256 random bits: there is nothing to guess, so a plain hash keeps them secret. */
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('base64url')

export function createSessions({ database: { query }, channel, named = [] }: SessionsDeps): Sessions {
  return {
    async create(personId, { userAgent, address }, passwordHash) {
      const secret = randomBytes(32).toString('base64url')
      const from = [storable(userAgent).slice(0, 300), storable(address).slice(0, 100)]
      const values = [randomUUID(), hashOf(secret), personId, ...from]
      const rows =
        passwordHash === undefined
          ? await query(create, values)
          : await query(createByPassword, [...values, passwordHash])
      if (rows.length === 0) throw new ParleyError('credentials_missing', signInWording.disabled)
      return secret
    },
    async find(secret) {
      if (secret.length !== 43) return null
      return (await query<SignedIn>(find, [named, hashOf(secret)]))[0] ?? null
    },
    async holds(sessionId) {
      return (await query(holds, [sessionId])).length > 0
    },
    list: (personId) => query<SessionAbout>(list, [personId]),
    async end(personId, sessionId) {
      const ended = await query(end, [personId, sessionId])
      if (ended.length > 0) channel.publish(sessionsEndedTopic, personId)
      return ended.length > 0
    },
    async endAll(personId, except) {
      await query(endSessions, [personId, except ?? null])
      channel.publish(sessionsEndedTopic, personId)
    },
  }
}

const lasts = `session.ends_at > now() and session.used_at > now() - interval '${sessionIdleDays} days'`

/**
 * Sent twice it is still one session. The locks wait for a change that disables the person or sets the password at this moment. Without
 * them, that change would end all sessions but this one.
 */
const created = (from: string, locked: string) => `
insert into session as known (id, hash, person_id, user_agent, address, ends_at)
select $1::uuid, $2, person.id, $4, $5, now() + interval '${sessionDays} days'
from ${from} where person.id = $3::uuid and person.disabled_at is null for share of ${locked}
on conflict (hash) do update set user_agent = excluded.user_agent where known.id = excluded.id returning id`

const create: Statement = { name: 'session_create', text: created('person', 'person') }
const createByPassword: Statement = {
  name: 'session_create_by_password',
  text: created('person join password on password.person_id = person.id and password.hash = $6', 'person, password'),
}

/** The last use is kept to the minute: not every request writes. */
const find: Statement = {
  name: 'session_find',
  text: `
with used as (
  update session set used_at = now() where hash = $2 and ${lasts} and used_at < now() - interval '1 minute'
)
select session.id as "sessionId", person.id as "personId", person.name,
  case when ${isNamed('$1')} then 'admin' else person.role end as role
from session join person on person.id = session.person_id
where session.hash = $2 and ${lasts} and person.disabled_at is null`,
}

const holds: Statement = {
  name: 'session_holds',
  text: `
select from session join person on person.id = session.person_id
where session.id = $1::uuid and ${lasts} and person.disabled_at is null`,
}

const list: Statement = {
  name: 'session_list',
  text: `
select id, created_at as "createdAt", used_at as "usedAt",
  least(ends_at, used_at + interval '${sessionIdleDays} days') as "endsAt", user_agent as "userAgent", address
from session where person_id = $1::uuid and ${lasts} order by used_at desc, created_at desc limit 200`,
}

const end: Statement = {
  name: 'session_end',
  text: `delete from session where person_id = $1::uuid and id = $2::uuid returning id`,
}

/** All of a person; the second value stays. */
export const endSessions: Statement = {
  name: 'session_end_all',
  text: `delete from session where person_id = $1::uuid and ($2::uuid is null or id <> $2::uuid)`,
}
