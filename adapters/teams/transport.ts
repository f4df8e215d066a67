/**
 * Writes answers into Teams: streamed natively in personal chats, otherwise as posts that grow by edits. The finished message
 * has citations, the AI label, Teams' thumbs, and a card with buttons.
 */
import { z } from 'zod'
import type { Notice, OutgoingFile } from '../../src/core/command.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { OutgoingMessage, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { teamsWording } from '../../src/wording/teams.ts'
import { plain, TargetData } from './activity.ts'
import { type Api, type CallOptions, type OutgoingActivity, refusalOf } from './api.ts'
import { type Consents, createConsents } from './consent.ts'
import type { BlobStore } from './files.ts'
import { messageEntity, noticeMessage, replyCard, toTeams } from './format.ts'
import { createPosts, PostRef } from './post-keys.ts'
import { createStreams } from './streams.ts'

export interface TransportDeps {
  api: Api
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

export interface TeamsTransport extends Transport {
  attach: NonNullable<Transport['attach']>
  notify: NonNullable<Transport['notify']>
  consents: Consents
}

export function createTransport(deps: TransportDeps): TeamsTransport {
  const { api, records, blobs, log, streamMs, everyMs = 1000, stopTurn, now = Date.now } = deps
  const posts = createPosts(records)
  const consents = createConsents({ api, records, blobs, log })
  const onCancelled = (turnId: string) => {
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

  async function update(at: TargetData, ref: PostRef, message: OutgoingMessage, options: CallOptions): Promise<void> {
    const patience = message.phase === 'streaming' ? { patienceMs } : {}
    try {
      await api.update(at, ref.id, replyActivity(message), { ...options, ...patience })
    } catch (error) {
      const status = refusalOf(error)?.status
      // Teams does not allow edits of a stream that its reader stopped, so the result is posted below it.
      const stopped = ref.stream !== undefined && (status === 403 || status === 400)
      if (status !== 404 && !stopped) throw error
      log.info({ ...errorFields(error), turnId: message.turnId }, 'an answer could not be edited')
      if (stopped && message.end) await send(at, replyActivity(message), options)
    }
  }

  async function say(at: TargetData, notice: Notice, options: CallOptions): Promise<PostRef> {
    const { activity, left } = await noticeMessage(notice)
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

  return {
    consents,
    async post(target, message, { key, signal }) {
      const at = dataOf(target)
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
      const streamed = await streams.write(at, ref, message, replyActivity(message, { whole: true }), { signal })
      if (!streamed) await update(at, ref, message, { signal })
      await finished(at, ref, message)
    },
    async remove(target, stored, { signal }) {
      const at = dataOf(target)
      const ref = PostRef.parse(stored)
      if (ref.file !== undefined) await consents.withdraw(ref.file)
      const gone: OutgoingMessage = { turnId: '', text: '…', phase: 'final', citations: [] }
      await streams.write(at, ref, gone, replyActivity(gone), { signal })
      await api.remove(at, ref.id, { signal }).catch((error: unknown) => {
        if (refusalOf(error)?.status !== 404) throw error
      })
    },
    async status() {
      // Progress is the answer's first text; in personal chats Teams shows it as a status line.
    },
    async attach(target, turnId, file: OutgoingFile, { key, signal }) {
      const at = dataOf(target)
      if (at.scope !== 'personal') throw new ParleyError('platform_rejected', teamsWording.errors.filesInPersonalChats)
      return plain(await once(key, () => consents.ask(at, file, key, { signal, turnId })))
    },
    async notify(target, notice, { key, signal }) {
      await once(key, () => say(dataOf(target), notice, { signal }))
    },
  }
}

/** `whole`: the end of a stream gets buttons only if the answer is finished too. */
function replyActivity(message: OutgoingMessage, { whole = false } = {}): OutgoingActivity {
  const { text, citations, end, phase } = message
  const under = whole && phase === 'streaming' ? undefined : replyCard(message)
  return {
    type: 'message',
    textFormat: 'markdown',
    text: toTeams(text),
    entities: [messageEntity(phase === 'final' ? citations : [])],
    attachments: under === undefined ? undefined : [under],
    channelData: end === undefined ? undefined : { feedbackLoop: { type: 'default' } },
  }
}
