/** Pure: a message event of Slack → what Parley makes of it, or why it makes nothing of it. */

import {
  type Attachment,
  asContent,
  type ConversationRef,
  type IncomingMessage,
  type ReplyTarget,
} from '../../src/core/message.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Revision } from '../../src/core/platform.ts'
import { MessageEvent, plain, type Self, type SlackFile, type SlackMessage, type TargetData } from './events.ts'
import { mentions, type Names, toMarkdown, withoutMention } from './mrkdwn.ts'
import { quoteShared } from './quoted-messages.ts'
import { platformName } from './settings.ts'

export type Normalized =
  | { kind: 'message'; message: IncomingMessage; needs: Needs }
  /** `place`: where the message stands. `fresh`: what it asks when Parley has not taken the message in before. */
  | {
      kind: 'revision'
      revision: Omit<Revision, 'by'> & { by: { id: string } }
      place: ReplyTarget
      fresh?: IncomingMessage
    }
  | { kind: 'ignored'; why: string }

/** What has to be looked up before the message may be taken in. */
export interface Needs {
  /** Only a question where Parley takes part in the conversation. */
  part: boolean
  /** Parley is called into a thread that others began. */
  thread: boolean
}

const ignored = (why: string): Normalized => ({ kind: 'ignored', why })
const normalized = new Set(['file_share', 'thread_broadcast', 'me_message'])

export function normalize(given: unknown, self: Self, names?: Names): Normalized {
  const parsed = MessageEvent.safeParse(given)
  if (!parsed.success) return ignored('not a message')
  const event = parsed.data
  if (event.subtype === 'message_changed') return normalizeChange(event, self, names)
  if (event.subtype && !normalized.has(event.subtype)) return ignored(`a notice of Slack (${event.subtype})`)
  return normalizeMessage(event, event, self, names)
}

/** The place of a message: what Slack says of its channel. */
type Place = Pick<MessageEvent, 'channel' | 'channel_type' | 'assistant_thread' | 'app_context' | 'type'>

function normalizeMessage(place: Place, slackMessage: SlackMessage, self: Self, names?: Names): Normalized {
  if (slackMessage.bot_id || slackMessage.user === self.botUserId) return ignored('written by a bot')
  if (!slackMessage.user || slackMessage.user === 'USLACKBOT') return ignored('written by nobody')
  const direct = isDirect(place)
  const called = place.type === 'app_mention' || mentions(slackMessage.text ?? '', self.botUserId)
  const inThread = slackMessage.thread_ts != null && slackMessage.thread_ts !== slackMessage.ts
  if (!direct && !called) {
    if (!inThread) return ignored('not addressed to Parley')
    if (/^\s*<@/.test(slackMessage.text ?? '')) return ignored('addressed to somebody else')
  }
  const message = messageOf(place, { ...slackMessage, user: slackMessage.user }, self, names)
  if (message.text === '' && message.attachments.length === 0 && message.quoted === undefined)
    return direct || called
      ? { kind: 'message', message: { ...message, text: greeting }, needs: noNeeds }
      : ignored('empty')
  const kind = direct ? 'direct' : called ? 'mention' : 'thread'
  return {
    kind: 'message',
    message: { ...message, kind },
    needs: { part: !direct && !called, thread: called && !direct && inThread },
  }
}

const noNeeds: Needs = { part: false, thread: false }
/** What somebody asks who only calls. */
const greeting = 'Hello! What can you do?'

function normalizeChange(event: MessageEvent, self: Self, names?: Names): Normalized {
  const { message, previous_message: previous } = event
  if (message == null) return ignored('a change of nothing')
  if (message.bot_id || message.user === self.botUserId) return ignored('written by a bot')
  // Slack tells unfurled links and new replies as changes too.
  if (!message.user || (previous != null && previous.text === message.text)) return ignored('a change of no words')
  const after = normalizeMessage(event, message, self, names)
  if (after.kind !== 'message') return after
  // Whoever adds the mention afterwards asks now.
  const newlyCalled = mentions(message.text ?? '', self.botUserId) && !mentions(previous?.text ?? '', self.botUserId)
  return {
    kind: 'revision',
    revision: {
      platform: platformName,
      id: after.message.id,
      text: after.message.text,
      by: { id: message.user },
    },
    place: after.message.replyTarget,
    fresh: newlyCalled ? after.message : undefined,
  }
}

export function isDirect({ channel, channel_type: type }: Pick<MessageEvent, 'channel' | 'channel_type'>): boolean {
  return type === 'im' || type === 'app_home' || (type == null && channel.startsWith('D'))
}

function messageOf(
  place: Place,
  slackMessage: SlackMessage & { user: string },
  self: Self,
  names?: Names,
): IncomingMessage {
  const text = toMarkdown(withoutMention(slackMessage.text ?? '', self.botUserId), names).trim()
  const quoted = quoteShared(slackMessage.attachments ?? [], names)
  const own = slackMessage.files ?? []
  const shared = (slackMessage.attachments ?? []).flatMap(({ files }) => files ?? [])
  const files = [...own, ...shared]
  const conversation = conversationOf(place, slackMessage, self)
  const userTeam = slackMessage.user_team ?? slackMessage.team
  const data: TargetData = {
    team: self.teamId,
    channel: place.channel,
    ts: slackMessage.ts,
    user: slackMessage.user,
    title: titleOf(text, files),
    enterprise: self.enterpriseId ? self.enterpriseId : undefined,
    thread: conversation.threadId ? conversation.threadId : undefined,
    userTeam: userTeam ? userTeam : undefined,
    direct: isDirect(place) ? true : undefined,
  }
  return {
    id: messageId(place.channel, slackMessage.ts),
    conversation,
    author: {
      id: slackMessage.user,
      membership: userTeam && userTeam !== self.teamId ? ('stranger' as const) : undefined,
    },
    text,
    kind: 'mention',
    attachments: withShared(attachmentsOf(own, self), attachmentsOf(shared, self)),
    replyTarget: targetOf(conversation, data),
    quoted,
    sentAt: sentAt(slackMessage.ts),
  }
}

/** A file counts once; what somebody else's message brings is content, also where it is a voice clip. */
function withShared(own: Attachment[], shared: Attachment[]): Attachment[] {
  return [...own, ...asContent(shared).filter(({ id }) => !own.some((file) => file.id === id))]
}

/** The same for an `app_mention` and the `message` event of one message, and for its edits. */
export function messageId(channel: string, ts: string): string {
  return `${channel}-${ts}`
}

/** A thread where there are threads: in channels always, in direct messages where people, or the agent view, make them. */
function conversationOf(place: Place, slackMessage: SlackMessage, { teamId }: Self): ConversationRef {
  const flat =
    isDirect(place) && slackMessage.thread_ts == null && place.assistant_thread == null && place.app_context == null
  return {
    platform: platformName,
    workspaceId: teamId,
    channelId: place.channel,
    threadId: !flat ? (slackMessage.thread_ts ?? slackMessage.ts) : undefined,
  }
}

export function threadConversation(teamId: string, channel: string, thread: string): ConversationRef {
  return { platform: platformName, workspaceId: teamId, channelId: channel, threadId: thread }
}

export function targetOf(conversation: ConversationRef, data: TargetData): ReplyTarget {
  return { conversation, data: plain(data) }
}

/** Slack's ids of messages are their times, in seconds. */
export function sentAt(ts: string): string {
  const ms = Number(ts) * 1000
  return new Date(Number.isFinite(ms) && ms > 0 ? ms : Date.now()).toISOString()
}

export function attachmentsOf(files: readonly SlackFile[], { teamId, enterpriseId }: Self): Attachment[] {
  const once = [...new Map(files.map((file) => [file.id, file])).values()]
  return once.map((file) => {
    const preview = file.transcription?.preview
    const transcript = file.transcription?.status === 'complete' && !preview?.has_more ? preview?.content : undefined
    const url = file.url_private_download ?? file.url_private
    return {
      id: `${teamId}-${file.id}`,
      ...describeFile(file),
      bytes: file.size != null && file.size > 0 ? file.size : undefined,
      durationMs: file.duration_ms ?? undefined,
      voiceNote: file.subtype === 'slack_audio',
      transcript: transcript ? transcript : undefined,
      locator: omitUndefined({
        team: teamId,
        file: file.id,
        enterprise: enterpriseId ? enterpriseId : undefined,
        url: url && file.file_access !== 'check_file_info' ? url : undefined,
        external: file.is_external ? file.external_type || 'another service' : undefined,
        permalink: file.permalink ? file.permalink : undefined,
      }),
    }
  })
}

/** Canvases and mails come as HTML under media types of Slack's own. */
function describeFile(file: SlackFile): Pick<Attachment, 'name' | 'mediaType'> {
  const name = (file.name || file.title || 'file').slice(0, 255)
  const canvas =
    file.filetype === 'quip' || file.filetype === 'canvas' || file.mimetype === 'application/vnd.slack-docs'
  if (canvas) return { name: `${(file.title || name).replace(/\.html$/, '')}.html`, mediaType: 'text/html' }
  return { name, mediaType: file.mimetype || 'application/octet-stream' }
}

function titleOf(text: string, files: readonly SlackFile[]): string {
  const words = text.replaceAll(/\s+/g, ' ').trim() || files[0]?.name || 'Question'
  return words.length <= 80 ? words : `${words.slice(0, 79).toWellFormed()}…`
}
