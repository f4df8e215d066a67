/** Teams as rows. */
import { randomUUID } from 'node:crypto'
import { ParleyError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { type Changer, consoleIdOf, type TeamRole } from '../core/person.ts'
import { scopeOf } from '../core/scope.ts'
import { peopleChangedTopic } from '../core/topics.ts'
import { readName } from '../identity/people.ts'
import type { TeamAbout, Teams } from '../identity/teams.ts'
import type { Channel } from '../queue/channel.ts'
import { personWording, teamWording } from '../wording/sign-in.ts'
import { auditExists, auditInsert, auditValues } from './audit.ts'
import type { Database, Statement } from './database.ts'

export interface TeamsDeps {
  database: Pick<Database, 'query' | 'transaction'>
  channel: Pick<Channel, 'publish'>
}

type Send = Database['query']

export function createTeams({ database, channel }: TeamsDeps): Teams {
  const { query, transaction } = database

  async function found(id: string): Promise<TeamAbout> {
    const [team] = await query<TeamAbout & { [column: string]: unknown }>(find, [id])
    return team ?? missing()
  }

  /** Every process drops what it remembers, and the pages of the members show the change. `more`: members until now. */
  async function change(
    id: string,
    name: string,
    by: Changer,
    work: (send: Send) => Promise<{ before: Json; after: Json }>,
    more: string[] = [],
  ): Promise<void> {
    const auditId = randomUUID()
    await transaction(async (send) => {
      if ((await send(auditExists, [auditId])).length > 0) return
      const { before, after } = await work(send)
      await send(auditInsert, auditValues({ id: auditId, by, scope: scopeOf.team(id), name, before, after }))
    })
    const members = (await query<{ person_id: string }>(membersOf, [id])).map(({ person_id }) => person_id)
    for (const personId of new Set([...members, ...more])) channel.publish(peopleChangedTopic, personId)
    if (members.length + more.length === 0) channel.publish(peopleChangedTopic, null)
  }

  return {
    list: () => query<TeamAbout & { [column: string]: unknown }>(list, []),
    async find(id) {
      const [team] = await query<TeamAbout & { [column: string]: unknown }>(find, [id])
      return team ?? null
    },
    ofPerson: (personId) =>
      query<{ id: string; name: string; role: TeamRole; [column: string]: unknown }>(ofPerson, [personId]),

    async create(written, by) {
      const id = randomUUID()
      const name = readName(written)
      await change(id, 'team', by, async (send) => {
        if ((await send(insert, [id, name])).length === 0) throw nameTaken()
        return { before: null, after: { name } }
      })
      return await found(id)
    },

    async update(id, { name, places }, by) {
      await change(id, 'team', by, async (send) => {
        const before = await locked(send, id)
        if (name !== undefined) {
          const wanted = readName(name)
          if ((await send(nameOfAnother, [id, wanted])).length > 0) throw nameTaken()
          await send(rename, [id, wanted])
        }
        if (places !== undefined) {
          const wanted = [...new Set(places)]
          const [taken] = await send<{ scope: string; name: string }>(takenPlace, [id, wanted])
          if (taken !== undefined)
            throw new ParleyError('request_invalid', teamWording.placeTaken(taken.scope, taken.name))
          await send(dropPlaces, [id, wanted])
          await send(addPlaces, [id, wanted])
        }
        const after = await locked(send, id)
        return {
          before: { name: before.name, places: before.places },
          after: { name: after.name, places: after.places },
        }
      })
      return await found(id)
    },

    async remove(id, by) {
      const members = (await found(id)).members.map(({ personId }) => personId)
      await change(
        id,
        'team',
        by,
        async (send) => {
          const { name, places } = await locked(send, id)
          await send(remove, [id])
          for (const statement of removeRules) await send(statement, [scopeOf.team(id)])
          return { before: { name, places }, after: null }
        },
        members,
      )
    },

    async setMember(id, personId, role, by) {
      await change(id, 'team member', by, async (send) => {
        const before = (await locked(send, id)).members.find((member) => member.personId === personId)
        if ((await send(setMember, [id, personId, role])).length === 0)
          throw new ParleyError('person_not_found', personWording.missing)
        if (before?.role === 'manager' && role !== 'manager') await send(dropInvitations, [id, consoleIdOf(personId)])
        return {
          before: before === undefined ? null : { person: personId, role: before.role },
          after: { person: personId, role },
        }
      })
      return await found(id)
    },

    async removeMember(id, personId, by) {
      await change(
        id,
        'team member',
        by,
        async (send) => {
          const before = (await locked(send, id)).members.find((member) => member.personId === personId)
          await send(removeMember, [id, personId])
          if (before?.role === 'manager') await send(dropInvitations, [id, consoleIdOf(personId)])
          return { before: before === undefined ? null : { person: personId, role: before.role }, after: null }
        },
        [personId],
      )
      return await found(id)
    },
  }
}

async function locked(send: Send, id: string): Promise<TeamAbout> {
  await send(lock, [id])
  const [team] = await send<TeamAbout & { [column: string]: unknown }>(find, [id])
  return team ?? missing()
}

function missing(): never {
  throw new ParleyError('team_not_found', teamWording.missing)
}

const nameTaken = () => new ParleyError('request_invalid', teamWording.nameTaken)

const about = `team.id, team.name,
  coalesce((
    select jsonb_agg(jsonb_build_object('personId', person.id, 'name', person.name, 'role', member.role) order by person.name, person.id)
    from team_member member join person on person.id = member.person_id where member.team_id = team.id), '[]') as members,
  array(select scope from team_place where team_place.team_id = team.id order by scope) as places`

const list: Statement = { name: 'team_list', text: `select ${about} from team order by team.name` }
const find: Statement = { name: 'team_find', text: `select ${about} from team where team.id = $1::uuid` }
const lock: Statement = { name: 'team_lock', text: `select from team where id = $1::uuid for update` }
const ofPerson: Statement = {
  name: 'team_of_person',
  text: `
select team.id, team.name, member.role from team_member member join team on team.id = member.team_id
where member.person_id = $1::uuid order by team.name`,
}
const membersOf: Statement = {
  name: 'team_members',
  text: `select person_id from team_member where team_id = $1::uuid`,
}
/** Sent twice it is still one team. */
const insert: Statement = {
  name: 'team_insert',
  text: `
insert into team as known (id, name) values ($1::uuid, $2)
on conflict (name) do update set name = excluded.name where known.id = excluded.id returning id`,
}
const nameOfAnother: Statement = {
  name: 'team_name_of_another',
  text: `select from team where name = $2 and id <> $1::uuid`,
}
const rename: Statement = { name: 'team_rename', text: `update team set name = $2 where id = $1::uuid` }
const remove: Statement = { name: 'team_remove', text: `delete from team where id = $1::uuid` }
/** Nobody could name them any more, to change or to remove them. */
const removeRules: readonly Statement[] = [
  { name: 'team_remove_settings', text: `delete from setting where scope = $1` },
  { name: 'team_remove_budgets', text: `delete from budget where scope = $1` },
  // The last grant of a collection stays: without one, anybody could change it.
  {
    name: 'team_remove_grants',
    text: `delete from collection_grant granted where scope = $1 and exists (
  select from collection_grant other where other.collection_id = granted.collection_id and other.scope <> $1)`,
  },
]
const takenPlace: Statement = {
  name: 'team_place_taken',
  text: `
select place.scope, team.name from team_place place join team on team.id = place.team_id
where place.scope = any ($2::text[]) and place.team_id <> $1::uuid limit 1`,
}
const dropPlaces: Statement = {
  name: 'team_places_drop',
  text: `delete from team_place where team_id = $1::uuid and scope <> all ($2::text[])`,
}
const addPlaces: Statement = {
  name: 'team_places_add',
  text: `insert into team_place (scope, team_id) select scope, $1::uuid from unnest($2::text[]) scope on conflict (scope) do nothing`,
}
/** Set by hand: claims do not take it away. */
const setMember: Statement = {
  name: 'team_member_set',
  text: `
insert into team_member (team_id, person_id, role, claimed)
select $1::uuid, person.id, $3::team_role, false from person where person.id = $2::uuid
on conflict (team_id, person_id) do update set role = excluded.role, claimed = false returning person_id`,
}
const removeMember: Statement = {
  name: 'team_member_remove',
  text: `delete from team_member where team_id = $1::uuid and person_id = $2::uuid`,
}
/** Nobody comes back as the manager they were by a link that they made. */
const dropInvitations: Statement = {
  name: 'team_drop_invitations',
  text: `delete from invitation where used_at is null and team_id = $1::uuid and created_by = $2`,
}
