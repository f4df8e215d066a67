/**
 * Native streams of replies. A stream takes only what comes next, so each remembers what it was sent; one that cannot go on
 * (expired, rewritten, begun by a worker that died) is ended and its message edited from then on.
 */

import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import { settled } from '../../src/core/text/half-written.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'
import type { TargetData } from './events.ts'
import { type Block, toSlackMarkdown } from './format.ts'
import { slackCode } from './sdk.ts'

export interface Stream {
  team: string
  channel: string
  ts: string
  sent: string
  startedAt: number
  /** The id of the task card that is still spinning. */
  task?: string
  /** Has a button of its own, which only an edit takes away. */
  button: boolean
  /** Ended, or lost: the message is edited from now on. */
  over: boolean
}

export interface StreamEnd {
  blocks: Block[]
  metadata: object
  /** What the agent's session becomes. */
  session?: string | undefined
}

/** Slack ends a stream after about five minutes; better to leave it while it can still be ended well. */
export const streamMs = 270_000
/** Slack says so where an app, a channel or a workspace has no streaming. */
const unsupported = new Set([
  ...[
    'unknown_method',
    'http_404',
    'method_deprecated',
    'feature_not_enabled',
    'method_not_supported_for_channel_type',
  ],
  ...['missing_scope', 'not_allowed_token_type', 'team_access_not_granted', 'not_allowed'],
  ...['missing_recipient_team_id', 'missing_recipient_user_id', 'streaming_mode_mismatch', 'invalid_thread_ts'],
])
const taskId = 'parley-reading'
/** How long a workspace that refused is not asked again. */
const refusedMs = 600_000
/** A message waits this long for a place to begin a stream, then it is posted. */
const startPatienceMs = 1500
/** Each has to be ended, and Slack takes no more ends at once than this. */
const mostAtOnce = 10

export interface Streams {
  /** The stream's message, or `undefined` where there can be none at the moment. Throws `platform_*`. */
  start(api: Api, data: TargetData, opening: Opening, options: CallOptions): Promise<Stream | undefined>
  get(channel: string, ts: string): Stream | undefined
  /** Takes over a stream that has only a task card so far, from the process that began it. */
  adopt(team: string, channel: string, ts: string, startedAt: number): Stream
  /** Shows what is settled of `text`. `false`: the stream is over, and the message has to be edited. */
  grow(api: Api, stream: Stream, text: string, options: CallOptions): Promise<boolean>
  /** Shows another line on the task card. As `grow`. */
  progress(api: Api, stream: Stream, title: string, options: CallOptions): Promise<boolean>
  /** Ends the stream with all of `text`. As `grow`. */
  end(api: Api, stream: Stream, text: string, end: StreamEnd, options: CallOptions): Promise<boolean>
  /** Ends a stream, of whichever process, without a word. Throws `platform_rate_limited` and `platform_unreachable`. */
  abandon(api: Api, channel: string, ts: string, options: CallOptions): Promise<void>
}

export interface Opening {
  text: string
  /** What is being done before there is text. */
  progress?: string | undefined
  /** A button to stop with, where Slack shows none itself. */
  button?: Block[] | undefined
}

export function createStreams(now: () => number = Date.now): Streams {
  const live = new Map<string, Stream>()
  const refusedUntil = new Map<string, number>()
  const keyOf = (channel: string, ts: string) => `${channel}/${ts}`

  function drop(stream: Stream): false {
    stream.over = true
    live.delete(keyOf(stream.channel, stream.ts))
    return false
  }

  function sweep(): void {
    for (const stream of live.values()) if (now() - stream.startedAt > streamMs * 2) drop(stream)
  }

  /** Runs one call of a stream; `false` when Slack will have no more of it. */
  async function carry(stream: Stream, call: () => Promise<unknown>): Promise<boolean> {
    try {
      await call()
      return true
    } catch (error) {
      const code = slackCode(error)
      if (code === undefined) throw error
      return drop(stream)
    }
  }

  /** What `text` adds to what was sent; `undefined` when it says something else. */
  function added(stream: Stream, text: string): string | undefined {
    return text.startsWith(stream.sent) ? text.slice(stream.sent.length) : undefined
  }

  const expired = (stream: Stream) => now() - stream.startedAt > streamMs
  const done = (stream: Stream, title: string) => ({ type: 'task_update', id: stream.task, title, status: 'complete' })

  return {
    async start(api, data, { text, progress, button }, options) {
      const { channel, thread, team } = data
      const place = `${team}/${data.direct === true ? 'direct' : 'channel'}`
      if (thread === undefined || (refusedUntil.get(place) ?? 0) > monotonic()) return undefined
      if (data.direct !== true && data.user === undefined) return undefined
      if (Math.max(api.waitFor('chat.startStream'), api.waitFor('chat.stopStream')) > startPatienceMs) return undefined
      sweep()
      if ([...live.values()].filter((stream) => stream.team === team).length >= mostAtOnce) return undefined
      const sent = progress === undefined ? toSlackMarkdown(settled(text, { words: true }) || text) : ''
      if (progress === undefined && sent.trim() === '') return undefined
      const task = progress === undefined ? undefined : taskId
      const chunks = [
        ...(button ? [{ type: 'blocks', blocks: button }] : []),
        progress === undefined
          ? { type: 'markdown_text', text: sent }
          : { type: 'task_update', id: task, title: progress, status: 'in_progress' },
      ]
      const recipient =
        data.user === undefined ? {} : { recipient_user_id: data.user, recipient_team_id: data.userTeam ?? team }
      try {
        const answer = await api.call(
          'chat.startStream',
          { channel, thread_ts: thread, task_display_mode: 'timeline', ...recipient, chunks },
          { ...options, patienceMs: startPatienceMs },
        )
        const stream: Stream = {
          team,
          channel,
          ts: String(answer.ts),
          sent,
          startedAt: now(),
          button: button !== undefined,
          over: false,
          task: task ? task : undefined,
        }
        live.set(keyOf(channel, stream.ts), stream)
        return stream
      } catch (error) {
        // Over its pace it did not begin: the message may be posted.
        if (error instanceof ParleyError && error.code === 'platform_rate_limited') return undefined
        const code = slackCode(error)
        if (code === undefined) throw error
        if (!unsupported.has(code)) return undefined
        refusedUntil.set(place, monotonic() + refusedMs)
        return undefined
      }
    },
    adopt(team, channel, ts, startedAt) {
      const stream: Stream = { team, channel, ts, sent: '', startedAt, button: false, over: false, task: taskId }
      live.set(keyOf(channel, ts), stream)
      return stream
    },
    get: (channel, ts) => live.get(keyOf(channel, ts)),
    async progress(api, stream, title, options) {
      if (expired(stream)) return drop(stream)
      if (stream.task === undefined || !api.spare('chat.appendStream')) return true
      const chunks = [{ type: 'task_update', id: stream.task, title, status: 'in_progress' }]
      return await carry(stream, () =>
        api.call('chat.appendStream', { channel: stream.channel, ts: stream.ts, chunks }, options),
      )
    },
    async grow(api, stream, text, options) {
      if (expired(stream)) {
        await this.abandon(api, stream.channel, stream.ts, options)
        return false
      }
      const next = toSlackMarkdown(settled(text, { words: true }))
      const delta = added(stream, next)
      // What was shown is not taken back in mid-stream: the end sets it right.
      if (delta === undefined || delta === '' || !api.spare('chat.appendStream')) return true
      const { channel, ts, task } = stream
      const chunks = [...(task ? [done(stream, slackWording.filesRead)] : []), { type: 'markdown_text', text: delta }]
      const went = await carry(stream, () => api.call('chat.appendStream', { channel, ts, chunks }, options))
      if (went) {
        stream.sent = next
        delete stream.task
      }
      return went
    },
    async end(api, stream, text, { blocks, metadata, session }, options) {
      const { channel, ts, task } = stream
      const delta = expired(stream) || stream.button ? undefined : added(stream, toSlackMarkdown(text))
      if (delta === undefined) {
        await this.abandon(api, channel, ts, options)
        return drop(stream)
      }
      const chunks = [
        ...(task ? [done(stream, slackWording.filesRead)] : []),
        ...(delta === '' ? [] : [{ type: 'markdown_text', text: delta }]),
      ]
      const went = await carry(stream, () =>
        api.call(
          'chat.stopStream',
          {
            channel,
            ts,
            blocks,
            metadata,
            ...(session && { session_status: session }),
            ...(chunks.length > 0 && { chunks }),
          },
          options,
        ),
      )
      if (went) drop(stream)
      return went
    },
    async abandon(api, channel, ts, options) {
      try {
        await api.call('chat.stopStream', { channel, ts }, options)
      } catch (error) {
        // Refused for good: it has ended already, and may be edited.
        if (slackCode(error) === undefined) throw error
      }
      const stream = live.get(keyOf(channel, ts))
      if (stream) drop(stream)
    },
  }
}
