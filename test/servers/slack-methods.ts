/** The simulated Web API: the methods that Parley uses, with their arguments, answers and documented errors. */
import { randomUUID } from 'node:crypto'
import { checkBlocks, checkView, maxMarkdown } from './slack-blocks.ts'
import { SlackRefusal } from './slack-refusal.ts'
import { bot, type SlackState, type StandInFile, type StandInMessage, type StandInUser, team } from './slack-state.ts'

export type Args = Record<string, unknown>
export type Method = (args: Args, state: SlackState, base: string) => Args

/** Slack ends a stream after about this time. */
export const streamLifeMs = 300_000
/** https://docs.slack.dev/reference/methods/chat.postMessage and chat.update */
const maxText = { posted: 40_000, edited: 4000 }

const text = (args: Args, name: string): string => {
  const value = args[name]
  if (typeof value !== 'string' || value === '') throw new SlackRefusal('invalid_arguments', { missing: name })
  return value
}
const optional = (args: Args, name: string): string | undefined =>
  typeof args[name] === 'string' && args[name] !== '' ? args[name] : undefined

function known(args: Args, state: SlackState): StandInMessage {
  const message = state.find(text(args, 'channel'), text(args, 'ts'))
  if (message === undefined) throw new SlackRefusal('message_not_found')
  return message
}

function blocksOf(args: Args): Record<string, unknown>[] {
  const blocks = Array.isArray(args.blocks) ? args.blocks : []
  checkBlocks(blocks)
  return blocks
}

function expire(message: StandInMessage, state: SlackState): void {
  if (message.streaming_state === 'in_progress' && state.now() - (message.startedAt ?? 0) > streamLifeMs)
    message.streaming_state = 'errored'
}

function streaming(args: Args, state: SlackState): StandInMessage {
  const message = known(args, state)
  expire(message, state)
  if (message.streaming_state !== 'in_progress') throw new SlackRefusal('message_not_in_streaming_state')
  return message
}

function stream(message: StandInMessage, args: Args): void {
  const chunks = Array.isArray(args.chunks) ? args.chunks : []
  const markdown = optional(args, 'markdown_text')
  if (markdown !== undefined && chunks.length > 0) throw new SlackRefusal('invalid_arguments')
  for (const chunk of markdown === undefined ? chunks : [{ type: 'markdown_text', text: markdown }]) {
    if (chunk.type === 'markdown_text') {
      if (String(chunk.text).length > maxMarkdown) throw new SlackRefusal('msg_too_long')
      message.text += chunk.text
    } else if (chunk.type === 'task_update') message.tasks.set(chunk.id, { title: chunk.title, status: chunk.status })
    else if (chunk.type === 'blocks') message.blocks.push(...blocksOf({ blocks: chunk.blocks }))
    else throw new SlackRefusal('invalid_chunks')
  }
}

function post(args: Args, state: SlackState, more: Partial<StandInMessage> = {}): StandInMessage {
  const channel = text(args, 'channel')
  const said = optional(args, 'text') ?? ''
  const refusal = channel.startsWith('CNOTIN') ? 'not_in_channel' : state.closed.get(channel)
  if (refusal !== undefined) throw new SlackRefusal(refusal)
  if (said.length > maxText.posted) throw new SlackRefusal('msg_too_long')
  // Below a deleted message there is no thread, so Slack posts into the channel.
  const root = optional(args, 'thread_ts')
  const thread = root !== undefined && state.deleted.has(`${channel}/${root}`) ? undefined : root
  const message: StandInMessage = {
    channel,
    ts: state.nextTs(),
    user: bot.user,
    bot_id: bot.id,
    text: said,
    blocks: blocksOf(args),
    tasks: new Map(),
    files: [],
    edits: 0,
    thread_ts: thread ? thread : undefined,
    metadata: typeof args.metadata === 'object' && args.metadata !== null ? (args.metadata as never) : undefined,
    ...more,
  }
  if (message.text === '' && message.blocks.length === 0 && more.streaming_state === undefined)
    throw new SlackRefusal('no_text')
  state.messages.push(message)
  return message
}

/** A message as other apps get it, with the records of its files. */
export function said(message: StandInMessage, state: SlackState, base: string) {
  const { channel: _channel, tasks: _tasks, startedAt: _at, edits: _edits, only: _only, more, files, ...rest } = message
  const records = files.flatMap((id) => state.files.get(id) ?? []).map((file) => fileOf(file, base))
  return { type: 'message', ...rest, ...(records.length > 0 && { files: records }), ...more }
}

/** Whether there is a thread: the message `ts` has replies. */
function isThread(channel: string, root: string, { messages }: SlackState): boolean {
  return messages.some((each) => each.channel === channel && each.thread_ts === root && each.only === undefined)
}

export function fileOf(file: StandInFile, base: string): Args {
  const url = `${base}/files-pri/${file.id}/${encodeURIComponent(file.name)}`
  return {
    id: file.id,
    name: file.name,
    title: file.name,
    mimetype: file.mimetype,
    size: file.content.length,
    mode: 'hosted',
    url_private: url,
    url_private_download: url,
    permalink: `https://acme.slack.com/files/${file.id}/${file.name}`,
    user: file.user,
    shares: { public: sharesOf(file, false), private: sharesOf(file, true) },
    ...file.more,
  }
}

function sharesOf({ shares }: StandInFile, isPrivate: boolean) {
  const wanted = shares.filter((share) => (share.private === true) === isPrivate)
  return Object.fromEntries(
    wanted.map(({ channel }) => [channel, wanted.filter((each) => each.channel === channel).map(({ ts }) => ({ ts }))]),
  )
}

/** A person as `users.info` and `users.list` tell of them. */
export const userOf = ({ id, team: home, name, more }: StandInUser): Args => ({
  id,
  team_id: home,
  name,
  real_name: name,
  deleted: false,
  is_bot: false,
  is_restricted: false,
  is_ultra_restricted: false,
  locale: 'en-US',
  ...more,
})

const thread = (args: Args) => `${text(args, 'channel_id')}/${text(args, 'thread_ts')}`

export const methods: Record<string, Method> = {
  'auth.test': () => ({
    url: 'https://acme.slack.com/',
    team: 'Acme',
    user: 'parley',
    team_id: team,
    user_id: bot.user,
    bot_id: bot.id,
  }),
  'users.info'(args, state) {
    const user = state.users.get(text(args, 'user'))
    if (user === undefined) throw new SlackRefusal('user_not_found')
    return { user: userOf(user) }
  },
  'chat.postMessage': (args, state, base) => {
    const message = post(args, state)
    return { channel: message.channel, ts: message.ts, message: said(message, state, base) }
  },
  'chat.postEphemeral': (args, state) => {
    const message = post(args, state, { only: text(args, 'user') })
    // Slack reports success, but shows nothing if there is no thread.
    if (message.thread_ts !== undefined && !isThread(message.channel, message.thread_ts, state)) state.messages.pop()
    return { message_ts: message.ts }
  },
  'chat.update'(args, state) {
    const message = known(args, state)
    expire(message, state)
    if (message.streaming_state === 'in_progress') throw new SlackRefusal('streaming_state_conflict')
    if ((optional(args, 'text') ?? '').length > maxText.edited) throw new SlackRefusal('msg_too_long')
    message.blocks = blocksOf(args)
    message.text = optional(args, 'text') ?? message.text
    if (typeof args.metadata === 'object' && args.metadata !== null) message.metadata = args.metadata as never
    message.edits += 1
    return { channel: message.channel, ts: message.ts, text: message.text }
  },
  'chat.delete'(args, state) {
    const message = known(args, state)
    state.messages.splice(state.messages.indexOf(message), 1)
    state.deleted.add(`${message.channel}/${message.ts}`)
    return { channel: message.channel, ts: message.ts }
  },
  'chat.startStream'(args, state) {
    const channel = text(args, 'channel')
    const root = optional(args, 'thread_ts')
    if (root === undefined || state.deleted.has(`${channel}/${root}`)) throw new SlackRefusal('invalid_thread_ts')
    if (!channel.startsWith('D')) {
      if (optional(args, 'recipient_user_id') === undefined) throw new SlackRefusal('missing_recipient_user_id')
      // That Slack refuses the id of an organization (E…) is an assumption; it documents the id of a team.
      if (!optional(args, 'recipient_team_id')?.startsWith('T')) throw new SlackRefusal('missing_recipient_team_id')
    }
    const message = post({ ...args, text: '', blocks: [] }, state, {
      streaming_state: 'in_progress',
      startedAt: state.now(),
    })
    stream(message, args)
    return { channel, ts: message.ts }
  },
  'chat.appendStream'(args, state) {
    const message = streaming(args, state)
    stream(message, args)
    return { channel: message.channel, ts: message.ts }
  },
  'chat.stopStream'(args, state, base) {
    const message = streaming(args, state)
    stream(message, args)
    message.streaming_state = 'completed'
    message.blocks = [...message.blocks, { type: 'markdown', text: message.text }, ...blocksOf(args)]
    if (typeof args.metadata === 'object' && args.metadata !== null) message.metadata = args.metadata as never
    const session = optional(args, 'session_status')
    if (session) state.sessions.set(`${message.channel}/${message.thread_ts}`, session)
    return { channel: message.channel, ts: message.ts, message: said(message, state, base) }
  },
  'chat.getPermalink'(args, state) {
    const [channel, ts] = [text(args, 'channel'), text(args, 'message_ts')]
    if (state.find(channel, ts) === undefined) throw new SlackRefusal('message_not_found')
    return { channel, permalink: `https://acme.slack.com/archives/${channel}/p${ts.replace('.', '')}` }
  },
  'conversations.open': (args) => ({ channel: { id: `D${text(args, 'users').slice(1)}` } }),
  'files.getUploadURLExternal'(args, state, base) {
    const id = `F${randomUUID().replaceAll('-', '').slice(0, 10).toUpperCase()}`
    const file = {
      id,
      name: text(args, 'filename'),
      mimetype: 'application/octet-stream',
      content: Buffer.alloc(0),
      shares: [],
      more: {},
    }
    state.files.set(id, file)
    return { upload_url: `${base}/upload/v1/${id}`, file_id: id }
  },
  'files.completeUploadExternal'(args, state, base) {
    const given = Array.isArray(args.files) ? args.files : []
    const channel = text(args, 'channel_id')
    const files = given.map(({ id }: { id: string }) => {
      const file = state.files.get(id)
      if (file === undefined) throw new SlackRefusal('file_not_found')
      return file
    })
    const message = post(
      { channel, thread_ts: args.thread_ts, text: optional(args, 'initial_comment') ?? ' ' },
      state,
      { files: files.map(({ id }) => id) },
    )
    for (const file of files) file.shares.push({ channel, ts: message.ts })
    return { files: files.map((file) => fileOf(file, base)) }
  },
  'files.info'(args, state, base) {
    const file = state.files.get(text(args, 'file'))
    if (file === undefined || file.deleted) throw new SlackRefusal('file_not_found')
    return { file: fileOf(file, base) }
  },
  'files.delete'(args, state) {
    const file = state.files.get(text(args, 'file'))
    if (file === undefined || file.deleted) throw new SlackRefusal('file_deleted')
    file.deleted = true
    return {}
  },
  'assistant.threads.setStatus'(args, state) {
    const status = typeof args.status === 'string' ? args.status : ''
    if (status === '') state.statuses.delete(thread(args))
    else state.statuses.set(thread(args), status)
    return {}
  },
  'assistant.threads.setSuggestedPrompts'(args, state) {
    state.prompts.push(args)
    return {}
  },
  'agents.sessions.setStatus'(args, state) {
    state.sessions.set(thread(args), text(args, 'status'))
    if (typeof args.title === 'string' && !state.titles.has(thread(args))) state.titles.set(thread(args), args.title)
    return { status: text(args, 'status') }
  },
  'reactions.add'(args, state) {
    const reaction = `${text(args, 'channel')}/${text(args, 'timestamp')}/${text(args, 'name')}`
    if (state.reactions.has(reaction)) throw new SlackRefusal('already_reacted')
    state.reactions.add(reaction)
    return {}
  },
  'reactions.remove'(args, state) {
    if (!state.reactions.delete(`${text(args, 'channel')}/${text(args, 'timestamp')}/${text(args, 'name')}`))
      throw new SlackRefusal('no_reaction')
    return {}
  },
  'views.open'(args, state) {
    text(args, 'trigger_id')
    const view = typeof args.view === 'object' && args.view !== null ? { ...args.view } : {}
    checkView(view)
    state.views.push({ kind: 'modal', view })
    return { view: { id: `V${randomUUID().slice(0, 8)}`, ...view } }
  },
  'views.publish'(args, state) {
    const view = typeof args.view === 'object' && args.view !== null ? { ...args.view } : {}
    checkView(view)
    state.views.push({ kind: 'home', view, user: text(args, 'user_id') })
    return { view }
  },
}
