/** What the REST side of the stand-in keeps, and how it keeps messages: with Discord's own codes for what may not be. */
import { type APIUser, PermissionFlagsBits as may } from 'discord.js'
import type { World, WorldChannel, WorldMessage } from './discord-world.ts'

/** A request as it came in; `body` is the JSON, or the `payload_json` of a form with files. */
export interface Call {
  method: string
  path: string
  query: URLSearchParams
  authorized: boolean
  body: Record<string, unknown>
  files: { name: string; type: string; data: Buffer; index: number }[]
}

export interface Answer {
  status: number
  body?: unknown
}

/** A use of a command, a button or a form. */
export interface Use {
  id: string
  token: string
  user: APIUser
  channel: WorldChannel
  madeAt: number
  /** What Discord was told first: `4` a message, `5` to wait, `6` nothing to show, `8` suggestions, `9` a form. */
  acknowledged?: { type: number; data?: Record<string, unknown>; afterMs: number }
  ephemeral: boolean
  /** In a place that did not add the bot. */
  alone: boolean
  original?: WorldMessage
  /** Of a button: the message that it is under. */
  message?: WorldMessage
  followUps: WorldMessage[]
}

export interface RestState {
  world: World
  uses: Map<string, Use>
  /** How long a token is good. */
  tokenLifeMs: number
  /** Scope (`global` or a server's id) → commands. */
  commands: Map<string, Record<string, unknown>[]>
  /** How often commands were written. */
  registrations: number
  typing: { channelId: string; at: number }[]
  /** People who take no direct messages. */
  closed: Set<string>
  nonces: Map<string, WorldMessage>
  /** What AutoMod of every server blocks. */
  autoMod?: RegExp | undefined
  flags: number
  /** Calls that fail with 500 for now, as `GET /channels/1/messages`. */
  failing?: RegExp | undefined
  /** The code with which posts that refer to another message are refused: https://github.com/discord/discord-api-docs/pull/8424 */
  refusedReferences?: 160002 | 160009 | 160010 | undefined
  /** How many sessions may still be begun today, and when they are counted anew. */
  sessionsLeft: number
  sessionsBackMs: number
  /** Whether people may install the app for themselves. */
  userInstall: boolean
  base(): string
  gatewayUrl(): string
  dispatch(t: string, d: object, guildId?: string): void
  changed(): void
}

export class Refusal extends Error {
  readonly status: number
  readonly code: number
  constructor(status: number, code: number, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export const threadTypes = [10, 11, 12]

export type Handler = (state: RestState, call: Call, ids: string[]) => Answer

export const ok = (body: unknown): Answer => ({ status: 200, body })

export const nothing: Answer = { status: 204 }

export function channelOf({ world }: RestState, id: string): WorldChannel {
  const channel = world.channels.get(id)
  if (channel === undefined) throw new Refusal(404, 10003, 'Unknown Channel')
  return channel
}

export function visible(state: RestState, id: string): WorldChannel {
  const channel = channelOf(state, id)
  demand(state, channel, may.ViewChannel, 50001, 'Missing Access')
  return channel
}

export function demand(
  { world }: RestState,
  channel: WorldChannel,
  flag: bigint,
  code = 50013,
  message = 'Missing Permissions',
) {
  if ((world.permissions(channel, world.bot.id) & flag) === 0n) throw new Refusal(403, code, message)
}

export function found(state: RestState, channelId: string, id: string): WorldMessage {
  const message = state.world.find(channelId, id)
  if (message === undefined || message.visibleTo !== undefined) throw new Refusal(404, 10008, 'Unknown Message')
  return message
}

/** Stores what the bot says. */
export function write(state: RestState, channel: WorldChannel, call: Call, use?: Use): WorldMessage {
  const { world } = state
  const ephemeral = (Number(call.body.flags ?? 0) & 64) !== 0
  const message = world.put({
    id: world.snowflake(),
    type: use === undefined ? 0 : 20,
    channel_id: channel.id,
    author: world.bot,
    content: '',
    timestamp: new Date(world.now()).toISOString(),
    edited_timestamp: null,
    tts: false,
    mention_everyone: false,
    mentions: [],
    mention_roles: [],
    attachments: [],
    embeds: [],
    pinned: false,
    components: [],
    times: [],
    guild_id: channel.guildId,
    visibleTo: use !== undefined && ephemeral ? use.user.id : undefined,
    flags: Number(call.body.flags ?? 0),
  } as WorldMessage)
  apply(state, message, call)
  return message
}

export function apply(state: RestState, message: WorldMessage, { body, files }: Call): void {
  if (typeof body.content === 'string') message.content = body.content
  if (Array.isArray(body.components)) message.components = body.components as NonNullable<WorldMessage['components']>
  if (files.length > 0)
    message.attachments = files.map(({ name, data, type }) =>
      state.world.store(state.base(), message.channel_id, name, data, type),
    )
  message.times.push(Date.now())
  state.changed()
}

/** Discord's own rules that its document does not hold. */
export function checkContent(
  { autoMod }: RestState,
  body: Record<string, unknown>,
  { files }: Call,
  mayBeEmpty = false,
): void {
  const content = typeof body.content === 'string' ? body.content : ''
  if (content.length > 2000) throw new Refusal(400, 50035, 'Invalid Form Body: content must be 2000 or fewer in length')
  if (!content.isWellFormed()) throw new Refusal(400, 50035, 'Invalid Form Body: content is not well formed')
  if (autoMod?.test(content)) throw new Refusal(400, 200000, 'Message was blocked by automatic moderation')
  const components = (body.components as unknown[] | undefined) ?? []
  if (!mayBeEmpty && content === '' && files.length === 0 && components.length === 0)
    throw new Refusal(400, 50006, 'Cannot send an empty message')
  const ids = [...JSON.stringify(components).matchAll(/"custom_id":"([^"]*)"/g)].map(([, id]) => id)
  if (new Set(ids).size !== ids.length) throw new Refusal(400, 50035, 'Component custom id cannot be duplicated')
  checkNames(components)
}

/** https://discord.com/developers/docs/components/reference */
const maxNames: Record<string, number> = { custom_id: 100, label: 100, value: 100, placeholder: 150, description: 100 }

function checkNames(value: unknown): void {
  if (Array.isArray(value)) for (const each of value) checkNames(each)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return
  const isButton = 'type' in value && value.type === 2
  if (isButton && 'emoji' in value && !/^\p{Extended_Pictographic}/u.test((value.emoji as { name: string }).name))
    throw new Refusal(400, 50035, 'Invalid Form Body: emoji')
  for (const [key, each] of Object.entries(value)) {
    if (typeof each !== 'string') checkNames(each)
    else if (each.length > (isButton && key === 'label' ? 80 : (maxNames[key] ?? 4000)) || !each.isWellFormed())
      throw new Refusal(400, 50035, `Invalid Form Body: ${key}`)
  }
}

/** A thread that nobody may write in, or whose messages nobody may change until it is open again. */
export function checkThread(channel: WorldChannel, writes: boolean): void {
  if (channel.locked) throw new Refusal(403, 160005, 'This thread is locked')
  if (!channel.archived) return
  // https://discord.com/developers/docs/topics/threads#active-archived-threads
  if (!writes) throw new Refusal(400, 50083, 'Tried to perform an operation on an archived thread')
  channel.archived = false
}

export function take(state: RestState, message: WorldMessage): void {
  const { messages } = state.world
  messages.set(
    message.channel_id,
    (messages.get(message.channel_id) ?? []).filter((each) => each !== message),
  )
  state.changed()
}
