/** `help`: what you can do here, and how to type a command. */

import type { CommandSpec, Role } from '../../core/command.ts'
import { ParleyError } from '../../core/errors.ts'
import { commandWording, helpWording, permissionWording } from '../../wording/commands.ts'
import { bulleted, code } from '../../wording/phrases.ts'
import { arg, type Command, define } from '../define.ts'
import { nearest } from '../line.ts'
import { usageLine, usageOf } from '../parse.ts'

const rank: Record<Role, number> = { member: 0, manager: 1, admin: 2 }
export const canCall = (role: Role, command: Pick<Command, 'role'>) => rank[role] >= rank[command.role]

/** `table` is a function because the table contains this command. */
export function helpCommands(table: () => readonly Command[]): Command[] {
  const names = () => [...new Set(table().flatMap(({ name }) => [name.split(' ')[0] ?? name, name]))]
  return [
    define({
      name: 'help',
      summary: 'Lists the commands you can use here, or explains one',
      role: 'member',
      args: {
        command: { ...arg.optional(arg.rest('A command, or its first word', 100)), suggest: async () => names() },
      },
      examples: ['help', 'help models', 'help models pin'],
      async run({ command }, { grants: membership }) {
        if (command === undefined) return { text: overview(table().filter((each) => canCall(membership.role, each))) }
        const wanted = command.toLowerCase().replace(/^\//, '').replace(/\s+/g, ' ')
        const exact = table().find(({ name }) => name === wanted)
        if (exact !== undefined) return { text: inFull(exact) }
        const group = table().filter(({ name }) => name.startsWith(`${wanted} `))
        if (group.length > 0)
          return { text: bulleted(group.map((each) => helpWording.line(usageLine(each), each.summary))) }
        const meant = nearest(wanted, names())
        const hint = meant === undefined ? commandWording.listAll : commandWording.didYouMean(`/parley help ${meant}`)
        throw new ParleyError('command_invalid', `${commandWording.noCommand(wanted)} ${hint}`)
      },
    }),
  ]
}

/** One line for each first word. */
function overview(table: Command[]): string {
  const groups = Map.groupBy(table, ({ name }) => name.split(' ')[0] ?? name)
  const lines = [...groups].map(([word, commands]) => {
    const [only] = commands
    if (only !== undefined && commands.length === 1) return helpWording.line(usageLine(only), only.summary)
    return `${code(word)} ${commands.map(({ name }) => name.slice(word.length + 1)).join(' · ')}`
  })
  return helpWording.overview(lines)
}

function inFull(command: Command): string {
  const args = command.args.map((each) => {
    const { summary, required, choices = [] } = each
    const known = choices.length <= 5 ? '' : ` (${choices.join(', ')})`
    return `${code(usageOf(each))}${required ? '' : helpWording.optional}: ${summary}${known}`
  })
  return [
    helpWording.command(usageLine(command), command.summary, command.role),
    ...(args.length === 0 ? [] : [bulleted(args)]),
    helpWording.examples(command.examples),
  ].join('\n\n')
}

/** Writes docs/COMMANDS.md from the table. After a change, run `vitest run src/admin/commands.test.ts -u`. */
export function reference(table: readonly CommandSpec[]): string {
  const groups = Map.groupBy(table, ({ name }) => name.split(' ')[0] ?? name)
  const sections = [...groups].map(([word, commands]) => `## ${word}\n\n${commands.map(referenceEntry).join('\n\n')}`)
  return `${intro}\n\n${sections.join('\n\n')}\n`
}

const intro = `# Commands

Generated from the table in [src/admin/commands.ts](../src/admin/commands.ts); a test runs every example. See
[ADMIN.md](ADMIN.md) for permissions and for how to type commands.`

function referenceEntry(command: CommandSpec): string {
  const args = command.args.map(({ name, summary, required, choices }) => {
    const known = choices === undefined ? '' : ` (${choices.join(', ')})`
    return `- \`${name}\`: ${summary}${known}${required ? '' : helpWording.optional}`
  })
  return [
    `**\`${usageLine(command)}\`** ${command.summary}. For ${permissionWording.callers[command.role]}.`,
    ...(args.length === 0 ? [] : [args.join('\n')]),
    `\`\`\`\n${command.examples.join('\n')}\n\`\`\``,
  ].join('\n\n')
}
