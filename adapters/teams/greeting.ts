/** Pure: the message that Parley posts once where it was added. */
import type { Notice } from '../../src/core/command.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import type { Scope } from './activity.ts'

export function greeting(scope: Scope): Notice {
  return {
    text: scope === 'personal' ? teamsWording.greeting.personal : teamsWording.greeting.shared,
    buttons: [{ label: chatWording.whatCanYouDo, action: { kind: 'command', text: 'help' } }],
  }
}
