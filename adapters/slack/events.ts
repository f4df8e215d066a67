/** The parts of Slack's payloads that Parley reads. */
import { z } from 'zod'
import { Json, storableJson } from '../../src/core/json.ts'

const text = z.string().nullish()
const number = z.number().nullish()

export type SlackFile = z.infer<typeof SlackFile>
export const SlackFile = z.object({
  id: z.string().min(1),
  name: text,
  title: text,
  mimetype: text,
  filetype: text,
  size: number,
  mode: text,
  subtype: text,
  duration_ms: number,
  url_private: text,
  url_private_download: text,
  permalink: text,
  is_external: z.boolean().nullish(),
  external_type: text,
  file_access: text,
  /** What the picture shows, in its sender's words. */
  alt_txt: text,
  /** The address of the whole transcript, as WebVTT. */
  vtt: text,
  transcription: z
    .object({ status: text, preview: z.object({ content: text, has_more: z.boolean().nullish() }).nullish() })
    .nullish(),
})

/** A forwarded message, an unfurled link, or what a bot attached to its message. */
export type Shared = z.infer<typeof Shared>
export const Shared = z.object({
  text,
  fallback: text,
  pretext: text,
  title: text,
  title_link: text,
  author_name: text,
  from_url: text,
  footer: text,
  is_share: z.boolean().nullish(),
  is_msg_unfurl: z.boolean().nullish(),
  fields: z.array(z.object({ title: text, value: text })).nullish(),
  files: z.array(SlackFile).nullish(),
  blocks: z.array(z.unknown()).nullish(),
  /** Of a forwarded message. */
  message_blocks: z
    .array(z.object({ message: z.object({ blocks: z.array(z.unknown()).nullish() }).nullish() }))
    .nullish()
    .catch(undefined),
})

const messageFields = {
  user: text,
  bot_id: text,
  text,
  ts: z.string().min(1),
  thread_ts: text,
  /** The author of the thread's first message. */
  parent_user_id: text,
  bot_profile: z.object({ name: text }).nullish(),
  team: text,
  user_team: text,
  files: z.array(SlackFile).nullish(),
  attachments: z.array(Shared).nullish(),
  blocks: z.array(z.unknown()).nullish(),
}

/** A message in a channel's history or in a thread. */
export type SlackMessage = z.infer<typeof SlackMessage>
export const SlackMessage = z.object({
  ...messageFields,
  subtype: text,
  username: text,
  /** Set when its author changed it. */
  edited: z.object({ ts: text }).nullish(),
})

export type MessageEvent = z.infer<typeof MessageEvent>
export const MessageEvent = z.object({
  type: z.enum(['message', 'app_mention']),
  subtype: text,
  channel: z.string().min(1),
  channel_type: text,
  ...messageFields,
  event_ts: text,
  /** Of a deletion. */
  deleted_ts: text,
  edited: z.object({ ts: text }).nullish(),
  username: text,
  assistant_thread: z.unknown().optional(),
  app_context: z.unknown().optional(),
  message: SlackMessage.nullish(),
  previous_message: SlackMessage.nullish(),
})

/** Parley's identity in the workspace that an event comes from. */
export interface Self {
  teamId: string
  enterpriseId?: string
  botUserId?: string
  botId?: string
  /** Direct messages are conversations of the agent view: each message at the top level begins a thread. */
  agentView?: boolean
}

/** What a transport needs to answer a question: the place and the person. */
export type TargetData = z.infer<typeof TargetData>
export const TargetData = z.object({
  team: z.string(),
  enterprise: z.string().optional(),
  channel: z.string(),
  /** Absent in a direct message without threads. */
  thread: z.string().optional(),
  /** The question's own message. */
  ts: z.string().optional(),
  user: z.string().optional(),
  userTeam: z.string().optional(),
  /** The question's first words, for a list of conversations. */
  title: z.string().optional(),
  direct: z.boolean().optional(),
})

/**
 * The thread for a message that only one person sees. Slack does not show such messages in a thread without replies, so for
 * the first question of a thread the message goes into the channel: https://docs.slack.dev/reference/methods/chat.postEphemeral
 */
export function whisperThread({ thread, ts }: Pick<TargetData, 'thread' | 'ts'>): string | undefined {
  return thread === ts ? undefined : thread
}

/** Plain JSON without undefined values and without characters that the database refuses. */
export function plain(value: unknown): Json {
  return Json.parse(JSON.parse(storableJson(value)))
}
