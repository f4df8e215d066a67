/**
 * Writes answers into Teams: streamed natively in personal chats, otherwise as posts that grow by edits. The finished message
 * has citations, the AI label, Teams' thumbs, and a card with a menu. A reader who presses Teams' own Stop has the last word:
 * their answer is not touched any more.
 */
import { z } from 'zod'
import type { Notice, OutgoingFile } from '../../src/core/command.ts'
import { asParleyError, errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { plain, TargetData } from './activity.ts'
import { type Api, type CallOptions, isReadersStop, type OutgoingActivity, refusalOf } from './api.ts'
import { type Consents, createConsents } from './consent.ts'
import type { BlobStore } from './files.ts'
import { bytesOf, maxActivityBytes, noticeMessage, replyActivity } from './format.ts'
import type { People } from './people.ts'
import { createPosts, PostRef } from './post-keys.ts'
import { createStreams } from './streams.ts'

export interface TransportDeps {
  api: Api
  people: Pick<People, 'named'>
  records: Records
  blobs: BlobStore
  log: Log
  streamMs: number
  /** The least time between two parts of a stream. Default: one second, as Teams requires. */
  everyMs?: number
  /** Stops a turn because its asker pressed Stop. */
  stopTurn(turnId: string): Promise<void>
  now?: () => number
}

const Target = z.object({ data: TargetData })
/** An edit of an unfinished text that would wait longer is skipped. */
const patienceMs = 1500
const rememberedStops = 1000

export interface TeamsTransport extends Transport {
  attach: NonNullable<Transport['attach']>
  notify: NonNullable<Transport['notify']>
  consents: Consents
}

export function createTransport(deps: TransportDeps): TeamsTransport {
  const { api, people, records, blobs, log, streamMs, everyMs = 1000, stopTurn, now = Date.now } = deps
  const posts = createPosts(records)
  const consents = createConsents({ api, records, blobs, log })
  /** Turns whose readers pressed Teams' own Stop. */
  const stopped = new Set<string>()
  const onCancelled = (turnId: string) => {
    if (turnId === '') return
    if (stopped.size > rememberedStops) stopped.clear()
    stopped.add(turnId)
    stopTurn(turnId).catch((error: unknown) =>
      log.warn({ ...errorFields(error), turnId }, 'a turn could not be stopped'),
    )
  }
  const streams = createStreams({ api, records, streamMs, everyMs, onCancelled, now })
  const dataOf = (target: ReplyTarget) => Target.parse(target).data

  async function finished(at: TargetData, ref: PostRef, { end, turnId }: OutgoingMessage): Promise<void> {
    if (end) await posts.keepReply(at.conversation, ref.id, turnId)
  }

  /** Sends once per key. */
  async function once(key: string, send: () => Promise<PostRef>): Promise<PostRef> {
    const known = await posts.find(key)
    if (known) return known
    const ref = await send()
    await posts.keep(key, ref)
    return ref
  }

  async function send(at: TargetData, activity: OutgoingActivity, options: CallOptions): Promise<PostRef> {
    const sent = await api.create(at, activity, options)
    if (sent === undefined) throw new ParleyError('platform_unreachable', teamsWording.errors.notAccepted)
    return { id: sent.id }
  }

  /** Throws if a finished text cannot be shown in its message: the reply writer then posts it as a new one. */
  async function update(at: TargetData, ref: PostRef, message: OutgoingMessage, options: CallOptions): Promise<void> {
    const unfinished = message.phase === 'streaming'
    const activity = replyActivity(message)
    // A text in progress is split where it was measured, a little later.
    if (unfinished && bytesOf(activity) > maxActivityBytes) return
    try {
      await api.update(at, ref.id, activity, { ...options, ...(unfinished ? { patienceMs } : {}) })
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      const mayStay =
        (isReadersStop(refusal) && (stopped.has(message.turnId) || message.end?.state === 'stopped')) ||
        // Somebody deleted the message.
        (refusal.status === 404 && refusal.code !== 'ConversationNotFound') ||
        (unfinished && ref.stream !== undefined && (refusal.status === 403 || refusal.status === 400))
      if (!mayStay) throw error
      log.info({ ...errorFields(error), turnId: message.turnId }, 'an answer could not be edited')
    }
  }

  async function written(at: TargetData, notice: Notice) {
    const text = await people.named(notice.text, at)
    return await noticeMessage({ ...notice, text }, { takesFiles: at.scope === 'personal' })
  }

  async function say(at: TargetData, notice: Notice, options: CallOptions): Promise<PostRef> {
    const { activity, left } = await written(at, notice)
    const ref =
      notice.private && at.scope !== 'personal'
        ? await whisper(at, activity, options)
        : await send(at, activity, options)
    for (const [index, file] of left.entries())
      if (at.scope === 'personal') await consents.ask(at, file, `notice-${ref.id}-${index}`, options)
    return ref
  }

  /** Teams does not support private messages everywhere; where it refuses one, everyone sees the message. */
  async function whisper(at: TargetData, activity: OutgoingActivity, options: CallOptions): Promise<PostRef> {
    if (at.user === undefined) return await send(at, activity, options)
    try {
      await api.whisper(at, at.user, activity, options)
      return { id: '' }
    } catch (error) {
      const status = refusalOf(error)?.status
      if (status === undefined || status === 429 || status === 401) throw error
      return await send(at, activity, options)
    }
  }

  /** A message that only the asker sees, where Teams allows that; else their personal chat with Parley. */
  async function tellAlone(at: TargetData, notice: Notice, options: CallOptions): Promise<PostRef> {
    if (at.scope === 'personal') return await say(at, notice, options)
    if (at.user === undefined) throw new ParleyError('platform_rejected', teamsWording.errors.noPersonalChat)
    const { activity } = await written(at, notice)
    try {
      await api.whisper(at, at.user, activity, options)
      return { id: '' }
    } catch (error) {
      if (refusalOf(error) === undefined || asParleyError(error).retry !== 'never') throw error
      return await send(await api.personalChat(at, at.user, options), activity, options)
    }
  }

  return {
    consents,
    async post(target, message, { key, signal }) {
      const at = dataOf(target)
      // After their Stop, the reader gets no further part of the answer.
      if (stopped.has(message.turnId)) return plain({ id: '' })
      const ref = await once(key, async () => {
        const streamed = message.phase === 'streaming' ? await streams.start(at, message, { signal }) : undefined
        return streamed ?? (await send(at, replyActivity(message), { signal }))
      })
      await finished(at, ref, message)
      return plain(ref)
    },
    async edit(target, stored, message, { signal }) {
      const at = dataOf(target)
      const ref = PostRef.parse(stored)
      if (stopped.has(message.turnId)) return
      if (ref.id === '') throw new ParleyError('platform_rejected', teamsWording.errors.notAccepted)
      const written = await streams.write(at, ref, message, replyActivity(message, { open: true }), { signal })
      if (written === 'over') await update(at, ref, message, { signal })
      await finished(at, ref, message)
    },
    async remove(target, stored, { signal }) {
      const at = dataOf(target)
      const ref = PostRef.parse(stored)
      if (ref.file !== undefined) await consents.withdraw(ref.file)
      if (ref.id === '') return
      const gone: OutgoingMessage = { turnId: '', text: '…', phase: 'final', citations: [], by: 'parley' }
      await streams.write(at, ref, gone, replyActivity(gone), { signal })
      await api.remove(at, ref.id, { signal }).catch((error: unknown) => {
        if (refusalOf(error)?.status !== 404) throw error
      })
    },
    async status(target, turnId, text) {
      const at = dataOf(target)
      // In personal chats, the answer's stream begins with what is being done.
      if (text === null || at.scope === 'personal') return
      await api.typing(at, { signal: AbortSignal.timeout(10_000) }).catch((error: unknown) => {
        log.debug({ ...errorFields(error), turnId }, 'typing not shown')
      })
    },
    async attach(target, turnId, file: OutgoingFile, { key, signal }) {
      const at = dataOf(target)
      if (at.scope !== 'personal') throw new ParleyError('platform_rejected', teamsWording.errors.filesInPersonalChats)
      return plain(await once(key, () => consents.ask(at, file, key, { signal, turnId })))
    },
    async tellAsker(target, notice, { key, signal }) {
      await once(key, () => tellAlone(dataOf(target), notice, { signal }))
    },
    async notify(target, notice, { key, signal }) {
      await once(key, () => say(dataOf(target), notice, { signal }))
    },
  }
}
