/**
 * Writes answers into Slack: as native streams if possible, otherwise as messages that grow by edits, and under load as one
 * message at the end. Whatever Slack refuses on the way, the finished text appears exactly once.
 */
import { z } from 'zod'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { MessageRef, OutgoingMessage, Transport } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { settled } from '../../src/core/text/half-written.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'
import { directChannel } from './direct.ts'
import { plain, TargetData, whisperThread } from './events.ts'
import { sendBytes, share } from './files.ts'
import { type Content, contentsOf, noticeContent, stopButton, tail, toSlackMarkdown } from './format.ts'
import type { Installations, Workspace } from './installations.ts'
import { createPosts, metadataOf, PostRef } from './post-keys.ts'
import { isAboutContent, slackCode } from './sdk.ts'
import { createStatus } from './status.ts'
import { createStreams, type Stream, streamMs } from './streams.ts'

export interface TransportDeps {
  installations: Installations
  records: Records
  log: Log
  now?: () => number
}

interface Posting {
  data: TargetData
  api: Api
  key: string
  options: CallOptions
}

const FileRef = z.object({ channel: z.string(), key: z.string(), file: z.string() })
const Sent = z.object({ ts: z.string(), message: z.object({ thread_ts: z.string().nullish() }).nullish() })
const Handover = z.object({ at: z.number() })

/** No link previews: they would tell other servers that the message was read. */
const quiet = { unfurl_links: false, unfurl_media: false }
/** If calls wait longer than this, a message is posted once, when it is complete. */
const pressureMs = 2000
/** The limit of messages that grow by edits at the same time; each needs one more edit at its end. */
const mostGrowing = 15

const handoverRecord = (channel: string, ts: string) => `task/${channel}/${ts}`

export function createTransport({ installations, records, log, now = Date.now }: TransportDeps): Transport {
  const posts = createPosts(records)
  const streams = createStreams(log, now)
  const status = createStatus({ records, log })
  /** Streams of other processes that this process has ended. */
  const ended = new Set<string>()
  /** Messages whose edits Slack refuses. */
  const refused = new Set<string>()
  /** Keys of messages that are posted but not complete. */
  const growing = new Set<string>()

  async function open(target: ReplyTarget): Promise<{ data: TargetData; workspace: Workspace; api: Api }> {
    const data = TargetData.parse(target.data)
    const workspace = await installations.of(data.team, data.enterprise)
    return { data, workspace, api: workspace.api }
  }

  /** What of the text will not change any more, as Slack reads it. */
  function formed({ text, phase, progress, citations }: OutgoingMessage): string {
    const final = phase === 'final' || progress !== undefined
    return toSlackMarkdown(final ? text : settled(text, { words: true }), citations)
  }

  /** Tries the plainer form of a message if Slack refuses what the better one consists of. */
  async function inForm<T>(message: OutgoingMessage, call: (content: Content) => Promise<T>): Promise<T> {
    const { text, phase, turnId, progress, citations } = message
    const streaming = phase === 'streaming'
    const shown = streaming && progress === undefined ? settled(text, { words: true }) || text : text
    const [best, plainest] = contentsOf(shown, citations, streaming ? stopButton(turnId) : tail(message))
    try {
      return await call(best)
    } catch (error) {
      const code = slackCode(error)
      if (!isAboutContent(code)) throw error
      log.warn({ code, turnId }, 'Slack refused the blocks of an answer; it is shown as plain text')
      return await call(plainest)
    }
  }

  const form = (content: Content, key: string, kind?: 'notice') => ({
    ...content,
    metadata: metadataOf(key, kind),
    parse: 'none',
    link_names: false,
  })

  async function send(api: Api, data: TargetData, message: OutgoingMessage, key: string, options: CallOptions) {
    const { channel, thread } = data
    const { ts, message: posted } = await inForm(message, async (content) =>
      Sent.parse(
        await api.call('chat.postMessage', { channel, thread_ts: thread, ...form(content, key), ...quiet }, options),
      ),
    )
    // Below a deleted message there is no thread: Slack posts into the channel, for everybody.
    if (thread !== undefined && posted && posted.thread_ts == null) {
      await api.call('chat.delete', { channel, ts }, options)
      throw new ParleyError('platform_rejected', slackWording.errors.threadGone)
    }
    return ts
  }

  async function update(
    api: Api,
    ref: { channel: string; ts: string; key: string },
    message: OutgoingMessage,
    options: CallOptions,
  ) {
    const { channel, ts, key } = ref
    const { turnId } = message
    const courtesy = message.phase === 'streaming'
    if (courtesy && (refused.has(ts) || !api.spare('chat.update'))) return
    try {
      await inForm(message, (content) =>
        api.call('chat.update', { channel, ts, ...form(content, key) }, { ...options, courtesy }),
      )
    } catch (error) {
      // Skipped: the next edit includes this text.
      if (courtesy && error instanceof ParleyError && error.code === 'platform_rate_limited') return
      if (slackCode(error) === 'message_not_found')
        return log.info({ ...errorFields(error), turnId }, 'an answer was deleted while it was written')
      if (!courtesy || slackCode(error) === undefined) throw error
      // The end is posted as a new message.
      log.info({ ...errorFields(error), turnId }, 'an answer cannot grow, because Slack refuses its edits')
      if (refused.size > 5000) refused.clear()
      refused.add(ts)
    }
  }

  /** Whether an open stream accepted the message; otherwise it must be edited. */
  async function stream(api: Api, open: Stream, key: string, message: OutgoingMessage, options: CallOptions) {
    if (message.phase === 'streaming')
      return message.progress === undefined
        ? await streams.grow(api, open, formed(message), options)
        : await streams.progress(api, open, message.progress, options)
    const session = message.end && status.session(message.turnId) ? 'active' : undefined
    const end = { blocks: tail(message), metadata: metadataOf(key), session }
    const went = await streams.end(api, open, formed(message), end, options)
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
      const posted = found?.ts ?? (await send(api, data, message, key, options))
      await posts.settle(key, posted)
      if (found) await update(api, { channel, ts: posted, key }, message, options)
      return
    }
    if (ref.stream && !ended.has(ts)) {
      const current = await streamOf(data.team, channel, ts, message)
      if (current && (await stream(api, current, key, message, options))) return
      if (current === undefined) await streams.abandon(api, channel, ts, options)
      if (ended.size > 5000) ended.clear()
      ended.add(ts)
    }
    await update(api, { channel, ts, key }, message, options)
  }

  async function first({ data, api, key, options }: Posting, message: OutgoingMessage): Promise<MessageRef> {
    const { channel } = data
    if (message.phase === 'streaming') {
      const button = status.session(message.turnId) === false ? stopButton(message.turnId) : undefined
      const markdown = formed(message) || toSlackMarkdown(message.text, message.citations)
      const begun = await streams.start(api, data, { markdown, progress: message.progress, button }, options)
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
    return plain({ channel, key, ts: await send(api, data, message, key, options) })
  }

  return {
    async post(target, message, { key, signal }) {
      const { data, workspace, api } = await open(target)
      const known = await posts.begin(api, data, key, workspace, { signal })
      if (known) return plain({ channel: data.channel, key, ts: known.ts, stream: known.stream || undefined })
      try {
        return await first({ data, api, key, options: { signal } }, message)
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

    async tellAsker(target, notice, { key, signal }) {
      const { data, workspace, api } = await open(target)
      const { channel, user } = data
      if (user === undefined) return
      const options = { signal }
      const content = noticeContent(notice)
      if (data.direct !== true)
        try {
          await api.call('chat.postEphemeral', { channel, user, thread_ts: whisperThread(data), ...content }, options)
          return
        } catch (error) {
          // Where Parley may not post, it often may not whisper either.
          if (slackCode(error) === undefined) throw error
        }
      const direct: TargetData = { ...data, channel: await directChannel(api, user), thread: undefined, direct: true }
      if ((await posts.begin(api, direct, key, workspace, options)) === undefined)
        await api.call(
          'chat.postMessage',
          { channel: direct.channel, ...form(content, key, 'notice'), ...quiet },
          options,
        )
    },

    async notify(target, notice, { key, signal }) {
      const { data, workspace, api } = await open(target)
      const content = noticeContent(notice)
      const { channel, thread } = data
      const options = { signal }
      if (notice.private && data.user !== undefined && data.direct !== true) {
        const alone = { channel, user: data.user, thread_ts: whisperThread(data) }
        await api.call('chat.postEphemeral', { ...alone, ...content }, options)
      } else if ((await posts.begin(api, data, key, workspace, options)) === undefined)
        await api.call(
          'chat.postMessage',
          { channel, thread_ts: thread, ...form(content, key, 'notice'), ...quiet },
          options,
        )
      for (const file of notice.files ?? [])
        await share(api, await sendBytes(api, file, options), file.name, { channel, thread }, options)
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
