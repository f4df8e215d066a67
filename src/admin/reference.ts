/** docs/COMMANDS.md, from the table. Pure. `vitest run src/admin/commands.test.ts -u` writes it after a change. */
import type { CommandSpec } from '../core/command.ts'
import { callers } from './commands/help.ts'
import { usageLine } from './parse.ts'

export function reference(table: readonly CommandSpec[]): string {
  const groups = Map.groupBy(table, ({ name }) => name.split(' ')[0] ?? name)
  const sections = [...groups].map(([word, commands]) => `## ${word}\n\n${commands.map(inFull).join('\n\n')}`)
  return `${intro}\n\n${sections.join('\n\n')}\n`
}

const intro = `# Commands

Made from the table in [src/admin/commands.ts](../src/admin/commands.ts); every example is run by a test. Who may do what, and how
lines are typed: [ADMIN.md](ADMIN.md).`

function inFull(command: CommandSpec): string {
  const args = command.args.map(({ name, summary, required, choices }) => {
    const known = choices === undefined ? '' : ` (${choices.join(', ')})`
    return `- \`${name}\`: ${summary}${known}${required ? '' : '; may be left out'}`
  })
  return [
    `**\`${usageLine(command)}\`** ${command.summary}. For ${callers[command.role]}.`,
    ...(args.length === 0 ? [] : [args.join('\n')]),
    `\`\`\`\n${command.examples.join('\n')}\n\`\`\``,
  ].join('\n\n')
}
