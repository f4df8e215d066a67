/**
 * Writes answers into Slack: as native streams if possible, otherwise as messages that grow by edits, and under load as one
 * message at the end. Whatever Slack refuses on the way, the finished text appears exactly once.
 */
import { z } from 'zod'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { conversationKey, type ReplyTarget } from '../../src/core/message.ts'
import type { MessageRef, OutgoingMessage, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { settled } from '../../src/core/text/half-written.ts'
import type { Api, CallOptions } from './api.ts'
import { plain, TargetData, whisperThread } from './events.ts'
import { sendBytes, share } from './files.ts'
import { type Block, type LinkOf, noticeContent, stopButton, tail, textBlocks, toNotification } from './format.ts'
import type { Installations, Workspace } from './installations.ts'
import { createPosts, metadataOf, PostRef } from './post-keys.ts'
import { slackCode } from './sdk.ts'
import { createStatus } from './status.ts'
import { createStreams, type Stream, streamMs } from './streams.ts'

export interface TransportDeps {
  installations: Installations
  records: Records
  log: Log
  now?: () => number
}

interface Posting {
  target: ReplyTarget
  data: TargetData
  api: Api
  key: string
  options: CallOptions
}

const FileRef = z.object({ channel: z.string(), key: z.string(), file: z.string() })
const Sent = z.object({ ts: z.string() })
const Handover = z.object({ at: z.number() })

/** No link previews: they would tell other servers that the message was read. */
const quiet = { unfurl_links: false, unfurl_media: false }
/** If calls wait longer than this, a message is posted once, when it is complete. */
const pressureMs = 2000
/** The limit of messages that grow by edits at the same time; each needs one more edit at its end. */
const mostGrowing = 15

/** The record in which the listener stores a file's link, for footnotes. */
export const sourceRecord = (conversation: ReplyTarget['conversation'], name: string) =>
  `source/${conversationKey(conversation)}/${name.slice(0, 150)}`
const handoverRecord = (channel: string, ts: string) => `task/${channel}/${ts}`

export function createTransport({ installations, records, log, now = Date.now }: TransportDeps): Transport {
  const posts = createPosts(records)
  const streams = createStreams(now)
  const status = createStatus({ records, log })
  /** Streams of other processes that this process has ended. */
  const ended = new Set<string>()
  /** Keys of messages that are posted but not complete. */
  const growing = new Set<string>()

  async function open(target: ReplyTarget): Promise<{ data: TargetData; workspace: Workspace; api: Api }> {
    const data = TargetData.parse(target.data)
    const workspace = await installations.of(data.team, data.enterprise)
    return { data, workspace, api: workspace.api }
  }

  async function linksOf(target: ReplyTarget, message: OutgoingMessage): Promise<LinkOf> {
    if (message.citations.length === 0 || message.phase !== 'final') return () => undefined
    const found = await records.list(sourceRecord(target.conversation, '')).catch(() => [])
    const links = new Map(found.map(({ key, value }) => [key, typeof value === 'string' ? value : undefined]))
    return ({ source }) => links.get(sourceRecord(target.conversation, source.title))
  }

  async function contentOf(target: ReplyTarget, message: OutgoingMessage, key: string) {
    const { text, phase, turnId } = message
    const shown =
      phase === 'streaming' && message.progress === undefined ? settled(text, { words: true }) || text : text
    const under: Block[] = phase === 'streaming' ? stopButton(turnId) : tail(message, await linksOf(target, message))
    const blocks = [...textBlocks(shown), ...under]
    return { text: toNotification(text), blocks, metadata: metadataOf(key), parse: 'none', link_names: false }
  }

  async function send(
    api: Api,
    target: ReplyTarget,
    data: TargetData,
    message: OutgoingMessage,
    key: string,
    options: CallOptions,
  ) {
    const content = await contentOf(target, message, key)
    const place = { channel: data.channel, thread_ts: data.thread }
    return Sent.parse(await api.call('chat.postMessage', { ...place, ...content, ...quiet }, options)).ts
  }

  async function update(
    api: Api,
    target: ReplyTarget,
    ref: { channel: string; ts: string; key: string },
    message: OutgoingMessage,
    options: CallOptions,
  ) {
    const courtesy = message.phase === 'streaming'
    if (courtesy && !api.spare('chat.update')) return
    const content = await contentOf(target, message, ref.key)
    try {
      await api.call('chat.update', { channel: ref.channel, ts: ref.ts, ...content }, { ...options, courtesy })
    } catch (error) {
      // Skipped: the next edit includes this text.
      if (courtesy && error instanceof ParleyError && error.code === 'platform_rate_limited') return
      if (slackCode(error) !== 'message_not_found') throw error
      log.info({ ...errorFields(error), turnId: message.turnId }, 'an answer was deleted while it was written')
    }
  }

  /** Whether an open stream accepted the message; otherwise it must be edited. */
  async function stream(
    api: Api,
    target: ReplyTarget,
    open: Stream,
    key: string,
    message: OutgoingMessage,
    options: CallOptions,
  ) {
    if (message.phase === 'streaming')
      return message.progress === undefined
        ? await streams.grow(api, open, message.text, options)
        : await streams.progress(api, open, message.progress, options)
    const session = message.end && status.session(message.turnId) ? 'active' : undefined
    const blocks = tail(message, await linksOf(target, message))
    const went = await streams.end(api, open, message.text, { blocks, metadata: metadataOf(key), session }, options)
    if (went && session) status.sessionEnded(message.turnId)
    return went
  }

  /** The stream of a message: of this process, or of another one that has shown only progress. */
  async function streamOf(
    team: string,
    channel: string,
    ts: string,
    message: OutgoingMessage,
  ): Promise<Stream | undefined> {
    const own = streams.get(channel, ts)
    const record = handoverRecord(channel, ts)
    if (own) {
      if (own.task !== undefined && message.progress === undefined) await records.remove(record)
      return own
    }
    const handover = Handover.safeParse(await records.get(record))
    if (!handover.success || now() - handover.data.at > streamMs) return undefined
    if (message.progress === undefined) await records.remove(record)
    return streams.adopt(team, channel, ts, handover.data.at)
  }

  async function place(
    target: ReplyTarget,
    ref: PostRef,
    message: OutgoingMessage,
    options: CallOptions,
  ): Promise<void> {
    const { data, workspace, api } = await open(target)
    const { channel, key } = ref
    const ts = ref.ts ?? (await posts.find(key))
    if (ts === undefined) {
      if (message.phase === 'streaming') return
      const found = await posts.begin(api, data, key, workspace, options)
      const posted = found?.ts ?? (await send(api, target, data, message, key, options))
      await posts.settle(key, posted)
      if (found) await update(api, target, { channel, ts: posted, key }, message, options)
      return
    }
    if (ref.stream && !ended.has(ts)) {
      const current = await streamOf(data.team, channel, ts, message)
      if (current && (await stream(api, target, current, key, message, options))) return
      if (current === undefined) await streams.abandon(api, channel, ts, options)
      if (ended.size > 5000) ended.clear()
      ended.add(ts)
    }
    await update(api, target, { channel, ts, key }, message, options)
  }

  async function first({ target, data, api, key, options }: Posting, message: OutgoingMessage): Promise<MessageRef> {
    const { channel } = data
    if (message.phase === 'streaming') {
      const button = status.session(message.turnId) === false ? stopButton(message.turnId) : undefined
      const begun = await streams.start(api, data, { text: message.text, progress: message.progress, button }, options)
      if (begun) {
        if (begun.task !== undefined)
          await records.put(handoverRecord(channel, begun.ts), plain({ at: now() }), { turn: message.turnId })
        return plain({ channel, key, ts: begun.ts, stream: true })
      }
      const wait = Math.max(api.waitFor('chat.postMessage', channel), api.waitFor('chat.update'))
      if (wait > pressureMs || growing.size >= mostGrowing) {
        await posts.forget(key)
        return plain({ channel, key })
      }
      growing.add(key)
    }
    return plain({ channel, key, ts: await send(api, target, data, message, key, options) })
  }

  return {
    async post(target, message, { key, signal }) {
      const { data, workspace, api } = await open(target)
      const known = await posts.begin(api, data, key, workspace, { signal })
      if (known) return plain({ channel: data.channel, key, ts: known.ts, stream: known.stream || undefined })
      try {
        return await first({ target, data, api, key, options: { signal } }, message)
      } catch (error) {
        // The message was certainly not posted, so the next try need not look for it.
        if (error instanceof ParleyError && error.code !== 'platform_unreachable') await posts.forget(key)
        throw error
      }
    },

    async edit(target, ref, message, { signal }) {
      const post = PostRef.parse(ref)
      await place(target, post, message, { signal })
      // The ref is stored by now.
      if (message.phase !== 'final') return
      growing.delete(post.key)
      if (post.ts !== undefined) await posts.forget(post.key)
    },

    async remove(target, ref, { signal }) {
      const { api } = await open(target)
      const options = { signal }
      const file = FileRef.safeParse(ref)
      if (file.success) return await gone(api.call('files.delete', { file: file.data.file }, options))
      const { channel, key, ...post } = PostRef.parse(ref)
      const ts = post.ts ?? (await posts.find(key))
      if (ts !== undefined) {
        if (post.stream && streams.get(channel, ts)) await streams.abandon(api, channel, ts, options)
        await gone(api.call('chat.delete', { channel, ts }, options))
      }
      growing.delete(key)
      await posts.forget(key)
    },

    async status(target, turnId, text, state) {
      try {
        const { api, data } = await open(target)
        await status.show(api, target, data, turnId, text, state)
      } catch (error) {
        log.warn({ ...errorFields(error), turnId }, 'a status was not shown')
      }
    },

    async attach(target, turnId, file, { key, signal }): Promise<MessageRef> {
      const { data, api } = await open(target)
      const record = `file/${key}`
      const begun = z.object({ id: z.string(), shared: z.boolean() }).safeParse(await records.get(record))
      const ref = (id: string) => plain({ channel: data.channel, key, file: id })
      if (begun.success && begun.data.shared) return ref(begun.data.id)
      const id = begun.success ? begun.data.id : await sendBytes(api, file, { signal })
      if (!begun.success) await records.put(record, plain({ id, shared: false }), { turn: turnId })
      if (!begun.success || !(await isShared(api, id, { signal })))
        await share(api, id, file.name, { channel: data.channel, thread: data.thread }, { signal })
      await records.put(record, plain({ id, shared: true }), { turn: turnId })
      return ref(id)
    },

    async notify(target, notice, { key, signal }) {
      const { data, workspace, api } = await open(target)
      const { text, blocks } = noticeContent(notice)
      const where = { channel: data.channel, thread_ts: data.thread }
      const options = { signal }
      if (notice.private && data.user !== undefined && data.direct !== true) {
        const thread = whisperThread(data)
        const alone = { channel: data.channel, user: data.user, thread_ts: thread }
        await api.call('chat.postEphemeral', { ...alone, text, blocks }, options)
      } else if ((await posts.begin(api, data, key, workspace, options)) === undefined) {
        const message = {
          text,
          blocks,
          metadata: metadataOf(key, 'notice'),
          parse: 'none',
          link_names: false,
          ...quiet,
        }
        await api.call('chat.postMessage', { ...where, ...message }, options)
      }
      for (const file of notice.files ?? [])
        await share(
          api,
          await sendBytes(api, file, options),
          file.name,
          { channel: data.channel, thread: data.thread },
          options,
        )
    },
  }
}

async function gone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion
  } catch (error) {
    const code = slackCode(error)
    if (code !== 'message_not_found' && code !== 'file_not_found' && code !== 'file_deleted') throw error
  }
}

/** A share may have succeeded although its answer was lost. */
async function isShared(api: Api, file: string, options: CallOptions): Promise<boolean> {
  const Info = z.object({ file: z.object({ shares: z.record(z.string(), z.unknown()).nullish() }) })
  const answer = Info.safeParse(await api.call('files.info', { file }, options))
  return answer.success && Object.keys(answer.data.file.shares ?? {}).length > 0
}
