/** Persons as rows. Changes that could leave an installation without an admin take turns on the row of `installation`. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { type Changer, consoleIdOf, type IdentityKey, type PersonRole } from '../core/person.ts'
import { peopleChangedTopic, sessionsEndedTopic } from '../core/topics.ts'
import { codeHash } from '../identity/invitations.ts'
import {
  type Claimed,
  type IdentityAbout,
  loginOf,
  type People,
  type PersonAbout,
  type PersonListed,
  type ProvenIdentity,
  readEmail,
  readName,
} from '../identity/people.ts'
import type { Channel } from '../queue/channel.ts'
import { personWording, signInWording } from '../wording/sign-in.ts'
import { auditExists, auditInsert, auditValues } from './audit.ts'
import type { Database, Statement } from './database.ts'
import { isNamed } from './named-admins.ts'
import { eraseTraces } from './people-erase.ts'
import { moveEverything } from './people-merge.ts'
import { endSessions } from './sessions.ts'

type Send = Database['query']

export interface PeopleDeps {
  database: Pick<Database, 'query' | 'transaction'>
  channel: Pick<Channel, 'publish'>
  /** Whom parley.yaml names (`namedAdmins` of identity/people.ts). */
  named?: readonly string[] | undefined
}

export function createPeople({ database, channel, named = [] }: PeopleDeps): People {
  const { query } = database
  let setUp = false

  const find = async (id: string, send: Send = query) => (await send<PersonAbout>(findPerson, [named, id]))[0] ?? null

  async function found(id: string): Promise<PersonAbout> {
    return (await find(id)) ?? missing()
  }

  /** A change of one person with its audit row. Sent twice, it happens once. */
  async function change(
    personId: string,
    name: string,
    by: Changer,
    work: (send: Send) => Promise<{ before: Json; after: Json } | null>,
  ): Promise<void> {
    const id = randomUUID()
    await database.transaction(async (send) => {
      if ((await send(auditExists, [id])).length > 0) return
      const changed = await work(send)
      if (changed !== null) await audit(send, { id, personId, name, by, ...changed })
    })
    channel.publish(peopleChangedTopic, personId)
  }

  /** Waits for other changes of admins, then reads the person as they are. */
  async function locked(send: Send, personId: string): Promise<PersonAbout> {
    await send(lockInstallation, [])
    await send(lockPerson, [personId])
    return (await find(personId, send)) ?? missing()
  }

  /** Call before an admin stops being one. */
  async function checkLastAdmin(send: Send, personId: string): Promise<void> {
    if ((await send(isLastAdmin, [personId])).length > 0)
      throw new ParleyError('request_invalid', personWording.lastAdmin)
  }

  return {
    find: (id) => find(id),

    async areSetUp() {
      setUp ||= (await query(installed, [])).length > 0
      return setUp
    },

    async list() {
      const rows = await query<PersonListed>(listPeople, [named])
      return rows.map((row) => ({ ...row, identities: row.identities.map(withDates) }))
    },
    identitiesOf: (personId) => query<IdentityAbout>(identitiesOf, [personId]),

    async personOf(identity) {
      const [row] = await query<{ person_id: string }>(personOf, keyOf(identity))
      return row?.person_id ?? null
    },

    async setUp({ code, name, login, email, passwordHash }) {
      const personId = randomUUID()
      const [row] = await query<{ first: boolean; code_holds: boolean; late: boolean }>(makeFirst, [
        personId,
        code === null ? null : codeHash(code),
        readName(name),
        readEmail(email),
        login,
        passwordHash,
        randomUUID(),
        consoleIdOf(personId),
      ])
      if (row?.first) channel.publish(peopleChangedTopic, personId)
      if (row?.first) return { kind: 'made', personId }
      return row?.late === false && !row.code_holds ? { kind: 'code_invalid' } : { kind: 'late' }
    },

    async create({ name, email, role, signedIn }, identity, by) {
      const personId = randomUUID()
      await change(personId, 'person', by, async (send) => {
        const values = [personId, readName(name), email === null ? null : readEmail(email), role, signedIn]
        if ((await send(insertPerson, values)).length === 0)
          throw new ParleyError('request_forbidden', signInWording.setUpFirst)
        await connectIdentity(send, personId, identity, signedIn)
        return { before: null, after: { role, account: `${identity.provider}/${identity.issuer}` } }
      })
      return await found(personId)
    },

    async markSignedIn(personId) {
      await query(markSignedIn, [personId])
    },

    async signIn(identity, claimed, by) {
      const auditId = randomUUID()
      const result = await database.transaction(async (send) => {
        if (claimed.role !== undefined && claimed.role !== 'admin') await send(lockInstallation, [])
        const [row] = await send<{ person_id: string }>(lockPersonOf, keyOf(identity))
        if (row === undefined) return null
        const person = (await find(row.person_id, send)) ?? missing()
        if (person.disabledAt !== null) throw new ParleyError('credentials_missing', signInWording.disabled)
        await connectIdentity(send, person.id, identity, true)
        await send(markSignedIn, [person.id])
        const { role, roleKept } = await claimRole(send, person, claimed)
        if (role !== null) {
          const changed = { before: { role: person.role }, after: { role } }
          await audit(send, { id: auditId, personId: person.id, name: 'person role', by, ...changed })
        }
        if (claimed.teams !== undefined) await claimTeams(send, person, claimed.teams)
        return { personId: person.id, roleKept, changed: role !== null || claimed.teams !== undefined }
      })
      if (result === null) return null
      if (result.changed) channel.publish(peopleChangedTopic, result.personId)
      return { person: await found(result.personId), roleKept: result.roleKept }
    },

    async setRole(personId, role, by) {
      await change(personId, 'person role', by, async (send) => {
        const person = await locked(send, personId)
        if (person.namedAdmin) throw new ParleyError('request_invalid', personWording.namedAdmin)
        if (person.role === role) return null
        if (person.role === 'admin') {
          await checkLastAdmin(send, personId)
          await send(dropInvitationsBy, [consoleIdOf(personId)])
        }
        await send(updateRole, [personId, role])
        return { before: { role: person.role }, after: { role } }
      })
      return await found(personId)
    },

    async setDisabled(personId, disabled, by) {
      await change(personId, disabled ? 'person disabled' : 'person enabled', by, async (send) => {
        const person = await locked(send, personId)
        if (disabled && person.namedAdmin) throw new ParleyError('request_invalid', personWording.namedAdmin)
        if ((person.disabledAt !== null) === disabled) return null
        if (disabled) {
          await checkLastAdmin(send, personId)
          await send(dropInvitationsBy, [consoleIdOf(personId)])
          await send(dropInvitationsFor, [personId])
          await send(endSessions, [personId, null])
        }
        await send(updateDisabled, [personId, disabled])
        return { before: null, after: null }
      })
      if (disabled) channel.publish(sessionsEndedTopic, personId)
      return await found(personId)
    },

    async setProfile(personId, profile) {
      const { name, email, timeZone } = profile
      const address = email == null ? email : readEmail(email)
      await database
        .transaction(async (send) => {
          if ((await send(lockPerson, [personId])).length === 0) missing()
          if (address !== undefined) await moveLogin(send, personId, address)
          const called = name === undefined ? null : readName(name)
          const values = [address, timeZone].flatMap((value) => [value !== undefined, value ?? null])
          await send(updateProfile, [personId, called, ...values])
        })
        .catch(rejectTaken)
      channel.publish(peopleChangedTopic, personId)
      return await found(personId)
    },

    async link(personId, identity, by) {
      await change(personId, 'person account', by, async (send) => {
        if ((await send(lockPerson, [personId])).length === 0) missing()
        await connectIdentity(send, personId, identity, false)
        return { before: null, after: { account: `${identity.provider}/${identity.issuer}` } }
      })
    },

    async unlink(personId, identity, by, keepSession) {
      let ended = false
      await change(personId, 'person account', by, async (send) => {
        if ((await send(lockPerson, [personId])).length === 0) missing()
        // Their account would be nobody's, and so a guest's no more.
        if ((await find(personId, send))?.role === 'guest')
          throw new ParleyError('request_invalid', personWording.guestStays)
        const [gone] = await send<{ signed_in: boolean }>(deleteIdentity, [...keyOf(identity), personId])
        if (gone === undefined) throw new ParleyError('request_invalid', personWording.identityMissing)
        ended = gone.signed_in
        if (ended) await send(endSessions, [personId, keepSession ?? null])
        if ((await send(hasWayIn, [personId])).length === 0)
          throw new ParleyError('request_invalid', personWording.lastIdentity)
        return { before: { account: `${identity.provider}/${identity.issuer}` }, after: null }
      })
      if (ended) channel.publish(sessionsEndedTopic, personId)
    },

    async merge(from, into, by) {
      if (from === into) throw new ParleyError('request_invalid', personWording.mergeSame)
      await change(into, 'person merged', by, async (send) => {
        await send(lockInstallation, [])
        await send(lockPeople, [[from, into]])
        const both = [(await find(from, send)) ?? missing(), (await find(into, send)) ?? missing()]
        if (both.some(({ disabledAt }) => disabledAt !== null))
          throw new ParleyError('request_invalid', personWording.mergeDisabled)
        await moveEverything(send, from, into)
        await send(dropInvitationsBy, [consoleIdOf(from)])
        await send(dropInvitationsFor, [from])
        await send(deletePerson, [from])
        return { before: { merged: from }, after: { into } }
      })
      channel.publish(peopleChangedTopic, from)
      channel.publish(sessionsEndedTopic, from)
    },

    checkErase: (personId) => checkLastAdmin(query, personId),

    async erase(personId, by) {
      // Whoever erases themselves is named by their id alone, as everybody who is gone.
      const nameless = by.id === consoleIdOf(personId) ? { id: by.id, via: by.via } : by
      await change(personId, 'person erased', nameless, async (send) => {
        await locked(send, personId)
        await checkLastAdmin(send, personId)
        await eraseTraces(send, personId, await send<IdentityAbout>(identitiesOf, [personId]))
        await send(deletePerson, [personId])
        return { before: null, after: null }
      })
      channel.publish(sessionsEndedTopic, personId)
    },
  }

  /** Returns the new role, or null where it stays. */
  async function claimRole(
    send: Send,
    person: PersonAbout,
    { role }: Claimed,
  ): Promise<{ role: PersonRole | null; roleKept: boolean }> {
    if (role === undefined || role === person.role || person.namedAdmin) return { role: null, roleKept: false }
    if (person.role === 'admin' && (await send(isLastAdmin, [person.id])).length > 0)
      return { role: null, roleKept: true }
    await send(updateRole, [person.id, role])
    if (person.role === 'admin') await send(dropInvitationsBy, [consoleIdOf(person.id)])
    return { role, roleKept: false }
  }

  async function claimTeams(
    send: Send,
    { id: personId, role }: PersonAbout,
    teams: NonNullable<Claimed['teams']>,
  ): Promise<void> {
    const values = [personId, teams.map(({ id }) => id), teams.map(({ role }) => role)]
    await send(dropClaimedTeams, values.slice(0, 2))
    await send(addClaimedTeams, values)
    if (role !== 'admin') await send(dropTeamInvitationsBy, [personId, consoleIdOf(personId)])
  }

  /** The address is also what a person with a password signs in with. */
  async function moveLogin(send: Send, personId: string, email: string | null): Promise<void> {
    const [row] = await send<{ login: string }>(loginOfPerson, [personId])
    if (row === undefined) return
    if (email === null) throw new ParleyError('request_invalid', personWording.emailNeeded)
    const login = loginOf(email)
    if (login === row.login) return
    checkNotNamed(login, named)
    await send(updateLogin, [personId, login])
  }
}

/** An address that parley.yaml names as an admin's is not for anybody to take: it would make them one. */
export function checkNotNamed(login: string, named: readonly string[]): void {
  if (named.includes(JSON.stringify(['login', login])))
    throw new ParleyError('request_invalid', personWording.emailTaken)
}

/** Another person signs in with this address. */
export function rejectTaken(thrown: unknown): never {
  if (thrown instanceof Error && 'constraint' in thrown && thrown.constraint === 'password_login_key')
    throw new ParleyError('request_invalid', personWording.emailTaken, { cause: thrown })
  throw thrown
}

function missing(): never {
  throw new ParleyError('person_not_found', personWording.missing)
}

/** Throws `request_invalid` if the account belongs to somebody else. `signedIn`: they sign in with it now. */
export async function connectIdentity(
  send: Send,
  personId: string,
  identity: ProvenIdentity,
  signedIn: boolean,
): Promise<void> {
  const { name = null, email = null } = identity
  const [row] = await send<{ person_id: string }>(insertIdentity, [...keyOf(identity), personId, name, email, signedIn])
  if (row?.person_id !== personId) throw new ParleyError('request_invalid', personWording.identityTaken)
}

/** In JSON, times are text. */
function withDates(identity: IdentityAbout): IdentityAbout {
  const { linkedAt, signedInAt } = identity
  return { ...identity, linkedAt: new Date(linkedAt), signedInAt: signedInAt === null ? null : new Date(signedInAt) }
}

const keyOf = ({ provider, issuer, subject }: IdentityKey) => [provider, issuer, subject]

export async function audit(
  send: Send,
  { personId, ...entry }: { id: string; personId: string; name: string; by: Changer; before: Json; after: Json },
): Promise<void> {
  await send(auditInsert, auditValues({ ...entry, scope: `person:${personId}` }))
}

const about = `person.id, person.name, person.email, person.vouched_email as "vouchedEmail", person.time_zone as "timeZone",
  person.created_at as "createdAt", person.disabled_at as "disabledAt", person.signed_in_at as "signedInAt",
  named as "namedAdmin", case when named then 'admin' else person.role end as role`

const installed: Statement = { name: 'people_installed', text: `select from installation` }

const findPerson: Statement = {
  name: 'person_find',
  text: `select ${about} from person cross join lateral (select ${isNamed('$1')} as named) it where person.id = $2::uuid`,
}

const identityJson = `jsonb_build_object('provider', provider, 'issuer', issuer, 'subject', subject, 'name', name, 'email', email,
  'linkedAt', linked_at, 'signedInAt', signed_in_at)`

const listPeople: Statement = {
  name: 'person_list',
  text: `
select ${about},
  exists (select from password where password.person_id = person.id) as "hasPassword",
  coalesce((select jsonb_agg(${identityJson} order by linked_at) from identity where identity.person_id = person.id), '[]')
    as identities,
  coalesce((select jsonb_agg(jsonb_build_object('id', team.id, 'name', team.name, 'role', member.role) order by team.name)
    from team_member member join team on team.id = member.team_id where member.person_id = person.id), '[]') as teams
from person cross join lateral (select ${isNamed('$1')} as named) it order by lower(person.name), person.id limit 10000`,
}

const identitiesOf: Statement = {
  name: 'person_identities',
  text: `
select provider, issuer, subject, name, email, linked_at as "linkedAt", signed_in_at as "signedInAt"
from identity where person_id = $1::uuid order by linked_at`,
}

const personOf: Statement = {
  name: 'person_of',
  text: `select person_id from identity where provider = $1 and issuer = $2 and subject = $3`,
}

/**
 * Decides who is first, makes them, and gives them what nobody owned: the threads of the page's list, and the files but for those
 * of the terminal's threads. Others who come at the same time wait for the row of `installation` and find it taken.
 */
const makeFirst: Statement = {
  name: 'person_first',
  text: `
with code as (
  select id from invitation where hash = $2 and kind = 'set_up' and used_at is null and expires_at > now()
), first as (
  insert into installation (one, person_id) select true, $1::uuid where $2::text is null or exists (select from code)
  on conflict (one) do nothing returning person_id
), made as (
  insert into person (id, name, email, vouched_email, role, signed_in_at) select person_id, $3, $4, $5, 'admin', now() from first
  returning id
), secret as (
  insert into password (person_id, login, hash) select id, $5, $6 from made
), used as (
  update invitation set used_at = now(), used_by = made.id from made where kind = 'set_up' and used_at is null
), adopted as (
  update console_thread set owner_id = made.id from made where owner_id is null and listed
), files as (
  update console_upload upload set owner_id = made.id from made where upload.owner_id is null
    and not exists (
      select from console_thread thread join console_message message on message.thread_id = thread.id
      cross join jsonb_array_elements(message.attachments) chip
      where not thread.listed and chip ->> 'id' = upload.id::text)
), noted as (
  insert into audit (id, by, by_name, via, scope, name, after)
  select $7::uuid, $8, $3, case when $2::text is null then 'page' else 'code' end, 'person:' || made.id, 'set-up',
    jsonb_build_object('role', 'admin') from made
)
select exists (select from first) or exists (select from installation where person_id = $1::uuid) as first,
  exists (select from code) as code_holds, exists (select from installation) as late`,
}

const lockInstallation: Statement = { name: 'person_lock_admins', text: `select from installation for update` }
const lockPerson: Statement = {
  name: 'person_lock',
  text: `select id from person where id = $1::uuid for update`,
}
const lockPeople: Statement = {
  name: 'person_lock_both',
  text: `select id from person where id = any ($1::uuid[]) order by id for update`,
}
const lockPersonOf: Statement = {
  name: 'person_lock_of',
  text: `
select person_id from identity join person on person.id = identity.person_id
where provider = $1 and issuer = $2 and subject = $3 for update of person`,
}

/** After a lock of `installation`: nobody else can change an admin meanwhile. */
const isLastAdmin: Statement = {
  name: 'person_last_admin',
  text: `
select from person where id = $1::uuid and role = 'admin' and disabled_at is null and signed_in_at is not null
  and not exists (
    select from person other where other.id <> $1::uuid and other.role = 'admin' and other.disabled_at is null
      and other.signed_in_at is not null)`,
}

const insertPerson: Statement = {
  name: 'person_insert',
  text: `
insert into person (id, name, email, role, signed_in_at)
select $1::uuid, $2, $3, $4::person_role, case when $5::boolean then now() end
where exists (select from installation) returning id`,
}

/** Answers whose it is now. */
const insertIdentity: Statement = {
  name: 'identity_connect',
  text: `
insert into identity as known (provider, issuer, subject, person_id, name, email, signed_in_at)
values ($1, $2, $3, $4::uuid, $5, $6, case when $7::boolean then now() end)
on conflict (provider, issuer, subject) do update set
  name = case when known.person_id = excluded.person_id then coalesce(excluded.name, known.name) else known.name end,
  email = case when known.person_id = excluded.person_id then coalesce(excluded.email, known.email) else known.email end,
  signed_in_at = case when known.person_id = excluded.person_id then coalesce(excluded.signed_in_at, known.signed_in_at)
    else known.signed_in_at end
returning person_id`,
}

const deleteIdentity: Statement = {
  name: 'identity_delete',
  text: `
delete from identity where provider = $1 and issuer = $2 and subject = $3 and person_id = $4::uuid
returning signed_in_at is not null as signed_in`,
}

/** Somebody who never signed in needs none. */
const hasWayIn: Statement = {
  name: 'person_way_in',
  text: `
select from person where id = $1::uuid and (signed_in_at is null
  or exists (select from password where person_id = person.id)
  or exists (select from identity where person_id = person.id and identity.signed_in_at is not null))`,
}

const markSignedIn: Statement = {
  name: 'person_signed_in',
  text: `update person set signed_in_at = now() where id = $1::uuid`,
}
const updateRole: Statement = {
  name: 'person_role',
  text: `update person set role = $2::person_role where id = $1::uuid`,
}
const updateDisabled: Statement = {
  name: 'person_disabled',
  text: `update person set disabled_at = case when $2::boolean then now() end where id = $1::uuid`,
}
/** Nobody comes back as the admin they were by a link that they made. */
const dropInvitationsBy: Statement = {
  name: 'person_drop_invitations_by',
  text: `delete from invitation where used_at is null and created_by = $1`,
}
const dropInvitationsFor: Statement = {
  name: 'person_drop_invitations_for',
  text: `delete from invitation where used_at is null and person_id = $1::uuid`,
}

/** To teams that they do not manage any more. */
const dropTeamInvitationsBy: Statement = {
  name: 'person_drop_team_invitations_by',
  text: `
delete from invitation where used_at is null and created_by = $2 and team_id is not null and not exists (
  select from team_member where team_member.team_id = invitation.team_id and person_id = $1::uuid and role = 'manager')`,
}

const updateProfile: Statement = {
  name: 'person_profile',
  text: `
update person set name = coalesce($2, name), email = case when $3::boolean then $4 else email end,
  time_zone = case when $5::boolean then $6 else time_zone end
where id = $1::uuid`,
}
const loginOfPerson: Statement = {
  name: 'person_login',
  text: `select login from password where person_id = $1::uuid`,
}
const updateLogin: Statement = {
  name: 'person_login_set',
  text: `update password set login = $2 where person_id = $1::uuid`,
}

const dropClaimedTeams: Statement = {
  name: 'person_teams_drop',
  text: `delete from team_member where person_id = $1::uuid and claimed and team_id <> all ($2::uuid[])`,
}
/** What an admin set by hand stays as it is. */
const addClaimedTeams: Statement = {
  name: 'person_teams_add',
  text: `
insert into team_member as known (team_id, person_id, role, claimed)
select team.id, $1::uuid, wanted.role::team_role, true
from unnest($2::uuid[], $3::text[]) wanted (id, role) join team on team.id = wanted.id
on conflict (team_id, person_id) do update set role = excluded.role where known.claimed`,
}

const deletePerson: Statement = { name: 'person_delete', text: `delete from person where id = $1::uuid` }
