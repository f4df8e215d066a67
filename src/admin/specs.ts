/** What may be typed, without what it does: for whoever makes the commands known to a platform from the command line. */
import type { CommandSpec } from '../core/command.ts'
import { createTable, type TableDeps } from './commands.ts'

/** None of these commands is ever run, so they are given nothing to run with. */
const nothing = {} as TableDeps

export const commandSpecs: readonly CommandSpec[] = createTable(nothing)
