/** Invitations and set-up codes as rows: hashes only. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import { consoleIdOf, type PersonRole, type TeamRole } from '../core/person.ts'
import { scopeOf } from '../core/scope.ts'
import { peopleChangedTopic, sessionsEndedTopic } from '../core/topics.ts'
import {
  codeHash,
  createCode,
  type InvitationAbout,
  type Invitations,
  invitationHours,
} from '../identity/invitations.ts'
import { loginOf, readEmail, readName } from '../identity/people.ts'
import type { Channel } from '../queue/channel.ts'
import { personWording, signInWording } from '../wording/sign-in.ts'
import { auditExists, auditInsert, auditValues } from './audit.ts'
import type { Database, Statement } from './database.ts'
import { connectIdentity, rejectTaken } from './people.ts'
import { endSessions } from './sessions.ts'

export interface InvitationsDeps {
  database: Pick<Database, 'query' | 'transaction'>
  channel: Pick<Channel, 'publish'>
  /** The admins that parley.yaml names (`namedAdmins` of identity/people.ts). */
  named?: readonly string[] | undefined
}

interface Open {
  id: string
  role: PersonRole
  email: string | null
  person_id: string | null
  team_id: string | null
  team_role: TeamRole | null
  created_by: string
}

export function createInvitations({ database, channel, named = [] }: InvitationsDeps): Invitations {
  const { query } = database
  const isNamedLogin = (login: string) => named.includes(JSON.stringify(['login', login]))

  return {
    async createSetUpCode(minutes) {
      const code = createCode()
      const [row] = await query<{ expires_at: Date }>(createSetUp, [randomUUID(), codeHash(code), minutes])
      if (row === undefined) throw new ParleyError('already_set_up', signInWording.alreadySetUpForTerminal)
      return { code, expiresAt: row.expires_at }
    },

    async isSetUpCode(code) {
      return (await query(holdsSetUp, [codeHash(code)])).length > 0
    },

    async create({ role, team, personId, email, name }, by) {
      const id = randomUUID()
      const code = createCode()
      const address = email === undefined ? null : readEmail(email)
      if (address !== null && role !== 'admin' && isNamedLogin(loginOf(address)))
        throw new ParleyError('request_invalid', personWording.adminByAdmin)
      const expiresAt = await database.transaction(async (send) => {
        if (personId !== undefined) {
          const [person] = await send<{ disabled: boolean }>(invitedPerson, [personId])
          if (person === undefined) throw new ParleyError('person_not_found', personWording.missing)
          if (person.disabled) throw new ParleyError('request_invalid', signInWording.disabled)
        }
        const [row] = await send<{ expires_at: Date }>(create, [
          ...[id, codeHash(code), role, team?.id ?? null, team?.role ?? null, personId ?? null],
          // A link ends with the rights of the person who made it, wherever they made it.
          ...[address, name === undefined ? null : readName(name)],
          by.personId === undefined ? by.id : consoleIdOf(by.personId),
        ])
        if (row === undefined) throw new ParleyError('request_forbidden', signInWording.setUpFirst)
        const scope = personId === undefined ? 'all' : scopeOf.person(personId)
        const after = { role, team: team?.id ?? null }
        await send(auditInsert, auditValues({ id, by, scope, name: 'invitation', before: null, after }))
        return row.expires_at
      })
      return { id, code, expiresAt }
    },

    async find(code) {
      const [row] = await query<InvitationAbout>(findOpen, [codeHash(code)])
      return row ?? null
    },

    list: () => query<InvitationAbout>(listOpen, []),

    async revoke(id, by) {
      const auditId = randomUUID()
      return await database.transaction(async (send) => {
        if ((await send(auditExists, [auditId])).length > 0) return true
        const [row] = await send<{ role: PersonRole; team_id: string | null }>(revoke, [id])
        if (row === undefined) return false
        const before = { role: row.role, team: row.team_id }
        const entry = { id: auditId, by, scope: 'all' as const, name: 'invitation', before, after: null }
        await send(auditInsert, auditValues(entry))
        return true
      })
    },

    async accept(code, name, proof) {
      const newId = randomUUID()
      const auditId = randomUUID()
      const personId = await database
        .transaction(async (send) => {
          const [done] = await send<{ scope: string }>(acceptedBy, [auditId])
          if (done !== undefined) return done.scope.slice('person:'.length)
          const { provider, issuer, subject } = proof.kind === 'identity' ? proof.identity : noIdentity
          const [fromChats] = await send<{ id: string }>(knownFromChats, [provider, issuer, subject])
          const [invitation] = await send<Open>(take, [codeHash(code), fromChats?.id ?? newId])
          if (invitation === undefined) return null
          const { email, role } = invitation
          const known = invitation.person_id ?? fromChats?.id
          const id = known ?? newId
          if (proof.kind === 'password' && isNamedLogin(proof.login)) {
            // Only somebody who may invite admins wrote this address into an invitation of an admin.
            const given = role === 'admin' && email !== null && loginOf(email) === proof.login
            const own = await send(hasLogin, [id, proof.login])
            if (!given && own.length === 0) throw new ParleyError('request_invalid', personWording.emailTaken)
          }
          const address = proof.email ?? email
          if (known === undefined) {
            await send(insertPerson, [id, readName(name), address === null ? null : readEmail(address), role])
          } else {
            const [person] = await send<{ disabled: boolean }>(admitPerson, [id, role, address])
            if (person === undefined) return null
            if (person.disabled) throw new ParleyError('credentials_missing', signInWording.disabled)
          }
          if (proof.kind === 'password') await send(setPassword, [id, proof.login, proof.hash])
          else await connectIdentity(send, id, proof.identity, true)
          if (email !== null && address !== null && loginOf(email) === loginOf(address))
            await send(vouch, [id, loginOf(email), invitation.created_by])
          await send(endSessions, [id, null])
          if (invitation.team_id !== null)
            await send(joinTeam, [invitation.team_id, id, invitation.team_role ?? 'member'])
          const by = { id: consoleIdOf(id), via: 'invitation' }
          const after = { role, team: invitation.team_id, invitation: invitation.id }
          const entry = {
            id: auditId,
            by,
            scope: scopeOf.person(id),
            name: 'invitation accepted',
            before: null,
            after,
          }
          await send(auditInsert, auditValues(entry))
          return id
        })
        .catch(rejectTaken)
      if (personId === null) return null
      channel.publish(peopleChangedTopic, personId)
      channel.publish(sessionsEndedTopic, personId)
      return { personId }
    },
  }
}

const createSetUp: Statement = {
  name: 'invitation_set_up',
  text: `
insert into invitation (id, hash, kind, role, created_by, expires_at)
select $1::uuid, $2, 'set_up', 'admin', 'cli', now() + make_interval(mins => $3::int)
where not exists (select from installation)
on conflict (hash) do update set expires_at = invitation.expires_at returning expires_at`,
}

const open = `invitation.used_at is null and invitation.expires_at > now()`

const holdsSetUp: Statement = {
  name: 'invitation_set_up_holds',
  text: `
select from invitation where hash = $1 and kind = 'set_up' and ${open} and not exists (select from installation)`,
}

const invitedPerson: Statement = {
  name: 'invitation_person',
  text: `select disabled_at is not null as disabled from person where id = $1::uuid for share`,
}

const create: Statement = {
  name: 'invitation_create',
  text: `
insert into invitation (id, hash, kind, role, team_id, team_role, person_id, email, name, created_by, expires_at)
select $1::uuid, $2, 'invite', $3::person_role, $4::uuid, $5::team_role, $6::uuid, $7, $8, $9,
  now() + interval '${invitationHours} hours'
where exists (select from installation)
on conflict (hash) do update set expires_at = invitation.expires_at returning expires_at`,
}

const about = `invitation.id, invitation.role, invitation.person_id as "personId", invitation.created_by as "createdBy",
  invitation.created_at as "createdAt", invitation.expires_at as "expiresAt",
  coalesce(person.signed_in_at is not null, false) as resets,
  coalesce((select login from password where password.person_id = person.id), invitation.email, person.email) as email,
  coalesce(person.name, invitation.name) as name,
  case when team.id is not null then
    jsonb_build_object('id', team.id, 'name', team.name, 'role', coalesce(invitation.team_role, 'member')) end as team
from invitation left join person on person.id = invitation.person_id left join team on team.id = invitation.team_id
where invitation.kind = 'invite' and ${open}`

const findOpen: Statement = { name: 'invitation_find', text: `select ${about} and invitation.hash = $1` }
const listOpen: Statement = {
  name: 'invitation_list',
  text: `select ${about} order by invitation.created_at desc limit 1000`,
}

const revoke: Statement = {
  name: 'invitation_revoke',
  text: `
delete from invitation where id = $1::uuid and kind = 'invite' and used_at is null returning role, team_id`,
}

const acceptedBy: Statement = { name: 'invitation_accepted', text: `select scope from audit where id = $1::uuid` }

/** Uses it up: of two who come at once, the second finds it used. */
const take: Statement = {
  name: 'invitation_take',
  text: `
update invitation set used_at = now(), used_by = coalesce(person_id, $2::uuid)
where hash = $1 and kind = 'invite' and ${open}
returning id, role, email, person_id, team_id, team_role, created_by`,
}

const noIdentity = { provider: null, issuer: null, subject: null }
/** Somebody who wrote to the bot first and comes with that account gets credentials, not a second person. */
const knownFromChats: Statement = {
  name: 'invitation_from_chats',
  text: `
select person.id from identity join person on person.id = identity.person_id
where provider = $1 and issuer = $2 and subject = $3 and person.signed_in_at is null and person.disabled_at is null
for update of person`,
}

/** An admin sent the link to this address. A manager's word is not enough: it would let them claim an address for somebody else. */
const vouch: Statement = {
  name: 'invitation_vouch',
  text: `
update person set vouched_email = $2 where id = $1::uuid and ($3 = 'cli' or exists (
  select from person creator where 'console/local/' || creator.id = $3 and creator.role = 'admin'))`,
}

const hasLogin: Statement = {
  name: 'invitation_has_login',
  text: `select from password where person_id = $1::uuid and login = $2`,
}

const insertPerson: Statement = {
  name: 'invitation_person_insert',
  text: `
insert into person (id, name, email, role, signed_in_at) values ($1::uuid, $2, $3, $4::person_role, now())`,
}

/** Somebody who signs in already keeps their role: it may have changed since the link was made. */
const admitPerson: Statement = {
  name: 'invitation_person_admit',
  text: `
update person set role = case when signed_in_at is null then $2::person_role else role end,
  email = case when signed_in_at is null then coalesce($3, email) else coalesce(email, $3) end,
  signed_in_at = now()
where id = $1::uuid returning disabled_at is not null as disabled`,
}

const setPassword: Statement = {
  name: 'invitation_password',
  text: `
insert into password (person_id, login, hash) values ($1::uuid, $2, $3)
on conflict (person_id) do update set hash = excluded.hash, changed_at = now()`,
}

const joinTeam: Statement = {
  name: 'invitation_team',
  text: `
insert into team_member as known (team_id, person_id, role) values ($1::uuid, $2::uuid, $3::team_role)
on conflict (team_id, person_id) do update set role = excluded.role, claimed = false`,
}
