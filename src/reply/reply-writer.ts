/**
 * Writes one reply: text comes in as it grows, messages of the platform go out, split, paced and remembered. A part's
 * platform id is stored as soon as its post returns, so that the next worker after a crash edits the same messages.
 */
import { monotonic } from '../core/clock.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { ReplyTarget } from '../core/message.ts'
import type { MessageRef, OutgoingMessage, Platform } from '../core/platform.ts'
import { type Citation, isFromModel, type Receipt } from '../core/reply.ts'
import { retry } from '../core/retry.ts'
import type { StoredPart } from '../store/turns.ts'
import { noAnswerWording } from '../wording/answers.ts'
import { type AnswerFile, answerFile, shortened, tableFile } from './answer-file.ts'
import { splitFor, splitterFor } from './split.ts'
import { createThrottle } from './throttle.ts'

/** Where posted parts are remembered; src/store/turns.ts is one. */
export interface PartStore {
  savePart(turnId: string, part: { ordinal: number; ref: MessageRef; text: string; ahead?: number }): Promise<void>
  removePart(turnId: string, ordinal: number): Promise<void>
}

export interface ReplyWriterDeps {
  platform: Pick<Platform, 'transport' | 'capabilities'>
  target: ReplyTarget
  turnId: string
  /** What was asked, in its words: a file with the whole answer is named by it. */
  question: string
  /** What an earlier attempt, or the regenerated reply, has posted. */
  posted: StoredPart[]
  /** An earlier attempt died while it wrote: what people see is at least what is stored, and must not shrink. */
  resuming: boolean
  store: PartStore
  /** Ends all writing at once: the lease is gone and another worker holds the reply writer. */
  signal: AbortSignal
  /** How many other replies this process writes now. */
  otherReplies(): number
  /** Asked before each write: whether the lease surely holds. */
  held(): boolean
  now?: () => Date
}

export interface ReplyWriter {
  /** Shows what is happening as the reply's first message, until there is text; nothing where a message is shown already. */
  announce(text: string): void
  append(text: string): void
  /** All that the model has thought so far, for platforms that show it. */
  think(thoughts: string): void
  /** The answer starts over; what is shown stays until the new text has caught up with it. */
  restart(): void
  /** Shows the rest, marks the end, takes surplus messages away. Rejects when the platform does not take it. */
  finish(text: string, citations: Citation[], end: NonNullable<OutgoingMessage['end']>): Promise<void>
  /**
   * The platform took no end: what is half written says `why` instead, with the end's buttons, and what follows it goes.
   * Answers whether people can read that; `false` also when nothing was posted.
   */
  giveUp(why: string, end: NonNullable<OutgoingMessage['end']>): Promise<boolean>
  /** Stops writing without an end: another attempt will go on. */
  abandon(): Promise<void>
  /** Citations of what has been appended so far, and the model that writes it. */
  cite(citations: Citation[], model?: string): void
  firstTextAt(): Date | null
}

/**
 * Each open reply adds this to the time between two edits of every reply, so that edits leave room for new questions: with 200
 * conversations, half of the first words came after 650 ms instead of 950 (bench/latency.ts).
 */
const editShareMs = 1
/** How often the text is stored, at least, for the worker that takes over after a crash. */
const rememberEveryMs = 1000
/** Characters that may be shown beyond the stored text before the text's speed is known. */
const firstAhead = 32
/** How long a platform may refuse before a turn fails. */
const patienceMs = 120_000

/** A file with the whole answer, or its wide tables, is a part beside the messages; its text is the hash of its bytes. */
const fileOrdinal = 1000
/** A message that was replaced and is to go: a part of its own until it is gone, so that a crash leaves none behind. */
const replacedFrom = 2000

interface Part {
  ref: MessageRef
  shown: string
  phase: OutgoingMessage['phase']
  stored: { length: number; ahead: number; at: number }
}

export function createReplyWriter(deps: ReplyWriterDeps): ReplyWriter {
  const { platform, target, turnId, store, signal, now = () => new Date() } = deps
  const { transport, capabilities } = platform
  const { attach } = transport
  // A platform that is edited seldom has each text stored before its edit.
  const leastAhead = capabilities.minEditMs >= rememberEveryMs ? 0 : firstAhead
  const mostMessages = attach === undefined ? undefined : capabilities.maxMessages
  let posted = deps.posted.find(({ ordinal, ref }) => ordinal === fileOrdinal && ref !== null)
  const parts: Part[] = deps.posted.filter(isMessage).map((part) => ({
    ref: part.ref,
    shown: part.text,
    phase: 'streaming',
    stored: { length: part.text.length, ahead: 0, at: monotonic() },
  }))
  let splitter = splitterFor(capabilities)
  let length = 0
  let [citations, model]: [Citation[], string | undefined] = [[], undefined]
  /** Set once the reply is finished. */
  let receipt: Receipt | undefined
  let firstTextAt: Date | null = null
  let progress = ''
  let thoughts = { now: '', shown: '' }
  /** The platform refused an edit while the text grew. The finished message may still be taken, or is posted anew. */
  let refused = false
  /**
   * What people see never gets shorter: text of fewer characters than this is held back. The last stored part says how far
   * beyond its text the worker that died may have shown.
   */
  let floor = deps.resuming ? shownLength() + (deps.posted.filter(isMessage).at(-1)?.ahead ?? 0) : 0

  const everyMs = () => Math.max(capabilities.minEditMs, deps.otherReplies() * editShareMs)
  const throttle = createThrottle(everyMs, async () => {
    await showThoughts()
    if (refused) return
    await showGrowing().catch((thrown: unknown) => {
      if (!isRefusal(thrown) || parts.length === 0) throw thrown
      refused = true
    })
  })

  async function showThoughts(): Promise<void> {
    if (thoughts.now === thoughts.shown || !deps.held()) return
    thoughts = { now: thoughts.now, shown: thoughts.now }
    await transport.think?.(target, turnId, thoughts.shown)
  }

  async function showGrowing(): Promise<void> {
    if (length === 0) return await showProgress()
    if (capabilities.streaming === 'none' || length < floor) return
    await show(splitter.parts().slice(0, mostMessages), false)
  }

  function shownLength(): number {
    return parts.reduce((sum, part) => sum + part.shown.length, 0)
  }

  function message(text: string, phase: OutgoingMessage['phase'], end?: OutgoingMessage['end']): OutgoingMessage {
    const cited = citations.filter(({ n }) => text.includes(`[${n}]`))
    const by = receipt && (isFromModel(receipt) ? 'model' : 'parley')
    return { turnId, text, phase, citations: cited, by, model, end: end ? end : undefined }
  }

  async function show(texts: string[], final: boolean, end?: OutgoingMessage['end']): Promise<void> {
    for (const [ordinal, text] of texts.entries()) {
      const last = ordinal === texts.length - 1
      const phase = final || !last ? 'final' : 'streaming'
      await put(ordinal, message(text, phase, last ? end : undefined))
    }
  }

  /** Counts as no text: it is neither remembered nor the first that people read of the answer. */
  async function showProgress(): Promise<void> {
    const [first] = parts
    if (progress === '' || shownLength() > 0) return
    const outgoing = message(`_${progress}…_`, 'streaming')
    if (first !== undefined) return await patiently(() => transport.edit(target, first.ref, outgoing, { signal }))
    const ref = await patiently(() => transport.post(target, outgoing, { key: `${turnId}-0`, signal }))
    parts[0] = { ref, shown: '', phase: 'streaming', stored: { length: 0, ahead: 0, at: monotonic() } }
    await store.savePart(turnId, { ordinal: 0, ref, text: '' })
  }

  async function put(ordinal: number, outgoing: OutgoingMessage): Promise<void> {
    const part = parts[ordinal]
    // Until now it was taken for a model's text, which some platforms label.
    const labelled = outgoing.by === 'parley'
    if (part && part.shown === outgoing.text && part.phase === outgoing.phase && !outgoing.end && !labelled) return
    if (part === undefined) {
      // The text of a new message counts as stored by the message before it, until it has its own row.
      const previous = parts[ordinal - 1]
      if (previous !== undefined && outgoing.phase === 'streaming')
        await remember(ordinal - 1, previous, previous.shown, outgoing.text.length)
      const ref = await patiently(() => transport.post(target, outgoing, { key: `${turnId}-${ordinal}`, signal }))
      firstTextAt ??= now()
      const { text, phase } = outgoing
      const posted: Part = { ref, shown: text, phase, stored: { length: text.length, ahead: 0, at: monotonic() } }
      parts[ordinal] = posted
      await remember(ordinal, posted, text, phase === 'streaming' ? leastAhead : 0)
      return
    }
    const beyond = outgoing.text.length > part.stored.length + part.stored.ahead
    if (outgoing.phase === 'streaming' && (beyond || monotonic() - part.stored.at >= rememberEveryMs))
      await remember(ordinal, part, outgoing.text, aheadOf(part, outgoing.text))
    if (outgoing.phase !== 'final') await patiently(() => transport.edit(target, part.ref, outgoing, { signal }))
    else await editOrReplace(ordinal, part, outgoing)
    firstTextAt ??= now()
    part.shown = outgoing.text
    part.phase = outgoing.phase
  }

  /** A finished message is not lost where the platform refuses the edit: it is posted anew, and the old one goes. */
  async function editOrReplace(ordinal: number, part: Part, outgoing: OutgoingMessage): Promise<void> {
    try {
      await patiently(() => transport.edit(target, part.ref, outgoing, { signal }))
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      const old = part.ref
      await store.savePart(turnId, { ordinal: replacedFrom + ordinal, ref: old, text: '' })
      part.ref = await patiently(() => transport.post(target, outgoing, { key: `${turnId}-${ordinal}-again`, signal }))
      await remember(ordinal, part, outgoing.text, 0)
      await removeReplaced(replacedFrom + ordinal, old)
    }
  }

  async function removeReplaced(ordinal: number, ref: MessageRef): Promise<void> {
    const isShown = parts.some((part) => JSON.stringify(part.ref) === JSON.stringify(ref))
    if (!isShown)
      await patiently(() => transport.remove(target, ref, { signal })).catch((error: unknown) => {
        if (!isRefusal(error)) throw error
      })
    await store.removePart(turnId, ordinal)
  }

  /**
   * Stores a part's text before it is shown, with how many characters more may be shown before it is stored again. So the
   * stored row bounds what people see at every moment, and storing once a second is enough at a steady speed.
   */
  async function remember(ordinal: number, part: Part, text: string, ahead: number): Promise<void> {
    await store.savePart(turnId, { ordinal, ref: part.ref, text, ahead })
    part.stored = { length: text.length, ahead, at: monotonic() }
  }

  /** What the text grows by until it is stored again, at the speed since it was last stored. */
  function aheadOf({ stored }: Part, text: string): number {
    if (leastAhead === 0) return 0
    const perMs = Math.max(0, text.length - stored.length) / Math.max(1, monotonic() - stored.at)
    return Math.max(leastAhead, Math.ceil(perMs * rememberEveryMs))
  }

  /** Posts the file once, in place of one of an earlier answer; `false` when the platform will not take it. */
  async function enclose(file: AnswerFile): Promise<boolean> {
    if (posted?.text === file.hash) return true
    await removeFile()
    if (attach === undefined) return false
    const { hash, ...outgoing } = file
    try {
      const ref = await patiently(() =>
        attach.call(transport, target, turnId, outgoing, { key: `${turnId}-file`, signal }),
      )
      posted = { ordinal: fileOrdinal, ref, text: hash }
      await store.savePart(turnId, posted)
      return true
    } catch (thrown) {
      if (isRefusal(thrown)) return false
      throw thrown
    }
  }

  async function removeFile(): Promise<void> {
    if (posted === undefined) return
    const { ref } = posted
    await patiently(() => transport.remove(target, ref, { signal }))
    await store.removePart(turnId, fileOrdinal)
    posted = undefined
  }

  /**
   * The messages of a finished answer; what is too long for them is in the file by then. `below`: a file that is posted after
   * them.
   */
  async function settle(text: string): Promise<{ texts: string[]; below?: AnswerFile }> {
    const texts = splitFor(capabilities, text)
    if (texts.length === 0) throw new ParleyError('turn_failed', noAnswerWording.empty)
    if (mostMessages === undefined || texts.length <= mostMessages) {
      const { tableColumns } = capabilities
      const below = tableColumns === undefined ? undefined : tableFile(text, deps.question, tableColumns)
      if (below === undefined) await removeFile()
      return { texts, below }
    }
    const file = answerFile(text, citations, deps.question)
    const first = shortened(texts, mostMessages, capabilities, file)
    // The file stands below the messages, and what says so never stands without it for good.
    await show(first, true)
    return { texts: (await enclose(file)) ? first : texts }
  }

  /** From the first message that is not finished: that one says `why`, the others go. One try each. */
  async function replaceUnfinished(why: string, end: NonNullable<OutgoingMessage['end']>): Promise<boolean> {
    const from = parts.findIndex(({ phase }) => phase === 'streaming')
    const [first, ...rest] = from < 0 ? [] : parts.slice(from)
    if (first === undefined) return false
    const message: OutgoingMessage = { turnId, text: why, phase: 'final', citations: [], by: 'parley', end }
    try {
      await transport.edit(target, first.ref, message, { signal })
      for (const part of rest) await transport.remove(target, part.ref, { signal })
      return true
    } catch {
      return false
    }
  }

  /** Waits out rate limits and short outages; gives up when the platform means no. */
  async function patiently<T>(call: () => Promise<T>): Promise<T> {
    const work = async () => {
      if (!deps.held()) throw new DOMException('the lease ran out', 'AbortError')
      return await call().catch((thrown: unknown) => Promise.reject(asParleyError(thrown)))
    }
    return await retry(work, {
      delays: { firstMs: 500, mostMs: 10_000 },
      deadlineMs: patienceMs,
      signal,
      on: (error) => error instanceof ParleyError && error.retry !== 'never',
      asked: (error) => (error instanceof ParleyError ? error.retryAfterMs : undefined),
    })
  }

  return {
    announce(text) {
      progress = text
      throttle.wake()
    },
    append(text) {
      if (text === '') return
      splitter.append(text)
      length += text.length
      throttle.wake()
    },
    think(all) {
      if (transport.think === undefined) return
      thoughts = { ...thoughts, now: all }
      throttle.wake()
    },
    restart() {
      splitter = splitterFor(capabilities)
      length = 0
      floor = shownLength()
    },
    cite(known, by) {
      citations = known
      model = by
    },
    async finish(text, known, end) {
      await throttle.end()
      await showThoughts()
      citations = known
      receipt = end.receipt
      const { texts, below } = await settle(text)
      await show(texts, true, end)
      for (const { ordinal, ref } of deps.posted)
        if (ordinal >= replacedFrom && ref !== null) await removeReplaced(ordinal, ref)
      for (let ordinal = parts.length - 1; ordinal >= texts.length; ordinal -= 1) {
        const surplus = parts[ordinal]
        if (surplus === undefined) continue
        await patiently(() => transport.remove(target, surplus.ref, { signal }))
        await store.removePart(turnId, ordinal)
        parts.pop()
      }
      if (below !== undefined) await enclose(below)
    },
    giveUp: replaceUnfinished,
    async abandon() {
      await throttle.end().catch(() => undefined)
    },
    firstTextAt: () => firstTextAt,
  }
}

const isRefusal = (thrown: unknown) => thrown instanceof ParleyError && thrown.code === 'platform_rejected'
const isMessage = ({ ordinal, ref }: StoredPart) => ref !== null && ordinal < fileOrdinal
