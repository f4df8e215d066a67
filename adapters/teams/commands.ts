/**
 * Pure: finds commands in messages, because Teams has no slash commands. `/parley …` is always a command. Without it, a line
 * that names a command counts if it cannot be a question.
 */
import type { CommandSpec } from '../../src/core/command.ts'

const maxWords = 14

/** The command to run, or `undefined` for a question. */
export function commandIn(text: string, specs: readonly Pick<CommandSpec, 'name' | 'args'>[]): string | undefined {
  const typed = text.trim()
  const called = /^\/?parley(?:\s+([\s\S]*))?$/i.exec(typed)
  if (called && (typed.startsWith('/') || called[1] === undefined)) return (called[1] ?? 'help').trim() || 'help'
  const words = typed.toLowerCase().split(/\s+/)
  if (typed.includes('\n') || typed.includes('?') || words.length > maxWords) return undefined
  const line = words.join(' ')
  if (specs.some(({ name, args }) => name === line && !args.some(({ required }) => required))) return typed
  if (words[0] === 'help')
    return specs.some(({ name }) => line === `help ${name}` || name.startsWith(`${line.slice(5)} `)) ? typed : undefined
  // "budget set channel 20 month" is a command, "models are expensive" is not: many sentences start with a command's first word.
  return specs.some(({ name, args }) => name.includes(' ') && args.length > 0 && line.startsWith(`${name} `))
    ? typed
    : undefined
}
