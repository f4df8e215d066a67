/** Messages for tests, complete but for what a test cares about. */
import { randomUUID } from 'node:crypto'
import type { Attachment, IncomingMessage } from '../../src/core/message.ts'

export interface MessageOverrides {
  id?: string
  channelId?: string
  author?: string
  text?: string
  platform?: string
  attachments?: Attachment[]
}

export function message({
  id = randomUUID(),
  channelId = 'general',
  author = 'ann',
  text = 'Hello',
  platform = 'test',
  attachments = [],
}: MessageOverrides = {}): IncomingMessage {
  const conversation = { platform, workspaceId: 'team', channelId }
  return {
    id,
    conversation,
    author: { id: author },
    text,
    kind: 'direct',
    attachments,
    replyTarget: { conversation, data: { channelId } },
    sentAt: '2026-01-01T00:00:00Z',
  }
}

export function file(name: string): Attachment {
  return { id: name, name, mediaType: 'application/pdf', voiceNote: false, locator: { name } }
}
