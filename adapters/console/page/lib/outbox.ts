/**
 * Messages that the server has not confirmed. They survive reloads, are sent again with the same ID if the response is
 * lost, and are sent in order within each thread.
 */
import type { FileChip, Message, SendMessage } from '../../api.ts'
import { ServerFailure } from './server.ts'
import { createStore, type Store } from './store.ts'

export interface Outgoing {
  threadId: string
  body: SendMessage
  attachments: FileChip[]
  createdAt: string
  /** `waiting`: the server could not be reached, and another attempt follows. `refused`: `userMessage` says why. */
  state: 'sending' | 'waiting' | 'refused'
  userMessage: string | null
}

export interface OutboxDeps {
  send(threadId: string, body: SendMessage): Promise<{ message: Message; turnId: string | null }>
  onSent(message: Message): void
  storage: Pick<Storage, 'getItem' | 'setItem'>
  setTimer(run: () => void, ms: number): void
}

export interface Outbox {
  state: Store<Outgoing[]>
  add(outgoing: Pick<Outgoing, 'threadId' | 'body' | 'attachments'>): void
  /** An event confirmed the message, or the user discarded it. */
  drop(messageIds: string[]): void
  dropThread(threadId: string): void
  /** Tries everything that waits now, and `messageId` even if it was refused. */
  retryNow(messageId?: string): void
}

const KEY = 'parley.outbox'
const LAST_RETRY_MS = 20_000

export function createOutbox(deps: OutboxDeps): Outbox {
  const state = createStore<Outgoing[]>(load(deps.storage))
  const sending = new Set<string>()
  let failures = 0
  let scheduled = false

  state.subscribe(() => {
    try {
      deps.storage.setItem(KEY, JSON.stringify(state.get()))
    } catch {
      // Storage is full or forbidden; the open page still has the message.
    }
  })

  const change = (id: string, patch: Partial<Outgoing>) =>
    state.set((all) => all.map((one) => (one.body.id === id ? { ...one, ...patch } : one)))

  async function attempt(outgoing: Outgoing): Promise<void> {
    sending.add(outgoing.body.id)
    try {
      const { message } = await deps.send(outgoing.threadId, outgoing.body)
      failures = 0
      // If it was discarded or confirmed by an event in the meantime, there is nothing to add.
      if (state.get().some((one) => one.body.id === outgoing.body.id)) deps.onSent(message)
      drop([outgoing.body.id])
    } catch (cause) {
      const failure = cause instanceof ServerFailure ? cause : new ServerFailure(0, String(cause))
      if (failure.passing) {
        change(outgoing.body.id, { state: 'waiting', userMessage: failure.userMessage })
        schedule()
      } else change(outgoing.body.id, { state: 'refused', userMessage: failure.userMessage })
    } finally {
      sending.delete(outgoing.body.id)
      pump(false)
    }
  }

  function pump(retryWaiting: boolean): void {
    const held = new Set<string>()
    for (const one of state.get()) {
      if (held.has(one.threadId) || one.state === 'refused') continue
      held.add(one.threadId)
      if (sending.has(one.body.id) || (one.state === 'waiting' && !retryWaiting)) continue
      void attempt(one)
    }
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    deps.setTimer(
      () => {
        scheduled = false
        pump(true)
      },
      Math.min(LAST_RETRY_MS, 500 * 2 ** failures++),
    )
  }

  const drop = (ids: string[]) =>
    state.set((all) =>
      all.some((one) => ids.includes(one.body.id)) ? all.filter((one) => !ids.includes(one.body.id)) : all,
    )

  queueMicrotask(() => pump(true))
  return {
    state,
    add(outgoing) {
      const one: Outgoing = { ...outgoing, createdAt: new Date().toISOString(), state: 'sending', userMessage: null }
      state.set((all) => [...all, one])
      pump(false)
    },
    drop,
    dropThread: (threadId) => state.set((all) => all.filter((one) => one.threadId !== threadId)),
    retryNow(messageId) {
      failures = 0
      if (messageId !== undefined) change(messageId, { state: 'sending', userMessage: null })
      pump(true)
    },
  }
}

function load(storage: Pick<Storage, 'getItem'>): Outgoing[] {
  try {
    return JSON.parse(storage.getItem(KEY) ?? '[]') as Outgoing[]
  } catch {
    return []
  }
}
