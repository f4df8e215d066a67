/**
 * Writes one reply: text comes in as it grows, messages of the platform go out, split, paced and remembered. A part's
 * platform id is stored as soon as its post returns, so that whoever goes on after a crash edits the same messages.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { ReplyTarget } from '../core/message.ts'
import type { MessageRef, OutgoingMessage, Platform } from '../core/platform.ts'
import type { Citation } from '../core/reply.ts'
import type { StoredPart } from '../store/turns.ts'
import { createPace } from './pace.ts'
import { createSplitter } from './split.ts'

/** Where posted parts are remembered; src/store/turns.ts is one. */
export interface PartStore {
  savePart(turnId: string, part: { ordinal: number; ref: MessageRef; text: string }): Promise<void>
  removePart(turnId: string, ordinal: number): Promise<void>
}

export interface PenDeps {
  platform: Pick<Platform, 'transport' | 'capabilities'>
  target: ReplyTarget
  turnId: string
  /** What an earlier attempt, or the reply that is written anew, has posted. */
  posted: StoredPart[]
  /** An earlier attempt died while it wrote: what people see is at least what is stored, and must not shrink. */
  resuming: boolean
  store: PartStore
  /** Ends all writing at once: the lease is gone and another worker holds the pen. */
  signal: AbortSignal
  /** Asked before each write: whether the lease surely holds. */
  held(): boolean
  now?: () => Date
}

export interface Pen {
  append(text: string): void
  /** The answer starts over; what is shown stays until the new text has caught up with it. */
  restart(): void
  /** Shows the rest, marks the end, takes surplus messages away. Rejects when the platform does not take it. */
  finish(text: string, citations: Citation[], end: NonNullable<OutgoingMessage['end']>): Promise<void>
  /** Stops writing without an end: another attempt will go on. */
  abandon(): Promise<void>
  /** Citations of what has been appended so far. */
  cite(citations: Citation[]): void
  firstTextAt(): Date | null
}

/** How often the shown text is stored for whoever goes on after a crash. */
const rememberEveryMs = 1000
/** How long a platform may refuse before a turn fails. */
const patienceMs = 120_000

interface Part {
  ref: MessageRef
  shown: string
  phase: OutgoingMessage['phase']
  rememberedAt: number
}

export function createPen(deps: PenDeps): Pen {
  const { platform, target, turnId, store, signal, now = () => new Date() } = deps
  const { transport, capabilities } = platform
  const parts: Part[] = deps.posted
    .filter((part) => part.ref !== null)
    .map((part) => ({ ref: part.ref, shown: part.text, phase: 'streaming', rememberedAt: 0 }))
  let splitter = createSplitter(capabilities.maxChars)
  let length = 0
  let citations: Citation[] = []
  let firstTextAt: Date | null = null
  /** Text shorter than what people see would look like a step back. */
  let floor = deps.resuming ? shownLength() : 0
  /** What they saw may be this far ahead of what was stored; a new answer grows as fast as the old one did. */
  let lagMs = deps.resuming ? rememberEveryMs : 0
  let caughtUpAt: number | undefined

  const pace = createPace(capabilities.minEditMs, async () => {
    if (capabilities.streaming === 'none' || length === 0 || length < floor) return
    caughtUpAt ??= Date.now()
    if (Date.now() - caughtUpAt < lagMs) return
    await show(splitter.parts(), false)
  })

  function shownLength(): number {
    return parts.reduce((sum, part) => sum + part.shown.length, 0)
  }

  function message(text: string, phase: OutgoingMessage['phase'], end?: OutgoingMessage['end']): OutgoingMessage {
    const cited = citations.filter(({ n }) => text.includes(`[${n}]`))
    return { turnId, text, phase, citations: cited, ...(end ? { end } : {}) }
  }

  async function show(texts: string[], final: boolean, end?: OutgoingMessage['end']): Promise<void> {
    for (const [ordinal, text] of texts.entries()) {
      const last = ordinal === texts.length - 1
      const phase = final || !last ? 'final' : 'streaming'
      await put(ordinal, message(text, phase, last ? end : undefined))
    }
  }

  async function put(ordinal: number, outgoing: OutgoingMessage): Promise<void> {
    const part = parts[ordinal]
    if (part && part.shown === outgoing.text && part.phase === outgoing.phase && !outgoing.end) return
    if (part === undefined) {
      const ref = await patiently(() => transport.post(target, outgoing, { key: `${turnId}-${ordinal}`, signal }))
      firstTextAt ??= now()
      parts[ordinal] = { ref, shown: outgoing.text, phase: outgoing.phase, rememberedAt: Date.now() }
      await store.savePart(turnId, { ordinal, ref, text: outgoing.text })
      return
    }
    await patiently(() => transport.edit(target, part.ref, outgoing, { signal }))
    firstTextAt ??= now()
    part.shown = outgoing.text
    part.phase = outgoing.phase
    if (outgoing.phase === 'streaming' && Date.now() - part.rememberedAt >= rememberEveryMs) {
      part.rememberedAt = Date.now()
      await store.savePart(turnId, { ordinal, ref: part.ref, text: outgoing.text })
    }
  }

  /** Waits out rate limits and short outages; gives up when the platform means no. */
  async function patiently<T>(call: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + patienceMs
    for (let tries = 0; ; tries += 1) {
      signal.throwIfAborted()
      if (!deps.held()) throw new DOMException('the lease ran out', 'AbortError')
      try {
        return await call()
      } catch (thrown) {
        const error = asParleyError(thrown)
        const wait = error.retryAfterMs ?? Math.min(500 * 2 ** tries, 10_000)
        if (error.retry === 'never' || Date.now() + wait > deadline || tries >= 20) throw error
        await sleep(wait, undefined, { signal })
      }
    }
  }

  return {
    append(text) {
      if (text === '') return
      splitter.append(text)
      length += text.length
      pace.wake()
    },
    restart() {
      splitter = createSplitter(capabilities.maxChars)
      length = 0
      floor = shownLength()
      lagMs = 0
    },
    cite(known) {
      citations = known
    },
    async finish(text, known, end) {
      await pace.end()
      citations = known
      const whole = createSplitter(capabilities.maxChars)
      whole.append(text)
      const texts = whole.parts()
      if (texts.length === 0) throw new ParleyError('turn_failed', 'The answer was empty. Please try again.')
      await show(texts, true, end)
      for (let ordinal = parts.length - 1; ordinal >= texts.length; ordinal -= 1) {
        const surplus = parts[ordinal]
        if (surplus === undefined) continue
        await patiently(() => transport.remove(target, surplus.ref, { signal }))
        await store.removePart(turnId, ordinal)
        parts.pop()
      }
    },
    async abandon() {
      await pace.end().catch(() => undefined)
    },
    firstTextAt: () => firstTextAt,
  }
}
