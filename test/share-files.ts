/** Makes artifacts files of a conversation, as if somebody had sent them and a worker had read them. */
import { randomUUID } from 'node:crypto'
import { type ConversationRef, conversationKey } from '../src/core/message.ts'
import { spenderOf } from '../src/core/scope.ts'
import type { ArtifactKey } from '../src/store/attachments.ts'
import { createAttachments } from '../src/store/attachments.ts'
import type { Database } from '../src/store/database.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { file, message } from './fakes/message.ts'

export const spender = spenderOf(message().conversation, { id: 'ann' })

export interface Shared {
  /** conversationKey. */
  conversation: string
  turnId: string
}

export async function shareFiles(
  database: Database,
  files: readonly (ArtifactKey & { tokens?: number })[],
  more: { channelId?: string; text?: string; names?: readonly string[]; conversation?: ConversationRef } = {},
): Promise<Shared> {
  const { names, conversation, ...rest } = more
  const attachments = files.map((_, at) => ({ ...file(names?.[at] ?? `file-${at}.pdf`), id: `${randomUUID()}` }))
  const asked = message({ ...rest, attachments })
  const sent = { ...asked, conversation: conversation ?? asked.conversation }
  const { turnId, dispatch } = await createTurns(database).accept(sent)
  const stored = createAttachments(database)
  for (const [at, id] of dispatch.attachmentIds.entries()) {
    const key = files[at]
    if (key === undefined) continue
    await stored.claim(id, 'reader', 60_000)
    const receipt = { attachmentId: id, name: attachments[at]?.name ?? '', outcome: 'read', summary: '' } as const
    await stored.finish(id, 'reader', { receipt: { ...receipt, problems: [], tokens: key.tokens }, key })
  }
  return { conversation: conversationKey(sent.conversation), turnId }
}
