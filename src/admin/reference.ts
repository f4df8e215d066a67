/** Writes docs/COMMANDS.md from the table. Pure. After a change, run `vitest run src/admin/commands.test.ts -u`. */
import type { CommandSpec } from '../core/command.ts'
import { helpWording, permissionWording } from '../wording/commands.ts'
import { usageLine } from './parse.ts'

export function reference(table: readonly CommandSpec[]): string {
  const groups = Map.groupBy(table, ({ name }) => name.split(' ')[0] ?? name)
  const sections = [...groups].map(([word, commands]) => `## ${word}\n\n${commands.map(inFull).join('\n\n')}`)
  return `${intro}\n\n${sections.join('\n\n')}\n`
}

const intro = `# Commands

Generated from the table in [src/admin/commands.ts](../src/admin/commands.ts); a test runs every example. See
[ADMIN.md](ADMIN.md) for permissions and for how to type commands.`

function inFull(command: CommandSpec): string {
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
