/** What admins do with people and teams, and what managers do with their team. See account-api.ts. */
import { randomUUID } from 'node:crypto'
import type { Blobs } from '../../src/core/blobs.ts'
import { asParleyError, ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Route } from '../../src/core/http.ts'
import type { Changer } from '../../src/core/person.ts'
import { type InvitationAbout, invitationAddress, invitationHours } from '../../src/identity/invitations.ts'
import type { PersonAbout, PersonListed } from '../../src/identity/people.ts'
import type { TeamAbout } from '../../src/identity/teams.ts'
import { consoleWording } from '../../src/wording/page.ts'
import { mailWording, teamWording } from '../../src/wording/sign-in.ts'
import { type Accounts, bodyAs, changerOf, idOf, invitationRowOf, linkedOf, personOf } from './account.ts'
import {
  type CreatedInvitation,
  Invite,
  InviteToTeam,
  NewTeam,
  type People as PeopleBody,
  type PersonRow,
  ReadThread,
  SetRole,
  type TeamDetails,
  TeamMembership,
  UpdateTeam,
} from './account-api.ts'
import type { Board } from './board.ts'
import { publishChanged, type Topics, threadTopic, toJson } from './live.ts'
import { keepNotice } from './transport.ts'

export interface AdminRoutes {
  accounts: Accounts
  board: Board
  blobs: Pick<Blobs, 'put'>
  topics: Topics
  /** Writes down that an admin read somebody's thread. */
  recordReading(reading: { threadId: string; owner: string | null; reason: string }, by: Changer): Promise<void>
}

export function adminRoutes({ accounts, board, blobs, topics, recordReading }: AdminRoutes): Route[] {
  const { people, sessions, invitations, teams, persona, mailer } = accounts
  const access = ['admin'] as const
  const body = { maxBytes: 64_000 }

  async function rowOf({ id }: Pick<PersonAbout, 'id'>): Promise<PersonRow> {
    const listed = (await people.list()).find((person) => person.id === id)
    if (listed === undefined) throw new ParleyError('person_not_found', consoleWording.personMissing)
    return personRowOf(listed)
  }

  async function detailsOf(team: TeamAbout, open = invitations.list()): Promise<TeamDetails> {
    const own = (await open).filter((invitation) => invitation.team?.id === team.id)
    return {
      ...team,
      instructions: (await persona.read({ teamId: team.id })).instructions,
      invitations: own.map(invitationRowOf),
    }
  }

  async function invite(
    context: HttpContext,
    wanted: Parameters<Accounts['invitations']['create']>[0],
  ): Promise<Response> {
    const { id, code } = await invitations.create(wanted, changerOf(context))
    const made = (await invitations.list()).find((each) => each.id === id)
    if (made === undefined) throw new ParleyError('code_invalid', consoleWording.invitationGone)
    const { incoming } = context.env
    const base = accounts.baseUrlOf(incoming) ?? `http://${incoming.headers.host ?? 'localhost'}`
    const url = invitationAddress(base, code)
    const created: CreatedInvitation = {
      invitation: invitationRowOf(made),
      url,
      mail: await mailed(made, url, context),
    }
    return context.json(created, 201)
  }

  async function mailed(
    { email, resets }: InvitationAbout,
    link: string,
    context: HttpContext,
  ): Promise<CreatedInvitation['mail']> {
    if (email === null || mailer === undefined) return undefined
    const letter = mailWording.invitation({ by: personOf(context).name, link, hours: invitationHours, resets })
    try {
      await mailer.send({ to: email, ...letter })
      return { sentTo: email }
    } catch (thrown) {
      return { problem: asParleyError(thrown).userMessage }
    }
  }

  async function revoke(context: HttpContext, id: string): Promise<Response> {
    if (!(await invitations.revoke(id, changerOf(context))))
      throw new ParleyError('address_unknown', consoleWording.invitationGone)
    return context.body(null, 204)
  }

  const managed = (context: HttpContext) => managedTeam(teams, context)

  const routes: Route[] = [
    {
      method: 'GET',
      path: '/console/admin/people',
      access,
      async handle(context) {
        const open = invitations.list()
        const [listed, all] = await Promise.all([people.list(), teams.list()])
        const answer: PeopleBody = {
          people: listed.map(personRowOf),
          invitations: (await open).map(invitationRowOf),
          teams: await Promise.all(all.map((team) => detailsOf(team, open))),
        }
        return context.json(answer)
      },
    },
    {
      method: 'POST',
      path: '/console/admin/invitations',
      access,
      body,
      handle: (context) => invite(context, bodyAs(Invite, context)),
    },
    {
      method: 'DELETE',
      path: '/console/admin/invitations/:id',
      access,
      handle: (context) => revoke(context, idOf(context, 'id')),
    },
    {
      method: 'PUT',
      path: '/console/admin/people/:id/role',
      access,
      body,
      async handle(context) {
        const { role } = bodyAs(SetRole, context)
        return context.json(await rowOf(await people.setRole(idOf(context, 'id'), role, changerOf(context))))
      },
    },
    ...(['disable', 'enable'] as const).map(
      (action): Route => ({
        method: 'POST',
        path: `/console/admin/people/:id/${action}`,
        access,
        body,
        async handle(context) {
          const id = idOf(context, 'id')
          return context.json(await rowOf(await people.setDisabled(id, action === 'disable', changerOf(context))))
        },
      }),
    ),
    {
      method: 'POST',
      path: '/console/admin/people/:id/sign-out',
      access,
      body,
      async handle(context) {
        await sessions.endAll(idOf(context, 'id'))
        return context.body(null, 204)
      },
    },
    {
      method: 'DELETE',
      path: '/console/admin/people/:id',
      access,
      async handle(context) {
        await people.erase(idOf(context, 'id'), changerOf(context))
        return context.body(null, 204)
      },
    },

    {
      method: 'POST',
      path: '/console/admin/teams',
      access,
      body,
      handle: async (context) =>
        context.json(await detailsOf(await teams.create(bodyAs(NewTeam, context).name, changerOf(context))), 201),
    },
    {
      method: 'PUT',
      path: '/console/admin/teams/:id',
      access,
      body,
      async handle(context) {
        const id = idOf(context, 'id')
        const { instructions, ...changes } = bodyAs(UpdateTeam, context)
        for (const place of changes.places ?? [])
          if (!/^(?:workspace:[^/]+\/[^/]+|channel:[^/]+\/[^/]+\/[^/]+)$/.test(place))
            throw new ParleyError('request_invalid', teamWording.placeInvalid(place))
        const team = await teams.update(id, changes, changerOf(context))
        await persona.write({ teamId: id }, { instructions }, changerOf(context))
        return context.json(await detailsOf(team))
      },
    },
    {
      method: 'DELETE',
      path: '/console/admin/teams/:id',
      access,
      async handle(context) {
        await teams.remove(idOf(context, 'id'), changerOf(context))
        return context.body(null, 204)
      },
    },
    {
      method: 'PUT',
      path: '/console/admin/teams/:id/members/:personId',
      access,
      body,
      async handle(context) {
        const { role } = bodyAs(TeamMembership, context)
        const ids = [idOf(context, 'id'), idOf(context, 'personId')] as const
        return context.json(await detailsOf(await teams.setMember(...ids, role, changerOf(context))))
      },
    },
    {
      method: 'DELETE',
      path: '/console/admin/teams/:id/members/:personId',
      access,
      async handle(context) {
        const ids = [idOf(context, 'id'), idOf(context, 'personId')] as const
        return context.json(await detailsOf(await teams.removeMember(...ids, changerOf(context))))
      },
    },

    {
      method: 'POST',
      path: '/console/admin/threads/:id/read',
      access,
      body,
      /** The reading is in the audit log, and the owner is notified, before the admin sees any text. */
      async handle(context) {
        const threadId = idOf(context, 'id')
        const { reason } = bodyAs(ReadThread, context)
        const owner = await board.ownerOf(threadId)
        const whole = owner === undefined ? null : await board.anyThread(threadId)
        if (owner === undefined || whole === null)
          throw new ParleyError('conversation_not_found', consoleWording.threadMissing)
        const by = changerOf(context)
        await recordReading({ threadId, owner, reason }, by)
        const notice = { text: consoleWording.threadWasRead(by.name ?? consoleWording.commandLine, reason) }
        const message = await keepNotice({ board, blobs }, threadId, randomUUID(), notice, false)
        topics.publish(threadTopic(threadId), toJson({ type: 'message', message }))
        publishChanged(topics, threadId)
        return context.json({ thread: whole.thread, messages: whole.messages })
      },
    },

    {
      method: 'GET',
      path: '/console/teams/:id',
      access: ['page'],
      handle: async (context) => context.json(await detailsOf(await managed(context))),
    },
    {
      method: 'POST',
      path: '/console/teams/:id/invitations',
      access: ['page'],
      body,
      async handle(context) {
        const { id } = await managed(context)
        const { role, teamRole, name, email } = bodyAs(InviteToTeam, context)
        if (personOf(context).role === 'guest' && role !== 'guest')
          throw new ParleyError('request_forbidden', consoleWording.guestsInviteGuests)
        return await invite(context, { role, team: { id, role: teamRole }, name, email })
      },
    },
    {
      method: 'DELETE',
      path: '/console/teams/:id/invitations/:invitationId',
      access: ['page'],
      async handle(context) {
        const { id } = await managed(context)
        const invitationId = idOf(context, 'invitationId')
        const isOwn = (await invitations.list()).some((each) => each.id === invitationId && each.team?.id === id)
        if (!isOwn) throw new ParleyError('address_unknown', consoleWording.invitationGone)
        return await revoke(context, invitationId)
      },
    },
  ]
  return routes
}

/** The team of the address. Throws `team_not_found` if the caller does not manage it, as for one that does not exist. */
export async function managedTeam(teams: Pick<Accounts['teams'], 'find'>, context: HttpContext): Promise<TeamAbout> {
  const person = personOf(context)
  const team = await teams.find(idOf(context, 'id'))
  if (team === null || !(person.role === 'admin' || isManager(team, person.personId)))
    throw new ParleyError('team_not_found', teamWording.missing)
  return team
}

export const isManager = ({ members }: TeamAbout, personId: string) =>
  members.some((member) => member.personId === personId && member.role === 'manager')

function personRowOf(person: PersonListed): PersonRow {
  const { id, name, email, role, namedAdmin, createdAt, disabledAt, signedInAt, hasPassword, identities, teams } =
    person
  return {
    ...{ id, name, email, role, namedAdmin, hasPassword, teams },
    createdAt: createdAt.toISOString(),
    disabledAt: disabledAt?.toISOString() ?? null,
    signedInAt: signedInAt?.toISOString() ?? null,
    identities: identities.map(linkedOf),
  }
}
