/** The state of the simulated Slack: one workspace with its people, channels, messages and files. */
export interface StandInMessage {
  channel: string
  ts: string
  thread_ts?: string
  user?: string
  bot_id?: string
  text: string
  blocks: Record<string, unknown>[]
  metadata?: { event_type: string; event_payload: Record<string, unknown> }
  /** Of a native stream. */
  streaming_state?: 'in_progress' | 'completed' | 'errored'
  startedAt?: number
  /** Task cards of a stream, by their ids. */
  tasks: Map<string, { title: string; status: string }>
  files: string[]
  edits: number
  /** Only this person sees it. */
  only?: string
  /** Fields that only readers of the thread see: attachments, a bot's profile. */
  more?: Record<string, unknown>
}

export interface StandInChannel {
  name: string
  private?: boolean
  members?: string[]
  /** Its workspaces; default: the one that Parley is in. */
  teams?: string[]
  /** Parley is not in it, and it is private. */
  without?: boolean
  /** The person of a direct message. */
  direct?: string
  /** A group message. */
  group?: boolean
  /** With whom it is shared: another organization, one that was invited, or another workspace of the organization. */
  shared?: 'external' | 'pending' | 'organization'
  archived?: boolean
  /** Its pinned messages, the last one first. */
  pins?: string[]
}

export interface StandInFile {
  id: string
  name: string
  mimetype: string
  content: Buffer
  shares: { channel: string; ts: string; private?: boolean }[]
  user?: string
  deleted?: boolean
  /** Every download gets the login page, as without the scope. */
  guarded?: boolean
  more: Record<string, unknown>
}

export interface StandInUser {
  id: string
  name: string
  team: string
  more: Record<string, unknown>
}

export const team = 'T0PARLEY01'
export const bot = {
  id: 'B0PARLEY01',
  user: 'U0PARLEY01',
  token: 'xoxb-stand-in-token',
  appToken: 'xapp-stand-in-token',
}

export interface SlackState {
  messages: StandInMessage[]
  /** `channel/ts` of deleted messages. */
  deleted: Set<string>
  /** Channels in which Parley may not write, with Slack's code. */
  closed: Map<string, string>
  files: Map<string, StandInFile>
  users: Map<string, StandInUser>
  channels: Map<string, StandInChannel>
  /** Handles of user groups by their ids. */
  groups: Map<string, string>
  /** By channel and thread: what is shown beside the conversation. */
  statuses: Map<string, string>
  sessions: Map<string, string>
  reactions: Set<string>
  titles: Map<string, string>
  views: { kind: 'modal' | 'home'; view: Record<string, unknown>; user?: string }[]
  prompts: Record<string, unknown>[]
  /** Bodies sent to response URLs. */
  responses: Record<string, unknown>[]
  /** Milliseconds since 1970, by Slack's clock. */
  now(): number
  nextTs(): string
  find(channel: string, ts: string): StandInMessage | undefined
}

export function createState(): SlackState & { advance(ms: number): void } {
  let shift = 0
  let lastTs = 0
  const messages: StandInMessage[] = []
  const byPlace = new Map<string, StandInMessage>()
  const state = {
    messages,
    deleted: new Set<string>(),
    closed: new Map<string, string>(),
    files: new Map(),
    users: new Map(),
    channels: new Map(),
    groups: new Map(),
    statuses: new Map(),
    sessions: new Map(),
    reactions: new Set<string>(),
    titles: new Map(),
    views: [],
    prompts: [],
    responses: [],
    now: () => Date.now() + shift,
    advance(ms: number) {
      shift += ms
    },
    nextTs() {
      lastTs = Math.max(lastTs + 1, Math.round((Date.now() + shift) * 1000))
      return `${Math.floor(lastTs / 1e6)}.${String(lastTs % 1e6).padStart(6, '0')}`
    },
    find(channel: string, ts: string) {
      const place = `${channel}/${ts}`
      const known = byPlace.get(place)
      if (known && messages.includes(known)) return known
      const found = messages.find((message) => message.channel === channel && message.ts === ts)
      if (found) byPlace.set(place, found)
      return found
    },
  }
  return state
}

/** The text of a message as people see it. */
export function shown(message: StandInMessage): string {
  const markdown = message.blocks.flatMap((block) => (block.type === 'markdown' ? [String(block.text)] : []))
  return markdown.length > 0 ? markdown.join('\n\n') : message.text
}

/** The values of a message's buttons and menus. */
export function buttonsOf(message: StandInMessage): string[] {
  return [...JSON.stringify(message.blocks).matchAll(/"value":"((?:[^"\\]|\\.)*)"/g)].map(([, value]) => value ?? '')
}
