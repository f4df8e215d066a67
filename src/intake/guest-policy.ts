/** Whether Parley answers an author: not disabled people; guests and people from other organizations where the place allows it. */
import type { Author, ConversationRef } from '../core/message.ts'
import { scopesOf, spenderOf } from '../core/scope.ts'
import type { Settings } from '../store/settings.ts'
import { admissionWording } from '../wording/answers.ts'

/** The reason for a refusal; `undefined` if Parley answers this person. One refusing scope is enough. */
export async function refusalOf(
  settings: Pick<Settings, 'read'>,
  author: Author,
  conversation: ConversationRef,
): Promise<string | undefined> {
  const { membership } = author
  if (membership === 'disabled') return admissionWording.disabled
  if (membership !== 'guest' && membership !== 'stranger') return undefined
  const set = await settings.read(scopesOf(spenderOf(conversation, author)))
  if (![...set.values()].some((values) => values['policy.guests'] === 'refuse')) return undefined
  return admissionWording.guests(membership)
}
