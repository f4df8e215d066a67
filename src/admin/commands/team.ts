/** Teams: people and places that belong together, `team …`. What admins do on the page is done by the same functions. */
import { ParleyError } from '../../core/errors.ts'
import { teamRoles } from '../../core/person.ts'
import { type Scope, scopeOf } from '../../core/scope.ts'
import type { TeamAbout, Teams } from '../../identity/teams.ts'
import type { Settings } from '../../store/settings.ts'
import { scopeName } from '../../wording/commands.ts'
import { teamCommandWording as wording } from '../../wording/people.ts'
import { bulleted } from '../../wording/phrases.ts'
import { arg, type Caller, type Command, define } from '../define.ts'
import { canChange, demandInstallation } from '../grants.ts'
import { demand, scopeOfPerson, scopeOfPlace } from '../place.ts'

export interface TeamDeps {
  teams: Teams
  settings: Settings
}

const team = () => arg.word('A team, by name or id', 200)
const instructions = 'persona.instructions'

export function teamCommands({ teams, settings }: TeamDeps): Command[] {
  return [
    define({
      name: 'team list',
      summary: 'Lists the teams',
      role: 'member',
      args: {},
      examples: ['team list'],
      async run(_, caller) {
        const all = (await teams.list()).filter((each) => maySee(each, caller))
        return { text: all.length === 0 ? wording.none : bulleted(all.map(wording.line)), private: true }
      },
    }),
    define({
      name: 'team show',
      summary: 'Shows members, places and instructions',
      role: 'member',
      args: { team: team() },
      examples: ['team show Research'],
      async run({ team: typed }, caller) {
        const found = await teamOf(typed, caller)
        if (!maySee(found, caller)) throw new ParleyError('command_forbidden', wording.notYours(found.name))
        const scope = scopeOf.team(found.id)
        const text = (await settings.read([scope])).get(scope)?.[instructions]
        const places = found.places.map((place) => scopeName(place as Scope, caller.spender, caller.names))
        return { text: wording.about(found, places, text), private: true }
      },
    }),
    define({
      name: 'team add',
      summary: 'Creates a team',
      role: 'admin',
      changes: true,
      args: { name: arg.rest('Its name', 100) },
      examples: ['team add Sales'],
      async run({ name }, caller) {
        demandInstallation(caller.grants, wording.toChange)
        return { text: wording.added((await teams.create(name, caller.by)).name) }
      },
    }),
    define({
      name: 'team remove',
      summary: 'Removes a team; its people and places stay',
      role: 'admin',
      changes: true,
      args: { team: team(), yes: arg.flag('Removes at once, without asking') },
      examples: ['team remove Research'],
      async run({ team: typed, yes }, caller) {
        demandInstallation(caller.grants, wording.toChange)
        const found = await teamOf(typed, caller)
        if (!yes)
          return {
            text: wording.askRemove(found),
            buttons: [
              {
                label: wording.remove,
                style: 'danger',
                action: { kind: 'command', text: `team remove ${found.id} --yes` },
              },
            ],
            private: true,
          }
        await teams.remove(found.id, caller.by)
        return { text: wording.removed(found.name) }
      },
    }),
    define({
      name: 'team member',
      summary: 'Sets the role of a person in a team',
      role: 'admin',
      changes: true,
      args: {
        team: team(),
        person: arg.word('A mention, a name in quotes, or an id', 200),
        role: arg.choice('Their role in the team', [...teamRoles, 'none']),
      },
      examples: ['team member Research Ann manager', 'team member Research <@U123> none'],
      async run({ team: typed, person, role }, caller) {
        demandInstallation(caller.grants, wording.toChange)
        const found = await teamOf(typed, caller)
        const scope = await scopeOfPerson(person, caller)
        const personId = scope.slice('person:'.length)
        const name = scopeName(scope, caller.spender, caller.names)
        if (role === 'none') await teams.removeMember(found.id, personId, caller.by)
        else await teams.setMember(found.id, personId, role, caller.by)
        return { text: role === 'none' ? wording.left(name, found.name) : wording.joined(name, role, found.name) }
      },
    }),
    define({
      name: 'team place',
      summary: 'Gives a workspace or a channel to a team',
      role: 'admin',
      changes: true,
      args: { team: team(), for: arg.place('The workspace or channel'), remove: arg.flag('Takes it away again') },
      examples: ['team place Research for channel', 'team place Research for channel --remove'],
      async run({ team: typed, for: place, remove }, caller) {
        demandInstallation(caller.grants, wording.toChange)
        const found = await teamOf(typed, caller)
        const scope = await scopeOfPlace(place, caller)
        // A thread of the page has an owner instead, and the terminal is nobody's channel.
        if (!/^(?:workspace|channel):(?!console\/)/.test(scope))
          throw new ParleyError('command_invalid', wording.notAPlace)
        const others = found.places.filter((each) => each !== scope)
        await teams.update(found.id, { places: remove ? others : [...others, scope] }, caller.by)
        const where = scopeName(scope, caller.spender, caller.names)
        return { text: remove ? wording.placeRemoved(where, found.name) : wording.placeAdded(where, found.name) }
      },
    }),
    define({
      name: 'team instructions',
      summary: 'Sets instructions for answers to a team',
      role: 'manager',
      changes: true,
      args: { team: team(), text: arg.rest('The instructions, or `clear`', 4000) },
      examples: ['team instructions Research Name the source of every number.', 'team instructions Research clear'],
      async run({ team: typed, text }, caller) {
        const { id, name } = await teamOf(typed, caller)
        const scope = scopeOf.team(id)
        demand(caller, scope)
        const wanted = /^clear$/i.test(text) ? null : text
        await settings.change(scope, instructions, () => wanted, caller.by)
        return { text: wanted === null ? wording.instructionsCleared(name) : wording.instructions(name, wanted) }
      },
    }),
  ]

  async function teamOf(typed: string, caller: Caller): Promise<TeamAbout> {
    const scope = await scopeOfPlace({ kind: 'team', id: typed }, caller)
    const found = await teams.find(scope.slice('team:'.length))
    if (found === null) throw new ParleyError('command_invalid', wording.gone)
    return found
  }
}

/** Its people, and those who may change it. */
function maySee({ id, members }: TeamAbout, { grants, spender }: Caller): boolean {
  const isMember = members.some(({ personId }) => personId === spender.personId)
  return grants.amounts || isMember || canChange(grants, scopeOf.team(id), spender)
}
