/** `help`: what somebody may do here, and how one command is typed. */

import type { Role } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import { arg, type Command, define } from '../define.ts'
import { nearest } from '../line.ts'
import { usageLine } from '../parse.ts'
import { bulleted, code } from '../text.ts'

const rank: Record<Role, number> = { member: 0, manager: 1, admin: 2 }
export const mayCall = (role: Role, command: Pick<Command, 'role'>) => rank[role] >= rank[command.role]
export const callers: Record<Role, string> = {
  member: 'everybody',
  manager: 'managers of the channel and admins',
  admin: 'admins',
}

/** `table` is asked when somebody calls: it has this command in it. */
export function helpCommands(table: () => readonly Command[]): Command[] {
  const names = () => [...new Set(table().flatMap(({ name }) => [name.split(' ')[0] ?? name, name]))]
  return [
    define({
      name: 'help',
      summary: 'What can be typed here',
      role: 'member',
      args: {
        command: { ...arg.optional(arg.rest('A command, or its first word', 100)), suggest: async () => names() },
      },
      examples: ['help', 'help models', 'help models pin'],
      async run({ command }, { grants: membership }) {
        if (command === undefined) return { text: overview(table().filter((each) => mayCall(membership.role, each))) }
        const wanted = command.toLowerCase().replace(/^\//, '').replace(/\s+/g, ' ')
        const exact = table().find(({ name }) => name === wanted)
        if (exact !== undefined) return { text: inFull(exact) }
        const group = table().filter(({ name }) => name.startsWith(`${wanted} `))
        if (group.length > 0)
          return { text: bulleted(group.map((each) => `${code(usageLine(each))}: ${each.summary}`)) }
        const meant = nearest(wanted, names())
        throw new ParleyError(
          'command_invalid',
          `There is no command ${code(wanted)}. ${meant === undefined ? '`/parley help` lists all.' : `Did you mean ${code(`/parley help ${meant}`)}?`}`,
        )
      },
    }),
  ]
}

/** One line for each first word. */
function overview(table: Command[]): string {
  const groups = Map.groupBy(table, ({ name }) => name.split(' ')[0] ?? name)
  const lines = [...groups].map(([word, commands]) => {
    const [only] = commands
    if (only !== undefined && commands.length === 1) return `${code(usageLine(only))}: ${only.summary}`
    return `${code(word)} ${commands.map(({ name }) => name.slice(word.length + 1)).join(' · ')}`
  })
  return `Type one of these after \`/parley\`, for example \`/parley usage\`:\n\n${bulleted(lines)}\n\n\`/parley help <command>\` shows how it is typed.`
}

function inFull(command: Command): string {
  const args = command.args.map(
    ({ name, summary, required, choices }) =>
      `${code(name)}: ${summary}${choices === undefined || choices.length <= 5 ? '' : ` (${choices.join(', ')})`}${required ? '' : ', may be left out'}`,
  )
  return [
    `**${code(usageLine(command))}** ${command.summary}. For ${callers[command.role]}.`,
    ...(args.length === 0 ? [] : [bulleted(args)]),
    `For example:\n${bulleted(command.examples.map((line) => code(`/parley ${line}`)))}`,
  ].join('\n\n')
}
