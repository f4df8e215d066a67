/** The commands without their handlers, for registering them with a platform from the command line. */
import type { CommandSpec } from '../core/command.ts'
import { createTable, type TableDeps } from './commands.ts'

/** These commands never run, so they need no services. */
const nothing = {} as TableDeps

export const commandSpecs: readonly (CommandSpec & { changes: boolean })[] = createTable(nothing)
