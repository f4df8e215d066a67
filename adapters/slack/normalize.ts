/** Pure: a Slack message event → a question, an edit, a deletion, or the reason to ignore it. */
import type { Addressing } from '../../src/core/addressing.ts'
import {
  type Attachment,
  asContent,
  type ConversationRef,
  type IncomingMessage,
  type ReplyTarget,
} from '../../src/core/message.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Revision } from '../../src/core/platform.ts'
import { shortenTitle } from '../../src/core/text/shorten.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { MessageEvent, plain, type Self, type SlackFile, type SlackMessage, type TargetData } from './events.ts'
import { mentions, mentionsOthers, type Names, toMarkdown, withoutMention } from './mrkdwn.ts'
import { quotedIn } from './quote.ts'
import { platformName } from './settings.ts'

export type Normalized =
  | { kind: 'message'; message: IncomingMessage; addressing: Addressing }
  /** `place`: where the message is. `fresh`: the question to ask if Parley does not know the message yet. */
  | {
      kind: 'revision'
      revision: Omit<Revision, 'by'> & { by: { id: string } }
      place: ReplyTarget
      fresh?: { message: IncomingMessage; addressing: Addressing }
    }
  /** A message was deleted. */
  | { kind: 'deletion'; id: string }
  | { kind: 'ignored'; why: string }

const ignored = (reason: string): Normalized => ({ kind: 'ignored', why: reason })
const { ignored: why } = slackWording
const normalized = new Set(['file_share', 'thread_broadcast', 'me_message'])

export function normalize(given: unknown, self: Self, names?: Names): Normalized {
  const parsed = MessageEvent.safeParse(given)
  if (!parsed.success) return ignored(why.notAMessage)
  const event = parsed.data
  if (event.subtype === 'message_changed') return normalizeChange(event, self, names)
  if (event.subtype === 'message_deleted')
    return deletion(event.channel, event.deleted_ts ?? event.previous_message?.ts)
  if (event.subtype && !normalized.has(event.subtype)) return ignored(why.notice(event.subtype))
  return normalizeMessage(event, event, self, names)
}

function deletion(channel: string, ts: string | null | undefined): Normalized {
  return ts ? { kind: 'deletion', id: messageId(channel, ts) } : ignored(why.emptyChange)
}

/** What an event says about the channel of its message. */
type Place = Pick<MessageEvent, 'channel' | 'channel_type' | 'assistant_thread' | 'app_context' | 'type'>

function normalizeMessage(place: Place, slackMessage: SlackMessage, self: Self, names?: Names): Normalized {
  if (slackMessage.bot_id || slackMessage.user === self.botUserId) return ignored(why.byBot)
  if (!slackMessage.user || slackMessage.user === 'USLACKBOT') return ignored(why.noAuthor)
  const direct = isDirect(place)
  const text = slackMessage.text ?? ''
  const called = place.type === 'app_mention' || mentions(text, self.botUserId)
  const inThread = slackMessage.thread_ts != null && slackMessage.thread_ts !== slackMessage.ts
  if (!direct && !called && !inThread) return ignored(why.notAddressed)
  const message = messageOf(place, { ...slackMessage, user: slackMessage.user }, self, names)
  const { conversation, author, attachments, quoted } = message
  const empty = message.text === '' && attachments.length === 0 && quoted === undefined
  if (empty && !direct && !called) return ignored(why.empty)
  return {
    kind: 'message',
    message: {
      ...message,
      text: empty ? chatWording.emptyMention : message.text,
      kind: direct ? 'direct' : called ? 'mention' : 'thread',
    },
    addressing: {
      conversation,
      author,
      text: message.text,
      place: direct ? 'direct' : inThread ? 'thread' : 'channel',
      mentioned: called,
      namesOthers: mentionsOthers(text, self.botUserId),
      hasFiles: attachments.length > 0 || quoted !== undefined,
    },
  }
}

function normalizeChange(event: MessageEvent, self: Self, names?: Names): Normalized {
  const { message, previous_message: previous } = event
  if (message == null) return ignored(why.emptyChange)
  // A deleted message that has replies stays as a stub.
  if (message.subtype === 'tombstone') return deletion(event.channel, message.ts)
  if (message.bot_id || message.user === self.botUserId) return ignored(why.byBot)
  if (!message.user || !isEdit(message, previous)) return ignored(why.sameText)
  const after = normalizeMessage(
    event,
    { ...message, thread_ts: message.thread_ts ?? previous?.thread_ts },
    self,
    names,
  )
  if (after.kind !== 'message') return after
  // A mention added by the edit makes it a new question.
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
    fresh: newlyCalled ? after : undefined,
  }
}

/** Unfurled links, new replies and reactions change a message, too. Only an edit has a new `edited`. */
function isEdit(message: SlackMessage, previous: SlackMessage | null | undefined): boolean {
  const stamped = message.edited?.ts != null && message.edited.ts !== previous?.edited?.ts
  return previous == null ? stamped : previous.text !== message.text
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
  const quoted = quotedIn(slackMessage, names)
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
    // On Enterprise Grid it may be the organization, which is no team.
    userTeam: userTeam?.startsWith('T') ? userTeam : undefined,
    direct: isDirect(place) ? true : undefined,
  }
  return {
    id: messageId(place.channel, slackMessage.ts),
    conversation,
    author: {
      id: slackMessage.user,
      membership: userTeam && ![self.teamId, self.enterpriseId].includes(userTeam) ? ('stranger' as const) : undefined,
    },
    text,
    kind: 'mention',
    attachments: withShared(attachmentsOf(own, self), attachmentsOf(shared, self)),
    replyTarget: targetOf(conversation, data),
    quoted,
    sentAt: sentAt(slackMessage.ts),
  }
}

/** A file counts once. Files from a forwarded message are content, voice clips included. */
function withShared(own: Attachment[], shared: Attachment[]): Attachment[] {
  return [...own, ...asContent(shared).filter(({ id }) => !own.some((file) => file.id === id))]
}

/** The same ID for the `app_mention` event, the `message` event and all edits of one message. */
export function messageId(channel: string, ts: string): string {
  return `${channel}-${ts}`
}

/** The position in Slack of a message that Parley took in. Questions from dialogs have none. */
export function tsIn(id: string): string | undefined {
  return /-(\d+\.\d+)$/.exec(id)?.[1]
}

export function tsOf({ messageId, sentAt: at }: { messageId: string; sentAt: string }): string {
  return tsIn(messageId) ?? (Date.parse(at) / 1000).toFixed(6)
}

/** Channels always have threads, and so has the agent view; other direct messages only if people start one. */
function conversationOf(place: Place, slackMessage: SlackMessage, { teamId, agentView }: Self): ConversationRef {
  const threaded =
    agentView === true || slackMessage.thread_ts != null || place.assistant_thread != null || place.app_context != null
  const flat = isDirect(place) && !threaded
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

/** Slack's message IDs are timestamps in seconds. */
export function sentAt(ts: string): string {
  const ms = Number(ts) * 1000
  return new Date(Number.isFinite(ms) && ms > 0 ? ms : Date.now()).toISOString()
}

export function attachmentId(file: string, { teamId }: Pick<Self, 'teamId'>): string {
  return `${teamId}-${file}`
}

export function attachmentsOf(files: readonly SlackFile[], self: Self): Attachment[] {
  const { teamId, enterpriseId } = self
  const once = [...new Map(files.map((file) => [file.id, file])).values()]
  return once.map((file) => {
    const transcript = wholeTranscript(file)
    const url = file.url_private_download ?? file.url_private
    return {
      id: attachmentId(file.id, self),
      ...describeFile(file),
      bytes: file.size != null && file.size > 0 ? file.size : undefined,
      durationMs: file.duration_ms ?? undefined,
      link: file.permalink ? file.permalink : undefined,
      voiceNote: file.subtype === 'slack_audio',
      transcript: transcript ? transcript : undefined,
      locator: omitUndefined({
        team: teamId,
        file: file.id,
        enterprise: enterpriseId ? enterpriseId : undefined,
        url: url && file.file_access !== 'check_file_info' ? url : undefined,
        external: file.is_external ? file.external_type || slackWording.files.anotherService : undefined,
        unreadable: unreadable(file),
        // Slack has words for it, but not here, or not yet.
        transcribed: isTranscribed(file) && !transcript ? true : undefined,
      }),
    }
  })
}

/** A short transcript comes with the file. Of a longer one, that is only the beginning. */
export function wholeTranscript({ transcription }: SlackFile): string | undefined {
  const { status, preview } = transcription ?? {}
  return status === 'complete' && preview?.has_more !== true ? (preview?.content ?? undefined) : undefined
}

/** Slack transcribes clips itself, some seconds after they were sent. */
function isTranscribed({ transcription }: SlackFile): boolean {
  return transcription?.status === 'complete' || transcription?.status === 'processing'
}

/** Kinds of files without content that an app can download. */
export const unreadableKinds = ['list', 'hidden', 'deleted'] as const

function unreadable({ mode, filetype, mimetype }: SlackFile): (typeof unreadableKinds)[number] | undefined {
  if (mode === 'hidden_by_limit') return 'hidden'
  if (mode === 'tombstone') return 'deleted'
  return mode === 'list' || filetype === 'list' || mimetype === 'application/vnd.slack-list' ? 'list' : undefined
}

/** Canvases and emails are HTML, under media types that only Slack uses. */
function describeFile(file: SlackFile): Pick<Attachment, 'name' | 'mediaType'> {
  const name = (file.name || file.title || slackWording.files.unnamed).slice(0, 255)
  const canvas =
    file.filetype === 'quip' || file.filetype === 'canvas' || file.mimetype === 'application/vnd.slack-docs'
  if (canvas) return { name: `${(file.title || name).replace(/\.html$/, '')}.html`, mediaType: 'text/html' }
  return { name, mediaType: file.mimetype || 'application/octet-stream' }
}

function titleOf(text: string, files: readonly SlackFile[]): string {
  const words = text.replaceAll(/\s+/g, ' ').trim() || files[0]?.name || slackWording.untitled
  return shortenTitle(words, 80)
}
