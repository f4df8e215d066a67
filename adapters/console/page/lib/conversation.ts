/** The page's copy of one thread, and how each server event changes it. Pure. */
import { answerOf, type ConsoleEvent, type Message, type Thread, type TurnStatus } from '../../api.ts'

export interface Conversation {
  threadId: string
  /** The first snapshot has come. */
  loaded: boolean
  thread: Thread | null
  /** In order of `seq`. */
  messages: Message[]
  status: TurnStatus | null
  /** What the model of a running turn thinks. */
  thoughts: { turnId: string; text: string } | null
}

export function emptyConversation(threadId: string): Conversation {
  return { threadId, loaded: false, thread: null, messages: [], status: null, thoughts: null }
}

/** `'gap'`: an earlier piece of text is missing, so the page needs a new snapshot. */
export function applyEvent(held: Conversation, event: ConsoleEvent): Conversation | 'gap' {
  switch (event.type) {
    case 'snapshot':
      return {
        threadId: held.threadId,
        loaded: true,
        thread: event.thread,
        messages: keepUnchanged(held.messages, event.messages),
        status: event.status,
        thoughts: held.thoughts !== null && isRunning(held.thoughts.turnId, event) ? held.thoughts : null,
      }
    case 'message':
      return event.message.threadId === held.threadId ? withMessage(held, event.message) : held
    case 'thoughts': {
      const before = held.thoughts?.turnId === event.turnId ? held.thoughts.text : ''
      // All of it comes with the receipt.
      if (event.offset > before.length) return held
      return { ...held, thoughts: { turnId: event.turnId, text: before.slice(0, event.offset) + event.text } }
    }
    case 'text': {
      const at = held.messages.findIndex((message) => message.id === event.messageId)
      const message = held.messages[at]
      if (message === undefined || event.offset > message.text.length) return 'gap'
      const text = message.text.slice(0, event.offset) + event.text
      return { ...held, messages: held.messages.with(at, { ...message, text }) }
    }
    case 'removed':
      return { ...held, messages: held.messages.filter((message) => message.id !== event.messageId) }
    case 'status':
      if (event.status !== null && (event.status.threadId !== held.threadId || waitsBehind(held, event.status)))
        return held
      return { ...held, status: event.status }
    case 'thread':
      return event.thread.id === held.threadId ? { ...held, thread: event.thread } : held
    case 'threadDeleted':
      return event.threadId === held.threadId ? { ...emptyConversation(held.threadId), loaded: true } : held
    case 'signedOut':
    case 'accountChanged':
      return held
  }
}

export function withMessage(held: Conversation, message: Message): Conversation {
  const others = held.messages.filter((other) => other.id !== message.id)
  const ended = message.role === 'parley' && message.state !== 'streaming' && message.turnId === held.thoughts?.turnId
  return {
    ...held,
    messages: [...others, message].sort((a, b) => a.seq - b.seq),
    thoughts: ended ? null : held.thoughts,
  }
}

function isRunning(turnId: string, { messages, status }: Pick<Conversation, 'messages' | 'status'>): boolean {
  const written = messages.some((message) => message.state === 'streaming' && message.turnId === turnId)
  return written || status?.turnId === turnId
}

/** The server stores a rating with the turn and sends it in the next snapshot. */
export function withFeedback(held: Conversation, turnId: string, feedback: Message['feedback']): Conversation {
  const messages = held.messages.map((message) =>
    message.role === 'parley' && message.turnId === turnId ? { ...message, feedback } : message,
  )
  return { ...held, messages }
}

/** Messages that have a turn, and answered commands. Any other message was stored, but must be sent again to get an answer. */
export function takenIn(held: Conversation): string[] {
  const known = new Set(held.messages.map((message) => message.id))
  return held.messages.filter(({ id, turnId }) => turnId !== null || known.has(answerOf(id))).map(({ id }) => id)
}

/** A question that waits says nothing about the answer that is being written. */
function waitsBehind(held: Conversation, { turnId, state }: TurnStatus): boolean {
  if (state !== 'queued') return false
  const working = held.status !== null && held.status.state !== 'queued' ? held.status.turnId : null
  const running = held.messages.findLast((message) => message.state === 'streaming')?.turnId ?? working
  return running !== null && running !== turnId
}

/** The turn that can be stopped now, if one runs. */
export function runningTurn(held: Conversation): string | null {
  const last = held.messages.findLast((message) => message.state === 'streaming')
  return last?.turnId ?? held.status?.turnId ?? (held.thread?.busy ? (held.messages.at(-1)?.turnId ?? null) : null)
}

/**
 * The messages as a person reads them: each answer after its question, also where another question was asked before the answer
 * began. `queued`: questions that wait for the running answer.
 */
export function readingOrder(held: Conversation): { messages: Message[]; queued: Message[] } {
  const running = runningTurn(held)
  const asked = new Map<string, string>()
  for (const message of held.messages)
    if (message.role === 'user' && message.turnId !== null) asked.set(message.turnId, message.id)
  const answers = Map.groupBy(
    held.messages.filter((message) => message.role === 'parley' && message.turnId !== null),
    (message) => asked.get(message.turnId ?? '') ?? '',
  )
  const placed = new Set([...answers].flatMap(([question, all]) => (question === '' ? [] : all)))
  const inOrder = held.messages
    .filter((message) => !placed.has(message))
    .flatMap((message) => [message, ...(answers.get(message.id) ?? [])])
  const start = running === null ? -1 : inOrder.findLastIndex((message) => message.turnId === running)
  const waits = (message: Message, at: number) =>
    start >= 0 && at > start && message.role === 'user' && message.turnId !== null && !answers.has(message.id)
  return {
    messages: inOrder.filter((message, at) => !waits(message, at)),
    queued: inOrder.filter(waits),
  }
}

/** A snapshot repeats known messages; keeping the same objects avoids drawing finished answers again. */
function keepUnchanged(held: Message[], incoming: Message[]): Message[] {
  const byId = new Map(held.map((message) => [message.id, message]))
  return incoming
    .map((message) => {
      const known = byId.get(message.id)
      return known !== undefined && JSON.stringify(known) === JSON.stringify(message) ? known : message
    })
    .sort((a, b) => a.seq - b.seq)
}

export function withThread(threads: Thread[], thread: Thread): Thread[] {
  return [thread, ...threads.filter((other) => other.id !== thread.id)].sort((a, b) =>
    b.updatedAt.localeCompare(a.updatedAt),
  )
}
