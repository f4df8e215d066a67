/**
 * What a platform hands to intake: a message in Parley's own words. Everything here is plain JSON, because it is stored
 * before the platform's acknowledgement and read again by a worker in another process.
 */
import { z } from 'zod'
import { Json } from './json.ts'

export type ConversationRef = z.infer<typeof ConversationRef>
export const ConversationRef = z.object({
  platform: z.string().min(1),
  workspaceId: z.string().min(1),
  channelId: z.string().min(1),
  threadId: z.string().min(1).optional(),
})

/** The one string for lease, history and logs. Parts are escaped, so no two conversations share a key. */
export function conversationKey(ref: ConversationRef): string {
  const parts = [ref.platform, ref.workspaceId, ref.channelId]
  if (ref.threadId !== undefined) parts.push(ref.threadId)
  return parts.map(encodeURIComponent).join('/')
}

/** A file as the platform announced it. Its bytes are fetched by a worker through `locator`, never carried on a job. */
export type Attachment = z.infer<typeof Attachment>
export const Attachment = z.object({
  id: z.string().min(1),
  /** The name its sender gave it; shown to people, never used as a path. */
  name: z.string(),
  /** As the platform declares it; what the bytes say wins. */
  mediaType: z.string(),
  /** Size in bytes, where the platform tells. */
  bytes: z.number().int().nonnegative().optional(),
  durationMs: z.number().nonnegative().optional(),
  /** Where people open it on the platform; citations of the file link to it. */
  link: z.string().optional(),
  /** The author of the message recorded it as the message. Never true of what they forward, quote or attach as a file. */
  voiceNote: z.boolean().default(false),
  /** What the platform itself heard in a recording. */
  transcript: z.string().optional(),
  /** SHA-256 of its bytes, hex, where Parley has them already: they are kept with the message and need no fetching. */
  blob: z.string().optional(),
  /** The platform's own record: enough for any worker to fetch the bytes from a fresh process. Holds no secret. */
  locator: Json,
})

/** Files of a message that somebody forwards, answers or asks about: whatever they hold, the asker did not say it. */
export function asContent(files: readonly Attachment[]): Attachment[] {
  return files.map((file) => ({ ...file, voiceNote: false }))
}

/** Where the reply goes, in the platform's own record. */
export type ReplyTarget = z.infer<typeof ReplyTarget>
export const ReplyTarget = z.object({ conversation: ConversationRef, data: Json })

export type Author = z.infer<typeof Author>
export const Author = z.object({
  id: z.string().min(1),
  name: z.string().optional(),
  /**
   * What the platform itself says of this person in this workspace. Owners are Parley's first admins there; `guest` and
   * `stranger` (of another organisation) obey the guest policy. Absent: not known, an ordinary member.
   */
  membership: z.enum(['owner', 'member', 'guest', 'stranger']).optional(),
})

/** What a message asks for beside its words; policies and limits still hold. */
export type Overrides = z.infer<typeof Overrides>
export const Overrides = z.object({
  /** Id or alias of a model. */
  model: z.string().optional(),
  temperature: z.number().min(0).max(2).optional(),
  maxOutputTokens: z.number().int().positive().optional(),
})

export type IncomingMessage = z.infer<typeof IncomingMessage>
export const IncomingMessage = z.object({
  /** The platform's own id of the message or event: a redelivery, and an edit of the message, carry the same one. */
  id: z.string().min(1),
  conversation: ConversationRef,
  author: Author,
  /** Markdown, without the mention that woke Parley. */
  text: z.string(),
  kind: z.enum(['mention', 'direct', 'thread', 'command']),
  attachments: z.array(Attachment),
  replyTarget: ReplyTarget,
  /** The text of the message that this one answers or forwards. */
  quoted: z.string().optional(),
  /** What belongs to the question and could not be read, as sentences for its receipt: a thread, a file in it. */
  unread: z.array(z.string()).optional(),
  overrides: Overrides.optional(),
  /** The API key that the question came with. */
  keyId: z.string().optional(),
  /** What was said before, oldest first, where the sender tells it each time instead of Parley remembering it. */
  history: z.array(z.object({ role: z.enum(['user', 'assistant']), text: z.string() })).optional(),
  /** Instructions that the sender sets for this answer. */
  instructions: z.string().optional(),
  /** Only its author may see the answer, where the platform can. */
  private: z.boolean().optional(),
  /** BCP 47. */
  locale: z.string().optional(),
  /** ISO 8601, by the platform's clock. */
  sentAt: z.iso.datetime({ offset: true }),
})
