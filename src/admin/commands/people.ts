/** Persons and their roles: `people …`. What admins do on the page is done by the same functions. */
import { ParleyError } from '../../core/errors.ts'
import { type PersonRole, personRoles } from '../../core/person.ts'
import { scopeOf } from '../../core/scope.ts'
import type { Directory } from '../../identity/directory.ts'
import { type Invitations, invitationAddress } from '../../identity/invitations.ts'
import type { People, PersonAbout } from '../../identity/people.ts'
import { peopleWording } from '../../wording/people.ts'
import { bulleted } from '../../wording/phrases.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { demandInstallation } from '../grants.ts'
import { mention } from '../line.ts'
import { scopeOfPerson } from '../place.ts'

export interface PeopleDeps {
  people: People
  invitations: Pick<Invitations, 'create'>
  /** The page's address from outside. */
  publicUrl: string | undefined
  accountOf: Directory['accountOf']
}

const shown = 50
const who = () => arg.word('A mention, a name in quotes, or an id', 200)

export function peopleCommands({ people, invitations, publicUrl, accountOf }: PeopleDeps): Command[] {
  return [
    define({
      name: 'people list',
      summary: 'Lists people with their roles and accounts',
      role: 'manager',
      args: { search: arg.optional(arg.rest('A part of a name or an email address', 100)) },
      examples: ['people list', 'people list ann'],
      async run({ search = '' }, caller) {
        const wanted = search.toLowerCase()
        const all = (await people.list()).filter(
          ({ id, name, email }) => mayKnow(caller, id) && `${name} ${email ?? ''}`.toLowerCase().includes(wanted),
        )
        if (all.length === 0) return { text: peopleWording.none, private: true }
        const more = all.length > shown ? [peopleWording.more(all.length - shown)] : []
        return { text: bulleted([...all.slice(0, shown).map(peopleWording.line), ...more]), private: true }
      },
    }),
    define({
      name: 'people role',
      summary: 'Sets the role of a person in the whole installation',
      role: 'admin',
      changes: true,
      args: { person: who(), role: arg.choice('The new role', personRoles) },
      examples: ['people role Ann viewer', 'people role <@U123> admin'],
      async run({ person, role }, caller) {
        const { name } = await people.setRole(await asAdmin(person, caller), role, caller.by)
        return { text: peopleWording.role(name, role), private: true }
      },
    }),
    define({
      name: 'people disable',
      summary: 'Signs a person out and answers them nowhere',
      role: 'admin',
      changes: true,
      args: { person: who() },
      examples: ['people disable Ann'],
      async run({ person }, caller) {
        const { name } = await people.setDisabled(await asAdmin(person, caller), true, caller.by)
        return { text: peopleWording.disabled(name), private: true }
      },
    }),
    define({
      name: 'people enable',
      summary: 'Enables a disabled person again',
      role: 'admin',
      changes: true,
      args: { person: who() },
      examples: ['people enable Ann'],
      async run({ person }, caller) {
        const { name } = await people.setDisabled(await asAdmin(person, caller), false, caller.by)
        return { text: peopleWording.enabled(name), private: true }
      },
    }),
    define({
      name: 'people invite',
      summary: 'Creates a link to sign in on the page with, once',
      role: 'admin',
      changes: true,
      args: {
        person: arg.word('A mention of somebody here, or the name of a new person', 200),
        role: arg.optional(arg.choice('Their role; by default member', personRoles)),
        name: arg.optional(arg.rest('The name of somebody who was mentioned', 100)),
      },
      examples: ['people invite "Ann Lee"', 'people invite <@U123> member Ann Lee'],
      async run({ person, role, name }, caller) {
        demandInstallation(caller.grants, peopleWording.toInvite)
        if (publicUrl === undefined) throw new ParleyError('command_invalid', peopleWording.noAddress)
        const wanted = { role: role ?? 'member', name }
        const invited = await chatPerson(person, wanted, caller)
        const made = await invitations.create(
          invited === null ? { role: wanted.role, name: person } : { role: invited.role, personId: invited.id },
          { ...caller.by, personId: caller.spender.personId },
        )
        const about = peopleWording.invited(invited?.name ?? person, made.expiresAt)
        return {
          text: `${about} ${invitationAddress(publicUrl, made.code)}`,
          private: true,
          again: `${about} ${peopleWording.linkShownOnce}`,
        }
      },
    }),
  ]

  async function asAdmin(typed: string, caller: Caller): Promise<string> {
    demandInstallation(caller.grants, peopleWording.toChange)
    return (await scopeOfPerson(typed, caller)).slice('person:'.length)
  }

  /** Somebody who used a chat first becomes a person with that account, so that what they asked stays theirs. */
  async function chatPerson(
    typed: string,
    { name, role }: { name: string | undefined; role: PersonRole },
    caller: Caller,
  ): Promise<PersonAbout | null> {
    const mentioned = mention(typed)
    if (mentioned?.kind !== 'person') return null
    const personId = await caller.personIdOf(mentioned.id)
    const known = personId === undefined ? null : await people.find(personId)
    if (known !== null) return known
    const account = accountOf(mentioned.id, caller.call.conversation)
    if (account === undefined) throw new ParleyError('command_invalid', peopleWording.noAccountHere)
    if (name === undefined) throw new ParleyError('command_invalid', peopleWording.nameMissing)
    return await people.create({ name, email: null, role, signedIn: false }, { ...account, name }, caller.by)
  }
}

function mayKnow({ grants, spender }: Caller, personId: string): boolean {
  return grants.amounts || grants.managed.has(scopeOf.person(personId)) || spender.personId === personId
}
