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
}

export function emptyConversation(threadId: string): Conversation {
  return { threadId, loaded: false, thread: null, messages: [], status: null }
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
      }
    case 'message':
      return event.message.threadId === held.threadId ? withMessage(held, event.message) : held
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
      return event.status === null || event.status.threadId === held.threadId ? { ...held, status: event.status } : held
    case 'thread':
      return event.thread.id === held.threadId ? { ...held, thread: event.thread } : held
    case 'threadDeleted':
      return event.threadId === held.threadId ? { ...emptyConversation(held.threadId), loaded: true } : held
  }
}

export function withMessage(held: Conversation, message: Message): Conversation {
  const others = held.messages.filter((other) => other.id !== message.id)
  return { ...held, messages: [...others, message].sort((a, b) => a.seq - b.seq) }
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

/** The turn that can be stopped now, if one runs. */
export function runningTurn(held: Conversation): string | null {
  if (held.status !== null) return held.status.turnId
  const last = held.messages.findLast((message) => message.state === 'streaming')
  return last?.turnId ?? (held.thread?.busy ? (held.messages.at(-1)?.turnId ?? null) : null)
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
