/**
 * Pure: commands are typed as messages in Teams. `/parley …` always is one; without it the table's own words are, where
 * Parley is spoken to and the line cannot be meant as a question.
 */
import type { CommandSpec } from '../../src/core/command.ts'

const maxWords = 14

/** What is to be run; `undefined` for a question. */
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
  // "budget set channel 20 month" is a command, "models are expensive" is not: one word alone begins many a sentence.
  return specs.some(({ name, args }) => name.includes(' ') && args.length > 0 && line.startsWith(`${name} `))
    ? typed
    : undefined
}
