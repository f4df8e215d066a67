/** The real text of `help`, for tests that show it on a platform. */
import { helpCommands } from '../../src/admin/commands/help.ts'
import { createTable, type TableDeps } from '../../src/admin/commands.ts'
import type { Caller } from '../../src/admin/define.ts'
import type { Notice, Role } from '../../src/core/command.ts'

/** Some commands, without their services: only help runs. A new command changes nothing that is written down. */
const shown = [
  'help',
  'models list',
  'models pin',
  'budget list',
  'budget set',
  'budget grant',
  'usage',
  'why',
  'health',
]
const table = createTable({} as TableDeps).filter(({ name }) => shown.includes(name))

export async function helpOf(command?: string, role: Role = 'admin'): Promise<Notice> {
  const [help] = helpCommands(() => table)
  if (help === undefined) throw new Error('there is no help')
  return await help.run({ command }, { grants: { role } } as Caller)
}
