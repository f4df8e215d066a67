/**
 * The part of the simulated Slack that apps read from: threads in pages, channels with their members, people, user groups, pins, files,
 * deletions. https://docs.slack.dev/reference/methods/conversations.replies
 *
 * Differences from Slack: a channel that no test describes is public, and only its members are listed that a test names; pages
 * are as long as the call asks, where Slack may give shorter ones.
 */
import { type Args, fileOf, type Method, said, userOf } from './slack-methods.ts'
import { SlackRefusal } from './slack-refusal.ts'
import { bot, type SlackState, type StandInChannel, team } from './slack-state.ts'
import type { SlackStandIn } from './slack-types.ts'

const defaultLimit = 1000

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** Slack says the same for channels that do not exist and for private ones without the app. */
function readable(channel: string, { channels }: SlackState): void {
  if (channel.startsWith('CNOTIN') || channels.get(channel)?.without === true)
    throw new SlackRefusal('channel_not_found')
}

/** https://docs.slack.dev/reference/objects/conversation-object */
function conversationOf(id: string, channel: StandInChannel = { name: 'general' }): Args {
  const { name, direct, group, shared, teams = [team] } = channel
  if (direct !== undefined) return { id, is_im: true, user: direct, is_org_shared: false, is_user_deleted: false }
  return {
    id,
    name,
    is_channel: !channel.private && !group,
    is_group: channel.private === true && !group,
    is_im: false,
    is_mpim: group === true,
    is_private: channel.private === true || group === true,
    is_archived: channel.archived === true,
    is_shared: shared === 'external' || shared === 'organization',
    is_ext_shared: shared === 'external',
    is_org_shared: shared === 'organization',
    is_pending_ext_shared: shared === 'pending',
    context_team_id: team,
    shared_team_ids: teams,
  }
}

/** A page of a list, by Slack's cursors. */
function page<T>(all: readonly T[], args: Args, standard: number) {
  const from = args.cursor === undefined ? 0 : Number(Buffer.from(text(args.cursor), 'base64').toString())
  const to = from + Math.min(Number(args.limit ?? standard), 1000)
  const next = to < all.length ? Buffer.from(String(to)).toString('base64') : ''
  return { items: all.slice(from, to), response_metadata: { next_cursor: next } }
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
    const { items, response_metadata } = page(replies, args, defaultLimit)
    return {
      messages: [...(parent ? [parent] : []), ...items].map((message) => said(message, state, base)),
      has_more: response_metadata.next_cursor !== '',
      response_metadata,
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
    const channel = state.channels.get(id)
    if (id.startsWith('D') && channel === undefined) throw new SlackRefusal('channel_not_found')
    if (!id.startsWith('CNOTIN')) readable(id, state)
    const refusal = state.closed.get(id) ?? ''
    return {
      channel: {
        ...conversationOf(id, channel),
        is_member: !id.startsWith('CNOTIN'),
        is_archived: channel?.archived === true || refusal === 'is_archived',
        is_read_only: refusal.startsWith('restricted_action_read_only'),
      },
    }
  },
  'conversations.members'(args, state) {
    const id = text(args.channel)
    readable(id, state)
    const { items, response_metadata } = page(state.channels.get(id)?.members ?? [], args, 100)
    return { members: items, response_metadata }
  },
  'users.conversations'(args, state) {
    const user = args.user === undefined ? undefined : text(args.user)
    const types = text(args.types || 'public_channel').split(',')
    const all = new Map([['C0GENERAL1', { name: 'general' } as StandInChannel], ...state.channels])
    const found = [...all].filter(([id, channel]) => {
      const { members, without, direct, group } = channel
      if (direct !== undefined || without === true || id.startsWith('CNOTIN')) return false
      const type = group ? 'mpim' : channel.private ? 'private_channel' : 'public_channel'
      const isIn = user === undefined ? (members?.includes(bot.user) ?? true) : members?.includes(user) === true
      return isIn && types.includes(type)
    })
    const { items, response_metadata } = page(found, args, 100)
    return { channels: items.map(([id, channel]) => conversationOf(id, channel)), response_metadata }
  },
  'users.list'(args, state) {
    const { items, response_metadata } = page([...state.users.values()], args, 1000)
    return { members: items.map(userOf), response_metadata }
  },
  'pins.list'(args, state, base) {
    const channel = text(args.channel)
    readable(channel, state)
    const messages = (state.channels.get(channel)?.pins ?? []).flatMap((ts) => state.find(channel, ts) ?? [])
    return {
      items: messages.map((message) => ({
        type: 'message',
        channel,
        created: Math.floor(Number(message.ts)),
        created_by: message.user,
        message: { ...said(message, state, base), pinned_to: [channel] },
      })),
    }
  },
  'files.list'(args, state, base) {
    const [count, at] = [Number(args.count ?? 100), Number(args.page ?? 1)]
    const channel = args.channel === undefined ? undefined : text(args.channel)
    if (channel !== undefined) readable(channel, state)
    const found = [...state.files.values()]
      .filter(({ deleted }) => deleted !== true)
      .filter(({ shares }) => channel === undefined || shares.some((share) => share.channel === channel))
      .toReversed()
    return {
      files: found.slice((at - 1) * count, at * count).map((file) => fileOf(file, base)),
      paging: { count, total: found.length, page: at, pages: Math.ceil(found.length / count) },
    }
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
