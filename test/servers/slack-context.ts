/**
 * The part of the simulated Slack that apps read from: threads in pages, channels with their members, user groups, deletions.
 * https://docs.slack.dev/reference/methods/conversations.replies
 *
 * Differences from Slack: a channel that no test describes is public, and only its members are listed that a test names; pages
 * are as long as the call asks, where Slack may give shorter ones.
 */
import { type Method, said } from './slack-methods.ts'
import { SlackRefusal } from './slack-refusal.ts'
import { type SlackState, team } from './slack-state.ts'
import type { SlackStandIn } from './slack-types.ts'

const defaultLimit = 1000

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Slack says the same for channels that do not exist and for private ones without the app. */
function readable(channel: string, { channels }: SlackState): void {
  if (channel.startsWith('CNOTIN') || channels.get(channel)?.without === true)
    throw new SlackRefusal('channel_not_found')
}

export const contextMethods: Record<string, Method> = {
  'conversations.replies'(args, state, base) {
    const [channel, ts] = [text(args.channel), text(args.ts)]
    readable(channel, state)
    const named = state.find(channel, ts)
    const root = named?.thread_ts ?? ts
    const oldest = args.oldest === undefined ? 0 : Number(args.oldest)
    const latest = args.latest === undefined ? Number.POSITIVE_INFINITY : Number(args.latest)
    const inclusive = args.inclusive === true || args.inclusive === 'true'
    const isWithin = (at: number) =>
      inclusive ? at >= oldest && at <= latest : (args.oldest === undefined || at > oldest) && at < latest
    const visible = state.messages.filter((each) => each.channel === channel && each.only === undefined)
    const parent = visible.find((message) => message.ts === root)
    const replies = visible
      .filter((message) => message.thread_ts === root && message.ts !== root && isWithin(Number(message.ts)))
      .sort((one, other) => Number(one.ts) - Number(other.ts))
    if (parent === undefined && replies.length === 0) throw new SlackRefusal('thread_not_found')
    // Asked for a reply, Slack gives that one alone.
    if (named !== undefined && root !== ts) return { messages: [said(named, state, base)], has_more: false }
    const from = args.cursor === undefined ? 0 : Number(Buffer.from(text(args.cursor), 'base64').toString())
    const to = from + Math.min(Number(args.limit ?? defaultLimit), defaultLimit)
    const more = to < replies.length
    return {
      messages: [...(parent ? [parent] : []), ...replies.slice(from, to)].map((message) => said(message, state, base)),
      has_more: more,
      response_metadata: { next_cursor: more ? Buffer.from(String(to)).toString('base64') : '' },
    }
  },
  'conversations.history'(args, state, base) {
    const channel = text(args.channel)
    readable(channel, state)
    const latest = args.latest === undefined ? Number.POSITIVE_INFINITY : Number(args.latest)
    const found = state.messages.filter(
      ({ channel: place, only, thread_ts: thread, ts }) =>
        place === channel &&
        only === undefined &&
        (thread === undefined || thread === ts) &&
        Number(ts) > Number(args.oldest ?? 0) &&
        Number(ts) < latest,
    )
    const newest = found.sort((one, other) => Number(other.ts) - Number(one.ts))
    const limit = Number(args.limit ?? 100)
    return {
      messages: newest.slice(0, limit).map((message) => said(message, state, base)),
      has_more: newest.length > limit,
    }
  },
  'conversations.info'(args, state) {
    const id = text(args.channel)
    if (id.startsWith('D')) throw new SlackRefusal('channel_not_found')
    if (!id.startsWith('CNOTIN')) readable(id, state)
    const { name = 'general', private: isPrivate = false, teams = [team] } = state.channels.get(id) ?? {}
    const refusal = state.closed.get(id) ?? ''
    return {
      channel: {
        id,
        name,
        is_channel: true,
        is_private: isPrivate,
        shared_team_ids: teams,
        is_member: !id.startsWith('CNOTIN'),
        is_archived: refusal === 'is_archived',
        is_read_only: refusal.startsWith('restricted_action_read_only'),
      },
    }
  },
  'conversations.members'(args, state) {
    const id = text(args.channel)
    readable(id, state)
    return { members: state.channels.get(id)?.members ?? [], response_metadata: { next_cursor: '' } }
  },
  'usergroups.list': (_args, state) => ({
    usergroups: [...state.groups].map(([id, handle]) => ({ id, handle, name: handle })),
  }),
}

/** Its author deletes a message. One with replies stays as a stub: https://docs.slack.dev/reference/events/message/message_deleted */
export async function erase(slack: SlackStandIn, channel: string, ts: string): Promise<number> {
  const { state } = slack
  const message = state.find(channel, ts)
  const type = channel.startsWith('D') ? 'im' : 'channel'
  const event = { type: 'message', hidden: true, channel, channel_type: type, ts: state.nextTs() }
  const previous_message = {
    type: 'message',
    user: message?.user,
    ts,
    text: message?.text,
    thread_ts: message?.thread_ts,
  }
  const answered = state.messages.some((each) => each.channel === channel && each.thread_ts === ts && each.ts !== ts)
  if (message && answered)
    Object.assign(message, { text: 'This message was deleted.', user: 'USLACKBOT', more: { subtype: 'tombstone' } })
  else if (message) state.messages.splice(state.messages.indexOf(message), 1)
  const stub = {
    subtype: 'tombstone',
    type: 'message',
    user: 'USLACKBOT',
    text: 'This message was deleted.',
    hidden: true,
    ts,
  }
  const change = answered
    ? { subtype: 'message_changed', message: { ...stub, thread_ts: ts } }
    : { subtype: 'message_deleted', deleted_ts: ts }
  return (await slack.event({ ...event, ...change, previous_message })).status
}
