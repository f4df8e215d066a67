/** Pure: what Parley says once where it was added. */
import type { Notice } from '../../src/core/command.ts'
import type { Scope } from './activity.ts'

const inPersonal = [
  '**Hello, I am Parley.** Send me a question, or files to read: documents, scans, tables, pictures, recordings.',
  'I answer from what you share and say on which page, in which cell or at which second it stands.',
  'In channels and group chats, mention me. `help` lists what else I can do.',
].join('\n\n')

const inOthers = [
  '**Hello, I am Parley.** Mention me with a question, here or in a thread; in a thread that I take part in no mention is needed.',
  'I answer from the files that you share and say where it stands. `@Parley help` lists what else I can do.',
].join('\n\n')

export function greeting(scope: Scope): Notice {
  return {
    text: scope === 'personal' ? inPersonal : inOthers,
    buttons: [{ label: 'What can you do?', action: { kind: 'command', text: 'help' } }],
  }
}
