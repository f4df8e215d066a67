/** The state of the simulated Teams: conversations with their messages, and the rules for apps. */
import { setTimeout as sleep } from 'node:timers/promises'
import { faultOf } from './teams-cards.ts'

export interface Wire {
  type: string
  text?: string
  entities?: Record<string, unknown>[]
  attachments?: { contentType: string; contentUrl?: string; name?: string; content?: Record<string, unknown> }[]
  channelData?: Record<string, unknown>
  recipient?: { id: string }
}

export interface Stream {
  startedAt: number
  lastAt: number
  sequence: number
  text: string
  state: 'open' | 'final' | 'cancelled'
}

export interface Shown {
  id: string
  activity: Wire
  /** The only person who sees it. */
  only?: string
  stream?: Stream
  edits: number
  deleted: boolean
}

export interface Conversation {
  id: string
  type: 'personal' | 'groupChat' | 'channel'
  shown: Shown[]
  /** Times of calls, for the rate limits. */
  calls: number[]
}

export interface Refusal {
  status: number
  code: string
  message: string
  retryAfter?: number
}

export interface Rules {
  streamLimitMs: number
  streamEveryMs: number
  /** Calls in a window of milliseconds, of one conversation. */
  quota: readonly (readonly [count: number, windowMs: number])[]
  /** Of an activity as UTF-16, without pictures in base64. Teams has 100 KB now, and had 28 KB and 40 KB. */
  maxBytes: number
}

/** Of Microsoft's published limits. */
export const teamsRules: Rules = {
  streamLimitMs: 120_000,
  streamEveryMs: 1000,
  quota: [
    [7, 1000],
    [60, 30_000],
  ],
  maxBytes: 28_000,
}

export function createState(rules: Rules) {
  const conversations = new Map<string, Conversation>()
  /** The rules that the client broke. */
  const broken: string[] = []
  const calls: { method: string; conversation: string; status: number; at: number }[] = []
  let next = 1_767_000_000_000
  let storm = { left: 0, retryAfter: 1 }
  /** How each call in a conversation is refused, by the conversation's id. */
  const refusing = new Map<string, Refusal>()
  /** The conversations in which the app was shown as typing, in order. */
  const typing: string[] = []
  /** People who have not added the app for themselves. */
  const strangers = new Set<string>()

  const nextId = () => String(next++)

  function room(id: string): Conversation {
    const known = conversations.get(id)
    if (known) return known
    const type = id.startsWith('a:') ? 'personal' : id.includes('@thread.tacv2') ? 'channel' : 'groupChat'
    const made: Conversation = { id, type, shown: [], calls: [] }
    conversations.set(id, made)
    return made
  }

  function limited(at: Conversation): Refusal | undefined {
    if (storm.left > 0) {
      storm.left -= 1
      return { status: 429, code: 'TooManyRequests', message: 'API calls quota exceeded', retryAfter: storm.retryAfter }
    }
    const now = Date.now()
    for (const [count, windowMs] of rules.quota) {
      const recent = at.calls.filter((moment) => now - moment < windowMs)
      if (recent.length < count) continue
      broken.push(`more than ${count} calls in ${windowMs} ms`)
      const retryAfter = Math.ceil((windowMs - (now - (recent[0] ?? now))) / 1000)
      return { status: 429, code: 'TooManyRequests', message: 'API calls quota exceeded', retryAfter }
    }
    at.calls.push(now)
    return undefined
  }

  /** For a message, an edit, or a part of a stream, which has another code for it. */
  function tooLarge(activity: Wire, code = 'MessageSizeTooBig'): Refusal | undefined {
    const counted = JSON.stringify(activity, (key, value: unknown) =>
      key === 'contentUrl' && String(value).startsWith('data:') ? '' : value,
    )
    if (counted.length * 2 <= rules.maxBytes) return undefined
    return no(code === 'MessageSizeTooBig' ? 413 : 403, code, 'Message size too large')
  }

  function faulty(activity: Wire): Refusal | undefined {
    const fault = faultOf(activity)
    return fault === undefined ? undefined : no(400, 'BadSyntax', fault)
  }

  const infoOf = (activity: Wire) => activity.entities?.find(({ type }) => type === 'streaminfo')
  const no = (status: number, code: string, message: string): Refusal => {
    if (status === 400) broken.push(message)
    return { status, code, message }
  }

  function create(conversationId: string, activity: Wire, only?: string): { id: string } | Refusal {
    const at = room(conversationId)
    const info = infoOf(activity)
    const refusal = refusing.get(conversationId) ?? faulty(activity)
    if (refusal) return refusal
    if (info) return stream(at, activity, info)
    const large = tooLarge(activity)
    if (large) return large
    if (activity.type === 'typing') typing.push(conversationId)
    if (activity.type !== 'message') return { id: nextId() }
    if (!activity.text && !activity.attachments?.length)
      return no(400, 'BadSyntax', 'Activity must have text or attachments')
    const shown: Shown = { id: nextId(), activity, edits: 0, deleted: false, only }
    at.shown.push(shown)
    return { id: shown.id }
  }

  function stream(at: Conversation, activity: Wire, info: Record<string, unknown>): { id: string } | Refusal {
    if (at.type !== 'personal') return no(403, 'ContentStreamNotAllowed', 'Content stream is not allowed')
    const now = Date.now()
    const { streamId, streamType, streamSequence } = info
    if (streamId === undefined) {
      if (!activity.text) return no(400, 'BadRequest', 'Start streaming activities should include text')
      if (streamSequence !== 1) return no(400, 'BadRequest', 'a stream begins with 1')
      const text = streamType === 'streaming' ? activity.text : ''
      const made: Stream = { startedAt: now, lastAt: now, sequence: 1, text, state: 'open' }
      const shown: Shown = { id: `a-${nextId()}`, activity, stream: made, edits: 0, deleted: false }
      at.shown.push(shown)
      return { id: shown.id }
    }
    const shown = at.shown.find(({ id }) => id === streamId)
    const open = shown?.stream
    if (shown === undefined || open === undefined) return no(400, 'BadRequest', 'no such stream')
    if (open.state === 'cancelled') return no(403, 'ContentStreamNotAllowed', 'Content stream was canceled by user')
    if (open.state === 'final') return no(403, 'ContentStreamNotAllowed', 'Content stream was already completed')
    if (now - open.startedAt > rules.streamLimitMs)
      return no(403, 'ContentStreamNotAllowed', 'Content stream finished due to exceeded streaming time.')
    const large = tooLarge(activity, 'ContentStreamNotAllowed')
    if (large) return large
    if (now - open.lastAt < rules.streamEveryMs - 30)
      return { ...no(400, 'BadRequest', 'a stream was written more than once a second'), status: 429, retryAfter: 1 }
    if (streamType === 'final') {
      if (activity.type !== 'message') return no(400, 'BadRequest', 'the end of a stream is a message')
      open.state = 'final'
      shown.activity = activity
      return { id: shown.id }
    }
    if (activity.type !== 'typing') return no(400, 'BadRequest', 'a part of a stream is a typing activity')
    if (Number(streamSequence) <= open.sequence)
      return no(400, 'ContentStreamSequenceOrderPreConditionFailed', 'the sequence went back')
    if (streamType === 'informative' && open.text !== '') return no(400, 'BadRequest', 'progress after text')
    const text = activity.text ?? ''
    if (streamType === 'streaming' && !text.startsWith(open.text)) return no(400, 'BadRequest', 'text was taken back')
    Object.assign(open, {
      lastAt: now,
      sequence: Number(streamSequence),
      text: streamType === 'streaming' ? text : open.text,
    })
    shown.activity = activity
    return { id: shown.id }
  }

  function update(conversationId: string, id: string, activity: Wire): { id: string } | Refusal {
    const refusal = refusing.get(conversationId) ?? faulty(activity) ?? tooLarge(activity)
    if (refusal) return refusal
    const shown = room(conversationId).shown.find((each) => each.id === id && !each.deleted)
    if (shown === undefined) return no(404, 'ActivityNotFoundInConversation', 'Unknown activity')
    const { stream } = shown
    if (stream?.state === 'cancelled') return no(403, 'ContentStreamNotAllowed', 'Content stream was canceled by user')
    // It is not documented whether Teams allows this, so it counts as a broken rule.
    if (stream?.state === 'open' && Date.now() - stream.startedAt <= rules.streamLimitMs)
      return no(400, 'BadRequest', 'a stream was edited before its end')
    shown.activity = activity
    shown.edits += 1
    return { id }
  }

  function remove(conversationId: string, id: string): Record<string, never> | Refusal {
    const refusal = refusing.get(conversationId)
    if (refusal) return refusal
    const shown = room(conversationId).shown.find((each) => each.id === id && !each.deleted)
    if (shown === undefined) return no(404, 'ActivityNotFoundInConversation', 'Unknown activity')
    shown.deleted = true
    return {}
  }

  return {
    conversations,
    broken,
    calls,
    nextId,
    room,
    limited,
    create,
    update,
    remove,
    refusing,
    typing,
    strangers,
    /** The next `count` calls are refused. */
    storm(count: number, retryAfter = 1) {
      storm = { left: count, retryAfter }
    },
    messages: (conversationId: string) => room(conversationId).shown.filter(({ deleted }) => !deleted),
  }
}

export type State = ReturnType<typeof createState>

/** Polls until there is a value. */
export async function until<T>(find: () => T | undefined, what: string, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const found = find()
    if (found !== undefined && found !== false) return found
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${timeoutMs} ms`)
    await sleep(15)
  }
}

/** The encoded actions of a message's cards. */
export function actionsOf({ activity }: Shown): string[] {
  return (activity.attachments ?? []).flatMap(({ content }) => {
    const actions = content?.actions
    return Array.isArray(actions) ? actions.map(({ data }) => String(data?.parley)) : []
  })
}

/** Whether the message has the AI label. */
export const isLabelled = ({ activity }: Shown) =>
  activity.entities?.some(({ additionalType }) => Array.isArray(additionalType)) === true

/** An answer or what stands in its place, not a notice: it streams, has the AI label, or buttons for its turn. */
export const isReply = (shown: Shown) =>
  shown.stream !== undefined ||
  isLabelled(shown) ||
  actionsOf(shown).some((action) => /^(?:stop|regenerate):/.test(action))

/** Whether the answer is finished: it has buttons. */
export const isFinished = (shown: Shown) => actionsOf(shown).some((action) => action.startsWith('regenerate:'))

export interface Claim {
  position: number
  appearance: { name: string; abstract: string }
}

export function claimsOf({ activity }: Shown): Claim[] {
  return (activity.entities ?? []).flatMap(({ citation }) => (Array.isArray(citation) ? (citation as Claim[]) : []))
}
