/** Persons, accounts and teams, written straight into a test's database. */
import { randomUUID } from 'node:crypto'
import type { IdentityKey, PersonRole, TeamRole } from '../src/core/person.ts'
import type { Scope } from '../src/core/scope.ts'
import type { Database } from '../src/store/database.ts'

export async function addPerson(
  { prisma }: Pick<Database, 'prisma'>,
  name: string,
  { role = 'member', accounts = [] }: { role?: PersonRole; accounts?: readonly IdentityKey[] } = {},
): Promise<string> {
  const id = randomUUID()
  await prisma.person.create({
    data: { id, name, role, identities: { create: accounts.map((account) => ({ ...account })) } },
  })
  return id
}

export async function addTeam(
  { prisma }: Pick<Database, 'prisma'>,
  name: string,
  { places = [], members = {} }: { places?: readonly Scope[]; members?: Readonly<Record<string, TeamRole>> } = {},
): Promise<string> {
  const id = randomUUID()
  await prisma.team.create({
    data: {
      id,
      name,
      places: { create: places.map((scope) => ({ scope })) },
      members: { create: Object.entries(members).map(([personId, role]) => ({ personId, role })) },
    },
  })
  return id
}

export const slackAccount = (subject: string, issuer = 'T1'): IdentityKey => ({ provider: 'slack', issuer, subject })
export const discordAccount = (subject: string): IdentityKey => ({ provider: 'discord', issuer: 'discord', subject })
