/** What people do with their own account: set-up, sign-in by password, invitations, and everything about themselves. See account-api.ts. */
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { z } from 'zod'
import { ParleyError } from '../../src/core/errors.ts'
import type { Caller, HttpContext, Route } from '../../src/core/http.ts'
import { type Changer, consoleIdOf, type SignedIn } from '../../src/core/person.ts'
import { isUuid } from '../../src/core/uuid.ts'
import { isTimeZone } from '../../src/core/window.ts'
import type { Cookies } from '../../src/identity/cookies.ts'
import type { Flows } from '../../src/identity/flows.ts'
import type { InvitationAbout, Invitations } from '../../src/identity/invitations.ts'
import type { Mailer } from '../../src/identity/mailer.ts'
import { shortestPassword } from '../../src/identity/passwords.ts'
import type { People } from '../../src/identity/people.ts'
import { type SessionAbout, type Sessions, sessionDays } from '../../src/identity/sessions.ts'
import type { Entered, From, SignIn } from '../../src/identity/sign-in.ts'
import type { Teams } from '../../src/identity/teams.ts'
import { consoleWording } from '../../src/wording/page.ts'
import {
  AcceptInvitation,
  ChangePassword,
  Erase,
  IdentityRef,
  type InvitationRow,
  type Invited,
  type LinkedIdentity,
  type Me,
  type SessionRow,
  type SessionState,
  SetUp,
  type SignInProvider,
  SignIn as SignInRequest,
  UpdateMe,
} from './account-api.ts'
import type { Board } from './board.ts'
import { jsonIn, localAuthor } from './normalize.ts'

/** Accounts, as the page's routes use them. */
export interface Accounts {
  people: People
  sessions: Sessions
  signIn: SignIn
  invitations: Invitations
  teams: Teams
  hasPassword(personId: string): Promise<boolean>
  /** Deletes what they asked in linked chats and with their keys, as `forget everywhere` does. */
  forgetChats(personId: string): Promise<void>
  /** How Parley answers a person or a team. `write` changes what is given; `null` and empty texts remove it. */
  persona: {
    read(of: PersonaOf): Promise<Persona>
    write(of: PersonaOf, changes: Partial<Persona>, by: Changer): Promise<void>
  }
  /** Absent: no mail server is set, and links are copied. */
  mailer: Mailer | undefined
  /** Sign-in with accounts of other sites. */
  flows: Flows
  cookies: Cookies
  /** Where a request comes from, past the proxies that are trusted. */
  addressOf(request: HttpContext['env']['incoming']): string | undefined
  /** The page's address for the browser of a request: PUBLIC_URL, or the local name that it uses. `undefined`: unknown. */
  baseUrlOf(request: HttpContext['env']['incoming']): string | undefined
}

type PersonaOf = { personId: string } | { teamId: string }

interface Persona {
  /** What it should know. */
  instructions: string | null
  /** In words: `German`. */
  language: string | null
}

export interface AccountRoutes {
  accounts: Accounts
  board: Pick<Board, 'threadIds' | 'thread'>
}

/** Whether the access gate would still let this caller in. */
export async function holds(
  { people, sessions }: Pick<Accounts, 'people' | 'sessions'>,
  caller: Caller,
): Promise<boolean> {
  if (caller.as !== 'page') return true
  return caller.person === null ? !(await people.areSetUp()) : await sessions.holds(caller.person.sessionId)
}

export function accountRoutes({ accounts, board }: AccountRoutes): Route[] {
  const { people, sessions, signIn, teams, persona, cookies, flows } = accounts
  const anyone = ['page', 'signIn'] as const
  const access = ['page'] as const
  const body = { maxBytes: 64_000 }

  const from = ({ env, req }: HttpContext): From => ({
    userAgent: req.header('user-agent') ?? '',
    address: accounts.addressOf(env.incoming) ?? '',
  })

  async function meOf(personId: string, role: SignedIn['role']): Promise<Me> {
    const [person, hasPassword, own, answered] = await Promise.all([
      people.find(personId),
      accounts.hasPassword(personId),
      teams.ofPerson(personId),
      persona.read({ personId }),
    ])
    if (person === null) throw new ParleyError('credentials_missing', consoleWording.signInAgain)
    const { id, name, email, timeZone } = person
    return { id, name, email, role, timeZone, ...answered, hasPassword, teams: own }
  }

  async function stateOf(caller: Caller): Promise<SessionState> {
    const person = caller.as === 'page' ? caller.person : null
    const setUp = await people.areSetUp()
    return {
      setUp,
      local: !setUp && (caller.as === 'page' || caller.as === 'terminal'),
      person: person === null ? null : await meOf(person.personId, person.role),
      providers: providersOf(flows),
      minPasswordLength: shortestPassword,
      inviteOnly: flows.inviteOnly,
    }
  }

  /** Sets the cookie. A session that this browser had before ends. */
  async function enter(context: HttpContext, { personId, secret }: Entered, status: 200 | 201): Promise<Response> {
    const { incoming } = context.env
    const before = cookies.read(incoming, 'session')
    const old = before === undefined ? null : await sessions.find(before)
    if (old !== null) await sessions.end(old.personId, old.sessionId)
    const person = await sessions.find(secret)
    if (person === null) throw new ParleyError('credentials_missing', consoleWording.signInAgain)
    context.header('set-cookie', cookies.set(incoming, 'session', secret, sessionDays * 86_400))
    return context.json(await stateOf({ as: 'page', person: { ...person, personId } }), status)
  }

  const routes: Route[] = [
    {
      method: 'GET',
      path: '/console/session',
      access: anyone,
      async handle(context) {
        return context.json(await stateOf(context.get('caller')))
      },
    },
    {
      method: 'POST',
      path: '/console/set-up',
      access: anyone,
      body,
      async handle(context) {
        const { code, ...account } = bodyAs(SetUp, context)
        // The user of this machine could read the code.
        const isLocal = context.get('caller').as !== 'signIn'
        const entered = isLocal
          ? await signIn.createFirst(account, from(context))
          : await signIn.setUp(code ?? '', account, from(context))
        return await enter(context, entered, 201)
      },
    },
    {
      method: 'POST',
      path: '/console/sign-in',
      access: anyone,
      body,
      handle: async (context) =>
        await enter(context, await signIn.signIn(bodyAs(SignInRequest, context), from(context)), 200),
    },
    {
      method: 'POST',
      path: '/console/sign-out',
      access: anyone,
      body,
      async handle(context) {
        const caller = context.get('caller')
        if (caller.as === 'page' && caller.person !== null)
          await sessions.end(caller.person.personId, caller.person.sessionId)
        context.header('set-cookie', cookies.clear(context.env.incoming, 'session'))
        return context.body(null, 204)
      },
    },
    {
      method: 'GET',
      path: '/console/invitations/:code',
      access: anyone,
      async handle(context) {
        const { role, team, resets, name, email, expiresAt } = await signIn.invitation(context.req.param('code') ?? '')
        const invited: Invited = {
          role,
          team: team?.name ?? null,
          resets,
          name,
          email,
          expiresAt: expiresAt.toISOString(),
        }
        return context.json(invited)
      },
    },
    {
      method: 'POST',
      path: '/console/invitations/:code',
      access: anyone,
      body,
      async handle(context) {
        const account = bodyAs(AcceptInvitation, context)
        const entered = await signIn.acceptInvitation(context.req.param('code') ?? '', account, from(context))
        return await enter(context, entered, 201)
      },
    },

    {
      method: 'GET',
      path: '/console/me',
      access,
      async handle(context) {
        const { personId, role } = personOf(context)
        return context.json(await meOf(personId, role))
      },
    },
    {
      method: 'PUT',
      path: '/console/me',
      access,
      body,
      async handle(context) {
        const { personId, role } = personOf(context)
        const { instructions, language, ...profile } = bodyAs(UpdateMe, context)
        if (profile.timeZone != null && !isTimeZone(profile.timeZone))
          throw new ParleyError('request_invalid', consoleWording.timeZoneInvalid)
        if (Object.keys(profile).length > 0) await people.setProfile(personId, profile)
        await persona.write({ personId }, { instructions, language }, changerOf(context))
        return context.json(await meOf(personId, role))
      },
    },
    {
      method: 'POST',
      path: '/console/me/password',
      access,
      body,
      async handle(context) {
        const person = personOf(context)
        const { current, new: next } = bodyAs(ChangePassword, context)
        await signIn.changePassword(person, { current, next }, from(context))
        return context.body(null, 204)
      },
    },
    {
      method: 'GET',
      path: '/console/me/identities',
      access,
      async handle(context) {
        const identities = (await people.identitiesOf(personOf(context).personId)).map(linkedOf)
        return context.json({ identities, connect: providersOf(flows) })
      },
    },
    {
      method: 'DELETE',
      path: '/console/me/identities',
      access,
      body,
      async handle(context) {
        const { personId, sessionId } = personOf(context)
        await people.unlink(personId, bodyAs(IdentityRef, context), changerOf(context), sessionId)
        return context.body(null, 204)
      },
    },
    {
      method: 'POST',
      path: '/console/me/merge',
      access,
      body,
      async handle(context) {
        const { personId } = personOf(context)
        const other = await signIn.prove(bodyAs(SignInRequest, context), from(context))
        await people.merge(other, personId, changerOf(context))
        return context.body(null, 204)
      },
    },
    {
      method: 'GET',
      path: '/console/me/sessions',
      access,
      async handle(context) {
        const { personId, sessionId } = personOf(context)
        const rows = (await sessions.list(personId)).map((row) => sessionRowOf(row, sessionId))
        return context.json({ sessions: rows })
      },
    },
    {
      method: 'DELETE',
      path: '/console/me/sessions',
      access,
      async handle(context) {
        const { personId, sessionId } = personOf(context)
        await sessions.endAll(personId, sessionId)
        return context.body(null, 204)
      },
    },
    {
      method: 'DELETE',
      path: '/console/me/sessions/:id',
      access,
      async handle(context) {
        const { personId } = personOf(context)
        const id = context.req.param('id') ?? ''
        if (!isUuid(id) || !(await sessions.end(personId, id)))
          throw new ParleyError('address_unknown', consoleWording.sessionMissing)
        return context.body(null, 204)
      },
    },
    {
      method: 'GET',
      path: '/console/me/export',
      access,
      async handle(context) {
        const { personId, role } = personOf(context)
        const me = await meOf(personId, role)
        const identities = (await people.identitiesOf(personId)).map(linkedOf)
        const { outgoing } = context.env
        outgoing.writeHead(200, {
          'content-type': 'application/json; charset=utf-8',
          'content-disposition': `attachment; filename="parley-${new Date().toISOString().slice(0, 10)}.json"`,
        })
        const pieces = Readable.from(exported({ me, identities }, board, personId))
        await pipeline(pieces, outgoing).catch(() => outgoing.destroy())
        return undefined
      },
    },
    {
      method: 'POST',
      path: '/console/me/erase',
      access,
      body,
      async handle(context) {
        const { personId, name } = personOf(context)
        const { name: typed, chats } = bodyAs(Erase, context)
        if (typed.trim() !== name) throw new ParleyError('request_invalid', consoleWording.nameToErase)
        await people.checkErase(personId)
        if (chats) await accounts.forgetChats(personId)
        await people.erase(personId, changerOf(context))
        context.header('set-cookie', cookies.clear(context.env.incoming, 'session'))
        return context.body(null, 204)
      },
    },
  ]
  return routes
}

function providersOf({ providers }: Flows): SignInProvider[] {
  return providers.map(({ settings: { id, label, kind } }) => ({ id, label, kind }))
}

/** Thread by thread, so that a long history is never in memory as a whole. */
async function* exported(
  about: { me: Me; identities: LinkedIdentity[] },
  board: AccountRoutes['board'],
  personId: string,
): AsyncGenerator<string> {
  yield `{\n"exportedAt": ${JSON.stringify(new Date())},\n"me": ${JSON.stringify(about.me)},\n`
  yield `"identities": ${JSON.stringify(about.identities)},\n"threads": [`
  let first = true
  for (const id of await board.threadIds(personId)) {
    const whole = await board.thread(id, personId)
    if (whole === null) continue
    yield `${first ? '\n' : ',\n'}${JSON.stringify({ ...whole.thread, messages: whole.messages })}`
    first = false
  }
  yield '\n]\n}\n'
}

/** The signed-in person. The user of this machine and the terminal have no account: they are refused. */
export function personOf(context: HttpContext): SignedIn {
  const caller = context.get('caller')
  if (caller.as === 'page' && caller.person !== null) return caller.person
  throw new ParleyError('request_forbidden', consoleWording.accountNeeded)
}

/** Who changes something, for the audit log. */
export function changerOf(context: HttpContext): Changer {
  const caller = context.get('caller')
  if (caller.as !== 'page') return { id: consoleIdOf('cli'), via: 'terminal' }
  if (caller.person === null) return { id: consoleIdOf(localAuthor.id), name: localAuthor.name, via: 'page' }
  return { id: consoleIdOf(caller.person.personId), name: caller.person.name, via: 'page' }
}

/** An id in the address. Throws `request_invalid`. */
export function idOf(context: HttpContext, name: string): string {
  const id = context.req.param(name) ?? ''
  if (!isUuid(id)) throw new ParleyError('request_invalid', consoleWording.addressIncomplete)
  return id.toLowerCase()
}

/** Throws `request_invalid`. */
export function bodyAs<Shape extends z.ZodType>(shape: Shape, context: HttpContext): z.infer<Shape> {
  const { success, data } = shape.safeParse(jsonIn(context))
  if (!success) throw new ParleyError('request_invalid', consoleWording.formInvalid)
  return data
}

export function linkedOf({
  provider,
  issuer,
  subject,
  name,
  email,
  linkedAt,
}: Awaited<ReturnType<People['identitiesOf']>>[number]): LinkedIdentity {
  return { provider, issuer, subject, name, email, linkedAt: linkedAt.toISOString() }
}

export function invitationRowOf({
  id,
  role,
  team,
  personId,
  name,
  email,
  createdAt,
  expiresAt,
}: InvitationAbout): InvitationRow {
  return {
    ...{ id, role, team, personId, name, email },
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
  }
}

function sessionRowOf({ createdAt, usedAt, endsAt, ...row }: SessionAbout, current: string): SessionRow {
  const times = { createdAt: createdAt.toISOString(), usedAt: usedAt.toISOString(), endsAt: endsAt.toISOString() }
  return { ...row, ...times, current: row.id === current }
}
