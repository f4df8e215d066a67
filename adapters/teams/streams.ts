/**
 * Native streams, which Teams has in personal chats only: first progress, then the growing text, then the end, in numbered parts,
 * at most one per second, for at most two minutes. Before that limit the stream is ended and its message grows by edits. The
 * same happens when another process takes over the answer.
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import type { OutgoingMessage } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { settled } from '../../src/core/text/half-written.ts'
import type { TargetData } from './activity.ts'
import { type Api, type CallOptions, type OutgoingActivity, refusalOf } from './api.ts'
import { cut, toTeams } from './format.ts'
import type { PostRef } from './post-keys.ts'

export interface Streams {
  /** Starts a stream; `undefined` if Teams does not allow one. */
  start(
    at: TargetData,
    message: OutgoingMessage,
    options: CallOptions,
  ): Promise<Required<Pick<PostRef, 'id' | 'stream'>> | undefined>
  /** `false`: the stream is over; edit the message instead. */
  write(
    at: TargetData,
    ref: PostRef,
    message: OutgoingMessage,
    final: OutgoingActivity,
    options: CallOptions,
  ): Promise<boolean>
}

interface Live {
  sequence: number
  /** The text sent so far; empty while only progress was sent. */
  sent: string
  sentAt: number
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
    const { text, streamType } = part
    const info = { streamId: id, streamType, streamSequence: stream.sequence + 1 }
    const activity: OutgoingActivity = {
      type: 'typing',
      text,
      channelData: info,
      entities: [{ type: 'streaminfo', ...info }],
    }
    const sent = await api.create(at, activity, options)
    if (sent === undefined) return undefined
    stream.sequence += 1
    stream.sentAt = monotonic()
    if (streamType === 'streaming') stream.sent = text
    return sent
  }

  /** Runs one call of a stream; `false` if Teams refused it for good. */
  async function carry(id: string, turnId: string, call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined || (refusal.status !== 403 && refusal.status !== 400)) throw error
      end(id)
      if (/cancell?ed/i.test(refusal.detail)) onCancelled(turnId)
      return false
    }
  }

  async function finish(
    at: TargetData,
    ref: PostRef,
    turnId: string,
    final: OutgoingActivity,
    options: CallOptions,
  ): Promise<boolean> {
    const known = live.get(ref.id)
    if (known) await sleep(Math.max(0, known.sentAt + everyMs - monotonic()), undefined, { signal: options.signal })
    const info = { streamId: ref.id, streamType: 'final' }
    const ended = {
      ...final,
      channelData: { ...final.channelData, ...info },
      entities: [...(final.entities ?? []), { type: 'streaminfo', ...info }],
    }
    const went = await carry(ref.id, turnId, () => api.create(at, ended, options))
    end(ref.id)
    await records.remove(`stream/${ref.id}`)
    return went
  }

  /** The stream of this process, or one in which another process has shown only progress. */
  async function find(ref: PostRef): Promise<Live | undefined> {
    const own = live.get(ref.id)
    if (own) return own
    const left = Handover.safeParse(await records.get(`stream/${ref.id}`)).data
    if (left === undefined) return undefined
    const adopted = { sequence: left.sequence, sent: '', sentAt: monotonic() - everyMs }
    live.set(ref.id, adopted)
    return adopted
  }

  async function progress(at: TargetData, ref: PostRef, stream: Live, message: OutgoingMessage, options: CallOptions) {
    if (stream.sent !== '') return true
    const part = { text: cut(message.progress ?? '', progressChars), streamType: 'informative' as const }
    const went = await carry(ref.id, message.turnId, () => chunk(at, ref.id, stream, part, { ...options, patienceMs }))
    if (went) await records.put(`stream/${ref.id}`, { sequence: stream.sequence, at: now() }, { turn: message.turnId })
    return went
  }

  return {
    async start(at, message, options) {
      if (at.scope !== 'personal' || refused.has(at.conversation)) return undefined
      const text = partOf(message)
      if (text.text.trim() === '') return undefined
      const stream: Live = { sequence: 0, sent: '', sentAt: Number.NEGATIVE_INFINITY }
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
        return false
      }
      const stream = await find(ref)
      if (stream === undefined || message.phase === 'final' || age > streamMs)
        return await finish(at, ref, message.turnId, final, options)
      if (monotonic() - stream.sentAt < everyMs) return true
      if (message.progress !== undefined) return await progress(at, ref, stream, message, options)
      const part = partOf(message)
      // A stream cannot take text back; its end replaces the whole text.
      if (part.text === stream.sent || !part.text.startsWith(stream.sent)) return true
      if (stream.sent === '') await records.remove(`stream/${ref.id}`)
      return await carry(ref.id, message.turnId, () => chunk(at, ref.id, stream, part, { ...options, patienceMs }))
    },
  }
}

interface Part {
  text: string
  streamType: 'informative' | 'streaming'
}

function partOf({ text, progress }: OutgoingMessage): Part {
  if (progress !== undefined) return { text: cut(progress, progressChars), streamType: 'informative' }
  return { text: toTeams(settled(text, { words: false })), streamType: 'streaming' }
}
