/** Answers of the commands about people and teams. */
import type { PersonRole, TeamRole } from '../core/person.ts'
import { linkWording } from './linking.ts'
import { capitalized, code, listed, many, quoted } from './phrases.ts'

interface Listed {
  id: string
  name: string
  email: string | null
  role: PersonRole
  namedAdmin: boolean
  disabledAt: Date | null
  signedInAt: Date | null
  identities: { provider: string; issuer: string; subject: string; name: string | null }[]
  teams: { name: string; role: TeamRole }[]
}

const roles = {
  admin: 'an admin of the whole installation',
  viewer: 'a viewer, who reads all amounts and changes nothing',
  member: 'a member',
  guest: 'a guest, within the limits for guests',
} as const satisfies Record<PersonRole, string>

export const peopleWording = {
  none: 'Nobody matches. `/parley people list` lists everybody you may see.',
  more: (count: number) => `${many(count, 'more person', 'more people')}: add a part of the name`,
  line: ({ id, name, email, role, namedAdmin, disabledAt, signedInAt, identities, teams }: Listed) =>
    [
      `**${name}**${email === null ? '' : ` (${email})`}: ${role}${namedAdmin ? ' by parley.yaml' : ''}`,
      ...(disabledAt === null ? [] : ['disabled']),
      ...(signedInAt === null ? ['never signed in'] : []),
      ...(teams.length === 0 ? [] : [listed(teams.map((team) => `${team.role} of ${team.name}`))]),
      ...(identities.length === 0 ? [] : [listed(identities.map(linkWording.account))]),
      code(id),
    ].join(' · '),
  role: (name: string, role: PersonRole) => `**${name}** is now ${roles[role]}.`,
  disabled: (name: string) => `**${name}** is disabled: signed out everywhere, and Parley no longer answers them.`,
  enabled: (name: string) => `**${name}** is enabled again.`,
  toChange: 'change people',
  toInvite: 'invite people',
  invited: (name: string, expiresAt: Date) =>
    `Give this link to **${name}** and nobody else. It works once, until ${expiresAt.toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
  linkShownOnce: 'The link is shown only once. If it is lost, invite them again.',
  noAddress: 'Others cannot open the page of this Parley yet. Set PUBLIC_URL and restart Parley, then invite people.',
  nameMissing: 'Add the name of the person, for example `/parley people invite <@U123> member Ann Lee`.',
  noAccountHere: 'People can be mentioned in Slack, Discord and Teams. Here, type the name of the person.',
}

interface Team {
  name: string
  members: { name: string; role: TeamRole }[]
  places: string[]
}

const article = (role: TeamRole) => (role === 'manager' ? 'a manager' : role === 'viewer' ? 'a viewer' : 'a member')

export const teamCommandWording = {
  none: 'There are no teams that you can see. An admin creates one with `/parley team add Research`.',
  gone: 'This team was removed. `/parley team list` lists all teams.',
  notYours: (name: string) =>
    `Only members of the team ${name} and admins of the whole installation can see it. Ask one of them.`,
  line: ({ name, members, places }: Team) =>
    `**${name}**: ${many(members.length, 'person', 'people')}, ${many(places.length, 'place')}`,
  about: ({ name, members }: Team, places: string[], instructions: string | undefined) =>
    [
      `**${name}**`,
      `People: ${listed(members.map((member) => `${member.name} (${member.role})`)) || 'none'}`,
      `Places: ${listed(places) || 'none'}`,
      `Instructions: ${instructions === undefined ? 'none' : quoted(instructions, 1000)}`,
    ].join('\n\n'),
  toChange: 'change teams',
  added: (name: string) =>
    `The team **${name}** is ready. Add people with ${code(`/parley team member "${name}" @name member`)} and places with ${code(`/parley team place "${name}" for channel`)}.`,
  askRemove: ({ name, members, places }: Team) =>
    `This removes the team **${name}** of ${many(members.length, 'person', 'people')} and ${many(places.length, 'place')}. Its settings and budgets go with it; people and places stay.`,
  remove: 'Remove the team',
  removed: (name: string) => `The team **${name}** is removed.`,
  joined: (person: string, role: TeamRole, name: string) =>
    `${person} is now ${article(role)} of the team **${name}**.`,
  left: (person: string, name: string) => `${person} no longer belongs to the team **${name}**.`,
  notAPlace:
    'A team has workspaces and channels of Slack, Discord and Teams. Use this command in the channel, or name it: `/parley team place Research for channel:slack/T0123/C0456`.',
  placeAdded: (place: string, name: string) => `${capitalized(place)} belongs to the team **${name}** now.`,
  placeRemoved: (place: string, name: string) => `${capitalized(place)} no longer belongs to the team **${name}**.`,
  instructions: (name: string, text: string) => `Set for the team **${name}**: ${quoted(text, 200)}`,
  instructionsCleared: (name: string) => `The team **${name}** has no instructions now.`,
}
