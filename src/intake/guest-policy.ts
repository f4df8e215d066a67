/** Whether somebody from outside is answered: guests and strangers obey the policy of the place they ask in. */
import type { Author, ConversationRef } from '../core/message.ts'
import { scopesOf, spenderOf } from '../core/scope.ts'
import type { Settings } from '../store/settings.ts'

/** Why not, as a sentence; `undefined` for whom nothing refuses. What restricts adds up: one refusal is enough. */
export async function refusalOf(
  settings: Pick<Settings, 'read'>,
  { id, membership }: Author,
  conversation: ConversationRef,
): Promise<string | undefined> {
  if (membership !== 'guest' && membership !== 'stranger') return undefined
  const set = await settings.read(scopesOf(spenderOf(conversation, id)))
  if (![...set.values()].some((values) => values['policy.guests'] === 'refuse')) return undefined
  const whom = membership === 'guest' ? 'guests' : 'people from other organisations'
  return `Parley does not answer ${whom} here. Ask a member of this workspace to put the question for you, or an admin to change the policy.`
}
