/** Persons by their accounts, for permissions, and the names of what scopes are for. */
import { z } from 'zod'
import { PersonRole, TeamRole } from '../core/person.ts'
import type { Scope } from '../core/scope.ts'
import type { DirectoryRows, Standing } from '../identity/directory.ts'
import type { ScopeNames } from '../wording/commands.ts'
import type { Database, Statement } from './database.ts'
import { isNamed } from './named-admins.ts'

const Row = z.object({
  personId: z.string(),
  name: z.string(),
  role: PersonRole,
  disabled: z.boolean(),
  timeZone: z.string().nullable(),
  accounts: z.array(z.object({ provider: z.string(), issuer: z.string(), subject: z.string() })),
  teams: z.array(z.object({ id: z.string(), name: z.string(), role: TeamRole })),
}) satisfies z.ZodType<Standing>

/** `named`: the admins that parley.yaml names (`namedAdmins` of identity/people.ts). */
export function createDirectoryRows(
  { query, prisma }: Pick<Database, 'query' | 'prisma'>,
  named: readonly string[],
): DirectoryRows {
  return {
    async find(by) {
      const found =
        'personId' in by
          ? await query(byPerson, [named, by.personId])
          : await query(byAccount, [named, by.account.provider, by.account.issuer, by.account.subject])
      return found[0] === undefined ? null : Row.parse(found[0])
    },
    async places() {
      const found = await prisma.teamPlace.findMany()
      return new Map(found.map(({ scope, teamId }) => [scope as Scope, teamId]))
    },
    async members(teamIds) {
      const found = await prisma.teamMember.findMany({ where: { teamId: { in: [...teamIds] } }, distinct: 'personId' })
      return found.map(({ personId }) => personId)
    },
  }
}

/** Of keys, revoked ones included, persons and teams. */
export function createScopeNames({ query }: Pick<Database, 'query'>): () => Promise<ScopeNames> {
  return async () =>
    new Map((await query<{ scope: Scope; name: string }>(names, [])).map(({ scope, name }) => [scope, name]))
}

const standing = `
select person.id as "personId", person.name, case when ${isNamed('$1')} then 'admin' else person.role::text end as role,
  person.disabled_at is not null as disabled, person.time_zone as "timeZone",
  coalesce((select jsonb_agg(jsonb_build_object('provider', provider, 'issuer', issuer, 'subject', subject))
    from identity where identity.person_id = person.id), '[]') as accounts,
  coalesce((select jsonb_agg(jsonb_build_object('id', team.id, 'name', team.name, 'role', member.role) order by team.name)
    from team_member member join team on team.id = member.team_id where member.person_id = person.id), '[]') as teams
from person`

const byPerson: Statement = { name: 'directory_person', text: `${standing} where person.id = $2::uuid` }

const byAccount: Statement = {
  name: 'directory_account',
  text: `
${standing} where person.id = (select person_id from identity where provider = $2 and issuer = $3 and subject = $4)`,
}

const names: Statement = {
  name: 'scope_names',
  text: `
select 'key:' || id as scope, name from api_key union all select 'person:' || id, name from person
union all select 'team:' || id, name from team`,
}
