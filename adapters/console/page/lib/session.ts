/** One open page: its thread and address, the thread list, the event stream, and the actions of its buttons. */
import type { TurnAction } from '../../../../src/core/command.ts'
import type { WebMode } from '../../../../src/core/message.ts'
import type { ConsoleEvent, ConsoleStatus, FileChip, Thread } from '../../api.ts'
import { pagePaths } from '../../paths.ts'
import { account, refreshAccount } from './account.ts'
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
import { isThread, navigate, route } from './route.ts'
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
  /** Whether this tab began the thread, so that an empty one was not deleted. */
  isNew(threadId: string): boolean
  send(text: string, files: FileChip[], web?: WebMode): void
  stop(): void
  /** Presses a button below a reply. Rejects with a cause for `failureMessage`. */
  act(kind: TurnAction, turnId: string, comment?: string): Promise<Pressed>
  /** Presses a button of a notice; the answer arrives as a message. Rejects as `act` does. */
  press(action: string): Promise<void>
  deleteThread(threadId: string): void
  /** Shows why something else on this screen failed. */
  failed(cause: unknown): void
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
    last = threadId
    live?.close()
    clearTimeout(drawing)
    drawing = undefined
    arrived = []
    patch({ conversation: emptyConversation(threadId), link: 'connecting', error: null })
    listen(threadId, eventsUrl(threadId))
  }

  function listen(threadId: string, url: string): void {
    live = connectLive(url, {
      event(event) {
        if (event.type === 'signedOut' || event.type === 'accountChanged') {
          void refreshAccount()
          return
        }
        if (event.type === 'snapshot') arrived = []
        arrived.push(event)
        drawing ??= setTimeout(draw, event.type === 'snapshot' ? 0 : DRAW_EVERY_MS)
      },
      open() {
        patch({ link: 'open' })
        outbox.retryNow()
        void refresh()
      },
      failed: () => {
        if (!account.get().ended) void findFailure(threadId)
      },
      lost: () => patch({ link: 'lost' }),
    })
  }

  /** An event source does not say why it failed: the session may have ended, or the thread may be somebody else's. */
  async function findFailure(threadId: string): Promise<void> {
    await refreshAccount()
    if (account.get().ended || isNew(threadId)) return
    const failure = await server.thread(threadId).then(
      () => null,
      (cause: unknown) => cause,
    )
    const { conversation } = state.get()
    if (!(failure instanceof ServerFailure && failure.status === 404)) return
    if (conversation.threadId !== threadId || conversation.loaded) return
    patch({ conversation: { ...conversation, loaded: true } })
    // There is nothing to follow but the list.
    live?.close()
    listen(threadId, eventsUrl(null))
  }

  /** Reloads what the event stream does not send again after a reconnect. */
  async function refresh(): Promise<void> {
    const [status, threads] = await Promise.allSettled([
      server.status(held().threadId),
      server.threads(),
      refreshAccount(),
    ])
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
    if (!unused || !conversation.loaded || !isNew(conversation.threadId)) navigate(threadHref(beginThread()))
  }

  function leaveDeleted(): void {
    navigate(threadHref(beginThread()), 'replace')
  }

  route.subscribe(() => {
    // Its stream goes on while another screen is open.
    const threadId = isThread(route.get()) ? currentThread() : held().threadId
    if (threadId !== held().threadId) follow(threadId)
  })
  let ended = false
  account.subscribe(() => {
    const signedInAgain = ended && !account.get().ended
    ended = account.get().ended
    if (signedInAgain) live?.reconnect()
  })
  window.addEventListener('online', () => outbox.retryNow())
  follow(held().threadId)

  return {
    state,
    outbox,
    newThread,
    isNew,
    send(text, files, web) {
      outbox.add({
        threadId: held().threadId,
        body: {
          id: randomId(),
          text,
          uploads: files.map((file) => file.id),
          locale: navigator.language,
          web,
        },
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
    failed: (cause) => patch({ error: failureMessage(cause) }),
    dismissError: () => patch({ error: null }),
  }
}

export const threadHref = (threadId: string) => pagePaths.thread.replace(':id', threadId)

let last: string | null = null
/** Where the chat was left. */
export const lastThreadHref = () => (last === null ? pagePaths.home : threadHref(last))

const BEGUN = 'parley.begun'
const MOST_BEGUN = 100
let begun: string[] = (() => {
  try {
    return JSON.parse(sessionStorage.getItem(BEGUN) ?? '[]') as string[]
  } catch {
    return []
  }
})()

const isNew = (threadId: string) => begun.includes(threadId)

/** The ID of a thread that begins here; remembered across reloads of the tab. */
function beginThread(): string {
  const threadId = randomId()
  begun = [...begun, threadId].slice(-MOST_BEGUN)
  try {
    sessionStorage.setItem(BEGUN, JSON.stringify(begun))
  } catch {
    // Remembered as long as the page is open.
  }
  return threadId
}

/** The thread that the address names. An address without one is a new thread, which gets its ID and address at once. */
function currentThread(): string {
  const { screen, param } = route.get()
  if (screen === 'thread') return param
  const fresh = beginThread()
  navigate(threadHref(fresh), 'replace')
  return fresh
}
