/** One open page: its thread and address, the thread list, the event stream, and the actions of its buttons. */
import type { TurnAction } from '../../../../src/core/command.ts'
import type { ConsoleEvent, ConsoleStatus, FileChip, Thread } from '../../api.ts'
import {
  applyEvent,
  type Conversation,
  emptyConversation,
  runningTurn,
  takenIn,
  withFeedback,
  withMessage,
  withThread,
} from './conversation.ts'
import { connectLive, type Live } from './live.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import { eventsUrl, failureMessage, type Pressed, randomId, ServerFailure, server } from './server.ts'
import { createStore, type Store } from './store.ts'

export interface PageState {
  status: ConsoleStatus | null
  /** `null` until the first list has come. */
  threads: Thread[] | null
  conversation: Conversation
  link: 'connecting' | 'open' | 'lost'
  /** Why the last action failed, in one sentence. */
  error: string | null
}

export interface Session {
  state: Store<PageState>
  outbox: Outbox
  newThread(): void
  send(text: string, files: FileChip[]): void
  stop(): void
  /** Presses a button below a reply. Rejects with a cause for `failureMessage`. */
  act(kind: TurnAction, turnId: string, comment?: string): Promise<Pressed>
  /** Presses a button of a notice; the answer arrives as a message. Rejects as `act` does. */
  press(action: string): Promise<void>
  deleteThread(threadId: string): void
  dismissError(): void
}

/** How often streamed text is drawn: smooth, without overloading a slow machine. */
const DRAW_EVERY_MS = 40

export function createSession(): Session {
  const state = createStore<PageState>({
    status: null,
    threads: null,
    conversation: emptyConversation(currentThread()),
    link: 'connecting',
    error: null,
  })
  const patch = (change: Partial<PageState>) => state.set((now) => ({ ...now, ...change }))
  const held = () => state.get().conversation

  const outbox = createOutbox({
    send: server.send,
    onSent: (message) => {
      if (message.threadId !== held().threadId) return
      const known = held().messages.find((one) => one.id === message.id)
      if (known === undefined || known.turnId === null) patch({ conversation: withMessage(held(), message) })
    },
    storage: sessionStorage,
    setTimer: (run, ms) => void setTimeout(run, ms),
  })

  let live: Live | null = null
  let arrived: ConsoleEvent[] = []
  let drawing: ReturnType<typeof setTimeout> | undefined

  function draw(): void {
    drawing = undefined
    const events = arrived
    arrived = []
    let { conversation, threads } = state.get()
    for (const event of events) {
      const next = applyEvent(conversation, event)
      if (next === 'gap') {
        live?.reconnect()
        break
      }
      conversation = next
      if (event.type === 'thread') threads = withThread(threads ?? [], event.thread)
      if (event.type === 'threadDeleted') threads = threads?.filter((one) => one.id !== event.threadId) ?? null
      if (event.type === 'threadDeleted' && event.threadId === conversation.threadId) queueMicrotask(leaveDeleted)
    }
    patch({ conversation, threads })
    outbox.drop(takenIn(conversation))
  }

  function follow(threadId: string): void {
    live?.close()
    clearTimeout(drawing)
    drawing = undefined
    arrived = []
    patch({ conversation: emptyConversation(threadId), link: 'connecting', error: null })
    live = connectLive(eventsUrl(threadId), {
      event(event) {
        if (event.type === 'snapshot') arrived = []
        arrived.push(event)
        drawing ??= setTimeout(draw, event.type === 'snapshot' ? 0 : DRAW_EVERY_MS)
      },
      open() {
        patch({ link: 'open' })
        outbox.retryNow()
        void refresh()
      },
      lost: () => patch({ link: 'lost' }),
    })
  }

  /** Reloads what the event stream does not send again after a reconnect. */
  async function refresh(): Promise<void> {
    const [status, threads] = await Promise.allSettled([server.status(), server.threads()])
    if (status.status === 'fulfilled') patch({ status: status.value })
    if (threads.status === 'fulfilled') patch({ threads: threads.value })
  }

  async function attempt(action: () => Promise<unknown>): Promise<void> {
    patch({ error: null })
    try {
      await action()
    } catch (cause) {
      patch({ error: failureMessage(cause) })
    }
  }

  function newThread(): void {
    const { conversation } = state.get()
    const unused =
      conversation.messages.length === 0 && outbox.state.get().every((one) => one.threadId !== conversation.threadId)
    if (!unused || !conversation.loaded) location.hash = threadHref(randomId())
  }

  function leaveDeleted(): void {
    history.replaceState(null, '', threadHref(randomId()))
    follow(currentThread())
  }

  window.addEventListener('hashchange', () => {
    const threadId = currentThread()
    if (threadId !== held().threadId) follow(threadId)
  })
  window.addEventListener('online', () => outbox.retryNow())
  follow(held().threadId)

  return {
    state,
    outbox,
    newThread,
    send(text, files) {
      outbox.add({
        threadId: held().threadId,
        body: { id: randomId(), text, uploads: files.map((file) => file.id), locale: navigator.language },
        attachments: files,
      })
    },
    stop() {
      const turnId = runningTurn(held())
      if (turnId === null) return
      void attempt(() =>
        server.act(turnId, 'stop').catch((cause: unknown) => {
          // The turn has already ended.
          if (!(cause instanceof ServerFailure && (cause.status === 409 || cause.status === 404))) throw cause
        }),
      )
    },
    async act(kind, turnId, comment) {
      const pressed = await server.act(turnId, kind, comment)
      if (kind === 'good' || kind === 'bad') patch({ conversation: withFeedback(held(), turnId, kind) })
      return pressed
    },
    press: (action) => server.press(held().threadId, { id: randomId(), action }),
    deleteThread: (threadId) =>
      void attempt(async () => {
        await server.deleteThread(threadId)
        outbox.dropThread(threadId)
        patch({ threads: state.get().threads?.filter((one) => one.id !== threadId) ?? null })
        if (held().threadId === threadId) leaveDeleted()
      }),
    dismissError: () => patch({ error: null }),
  }
}

/** The address of a thread. An address without one is a new thread, which gets its ID at once. */
const THREAD = /^#\/t\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

function threadOf(hash: string): string | null {
  return THREAD.exec(hash)?.[1] ?? null
}

export const threadHref = (threadId: string) => `#/t/${threadId}`

/** The thread that the address names. Writes the address when it names none. */
function currentThread(): string {
  const named = threadOf(location.hash)
  if (named !== null) return named
  const fresh = randomId()
  history.replaceState(null, '', threadHref(fresh))
  return fresh
}
