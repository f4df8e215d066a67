/**
 * Native streams, which Teams has in personal chats only: first progress, then the growing text, then the end, in numbered parts,
 * at most one per second, for at most two minutes. Before that limit the stream is ended and its message grows by edits. The
 * same happens when another process takes over the answer, or when Teams refuses a part for any reason but the reader's Stop.
 * https://learn.microsoft.com/microsoftteams/platform/bots/streaming-ux#error-codes
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { settled } from '../../src/core/text/half-written.ts'
import type { TargetData } from './activity.ts'
import { type Api, type CallOptions, isReadersStop, isTooLarge, type OutgoingActivity, refusalOf } from './api.ts'
import { bytesOf, cut, maxActivityBytes } from './format.ts'
import { toTeams } from './markdown.ts'
import type { PostRef } from './post-keys.ts'

/** `over`: edit the message instead. `stopped`: the reader stopped it, and nothing more may be written. */
export type Written = 'sent' | 'over' | 'stopped'

export interface Streams {
  /** Starts a stream; `undefined` if Teams does not allow one. */
  start(
    at: TargetData,
    message: OutgoingMessage,
    options: CallOptions,
  ): Promise<Required<Pick<PostRef, 'id' | 'stream'>> | undefined>
  write(
    at: TargetData,
    ref: PostRef,
    message: OutgoingMessage,
    final: OutgoingActivity,
    options: CallOptions,
  ): Promise<Written>
}

interface Live {
  sequence: number
  /** The text sent so far, and the Markdown it was made from; empty while only progress was sent. */
  sent: string
  markdown: string
  sentAt: number
  /** Teams took no larger part. The end may be accepted still. */
  full: boolean
}

export interface StreamsDeps {
  api: Api
  records: Records
  /** How long a stream may last. */
  streamMs: number
  /** The least time between two parts of one stream. */
  everyMs: number
  /** The person pressed Teams' own Stop. */
  onCancelled(turnId: string): void
  now(): number
}

/** Teams ends a stream after this long. */
const teamsLimitMs = 120_000
const progressChars = 900
/** A part that would wait longer is skipped, because the next one includes its text. */
const patienceMs = 1500
const rememberedRefusals = 1000
const Handover = z.object({ sequence: z.number(), at: z.number() })

export function createStreams({ api, records, streamMs, everyMs, onCancelled, now }: StreamsDeps): Streams {
  const live = new Map<string, Live>()
  const over = new Set<string>()
  /** Conversations in which Teams refused a stream. */
  const refused = new Set<string>()

  function end(id: string): void {
    live.delete(id)
    if (over.size > 10_000) over.clear()
    over.add(id)
  }

  async function chunk(at: TargetData, id: string | undefined, stream: Live, part: Part, options: CallOptions) {
    const { text, streamType, markdown } = part
    const info = { streamId: id, streamType, streamSequence: stream.sequence + 1 }
    const activity: OutgoingActivity = {
      type: 'typing',
      text,
      channelData: info,
      entities: [{ type: 'streaminfo', ...info }],
    }
    // A text in progress is split where it was measured, a little later.
    if (bytesOf(activity) > maxActivityBytes) return undefined
    const sent = await api.create(at, activity, options)
    if (sent === undefined) return undefined
    stream.sequence += 1
    stream.sentAt = monotonic()
    if (streamType === 'streaming') Object.assign(stream, { sent: text, markdown })
    return sent
  }

  /** Runs one call of a stream. */
  async function carry(id: string, turnId: string, call: () => Promise<unknown>): Promise<Written | 'full'> {
    try {
      await call()
      return 'sent'
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      if (isTooLarge(refusal)) return 'full'
      if (refusal.status !== 403 && refusal.status !== 400) throw error
      end(id)
      if (!isReadersStop(refusal)) return 'over'
      onCancelled(turnId)
      return 'stopped'
    }
  }

  async function finish(
    at: TargetData,
    ref: PostRef,
    turnId: string,
    final: OutgoingActivity,
    options: CallOptions,
  ): Promise<Written> {
    const known = live.get(ref.id)
    const close = async (activity: OutgoingActivity) => {
      const wait = known === undefined ? 0 : known.sentAt + everyMs - monotonic()
      await sleep(Math.max(0, wait), undefined, { signal: options.signal })
      return await carry(ref.id, turnId, () => api.create(at, lastOf(ref.id, activity), options))
    }
    let written = await close(final)
    // What was streamed stays and is closed, so that the message can be edited.
    const shown: OutgoingActivity = { type: 'message', textFormat: 'markdown', text: known?.sent || '…' }
    if (written === 'full' && (await close(shown)) === 'stopped') written = 'stopped'
    end(ref.id)
    await records.remove(`stream/${ref.id}`)
    return written === 'full' ? 'over' : written
  }

  /** The stream of this process, or one in which another process has shown only progress. */
  async function find(ref: PostRef): Promise<Live | undefined> {
    const own = live.get(ref.id)
    if (own) return own
    const left = Handover.safeParse(await records.get(`stream/${ref.id}`)).data
    if (left === undefined) return undefined
    const adopted: Live = { ...unsent, sequence: left.sequence, sentAt: monotonic() - everyMs }
    live.set(ref.id, adopted)
    return adopted
  }

  async function progress(
    at: TargetData,
    ref: PostRef,
    stream: Live,
    message: OutgoingMessage,
    options: CallOptions,
  ): Promise<Written> {
    if (stream.sent !== '') return 'sent'
    const part = partOf(message)
    const written = await carry(ref.id, message.turnId, () =>
      chunk(at, ref.id, stream, part, { ...options, patienceMs }),
    )
    if (written === 'sent')
      await records.put(`stream/${ref.id}`, { sequence: stream.sequence, at: now() }, { turn: message.turnId })
    return written === 'full' ? 'sent' : written
  }

  return {
    async start(at, message, options) {
      if (at.scope !== 'personal' || refused.has(at.conversation)) return undefined
      const text = partOf(message)
      if (text.text.trim() === '') return undefined
      const stream: Live = { ...unsent }
      try {
        const sent = await chunk(at, undefined, stream, text, options)
        if (sent === undefined) return undefined
        live.set(sent.id, stream)
        if (message.progress !== undefined)
          await records.put(`stream/${sent.id}`, { sequence: 1, at: now() }, { turn: message.turnId })
        return { id: sent.id, stream: now() }
      } catch (error) {
        const status = refusalOf(error)?.status
        if (status !== 400 && status !== 403) throw error
        if (refused.size > rememberedRefusals) refused.clear()
        refused.add(at.conversation)
        return undefined
      }
    },

    async write(at, ref, message, final, options) {
      const age = now() - (ref.stream ?? 0)
      if (ref.stream === undefined || over.has(ref.id) || age > teamsLimitMs) {
        live.delete(ref.id)
        return 'over'
      }
      const stream = await find(ref)
      if (stream === undefined || message.phase === 'final' || age > streamMs)
        return await finish(at, ref, message.turnId, final, options)
      if (stream.full || monotonic() - stream.sentAt < everyMs) return 'sent'
      if (message.progress !== undefined) return await progress(at, ref, stream, message, options)
      const part = growing(stream, partOf(message))
      if (part === undefined) return 'sent'
      if (stream.sent === '') await records.remove(`stream/${ref.id}`)
      const written = await carry(ref.id, message.turnId, () =>
        chunk(at, ref.id, stream, part, { ...options, patienceMs }),
      )
      stream.full = written === 'full'
      return written === 'full' ? 'sent' : written
    },
  }
}

const unsent: Live = { sequence: 0, sent: '', markdown: '', sentAt: Number.NEGATIVE_INFINITY, full: false }

/** The last activity of a stream. */
function lastOf(streamId: string, final: OutgoingActivity): OutgoingActivity {
  const info = { streamId, streamType: 'final' }
  return {
    ...final,
    channelData: { ...final.channelData, ...info },
    entities: [...(final.entities ?? []), { type: 'streaminfo', ...info }],
  }
}

/**
 * A stream only grows; its end replaces the whole text. So what more text has formed anew, such as a formula that is complete
 * now, stays as it was shown, and what came since is added. `undefined`: nothing to add, or the answer started over.
 */
function growing({ sent, markdown }: Live, part: Part): Part | undefined {
  if (part.text === sent || !part.markdown.startsWith(markdown)) return undefined
  if (part.text.startsWith(sent)) return part
  return { ...part, text: sent + toTeams(part.markdown.slice(markdown.length)) }
}

interface Part {
  text: string
  /** What `text` was made from. */
  markdown: string
  streamType: 'informative' | 'streaming'
}

function partOf({ text, progress }: OutgoingMessage): Part {
  if (progress !== undefined) return { text: cut(progress, progressChars), markdown: '', streamType: 'informative' }
  const markdown = settled(text, { words: false }).trimEnd()
  return { text: toTeams(markdown), markdown, streamType: 'streaming' }
}
