/** Whether Parley answers guests and people from other organizations: the policy of the place decides. */
import type { Author, ConversationRef } from '../core/message.ts'
import { scopesOf, spenderOf } from '../core/scope.ts'
import type { Settings } from '../store/settings.ts'
import { admissionWording } from '../wording/answers.ts'

/** The reason for a refusal; `undefined` if Parley answers this person. One refusing scope is enough. */
export async function refusalOf(
  settings: Pick<Settings, 'read'>,
  { id, membership }: Author,
  conversation: ConversationRef,
): Promise<string | undefined> {
  if (membership !== 'guest' && membership !== 'stranger') return undefined
  const set = await settings.read(scopesOf(spenderOf(conversation, id)))
  if (![...set.values()].some((values) => values['policy.guests'] === 'refuse')) return undefined
  return admissionWording.guests(membership)
}
