/**
 * Native streams of answers. A stream only accepts more text, so each one remembers what it sent. A stream that cannot continue
 * (expired, text rewritten, its worker died) is ended, and its message is edited from then on.
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
  /** The ID of the task card in progress. */
  task?: string
  /** The message has a Stop button, which only an edit can remove. */
  button: boolean
  /** The stream has ended: the message is edited from now on. */
  over: boolean
}

export interface StreamEnd {
  blocks: Block[]
  metadata: object
  /** The new status of the agent session. */
  session?: string | undefined
}

/** Slack ends a stream after about five minutes; Parley ends it before that. */
export const streamMs = 270_000
/** The errors of an app, a channel or a workspace without streaming. */
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
/** After a refusal, the workspace is not asked again for this long. */
const refusedMs = 600_000
/** If a stream cannot start within this time, the message is posted instead. */
const startPatienceMs = 1500
/** Each stream must be ended, and Slack accepts this many ends at once. */
const mostAtOnce = 10

export interface Streams {
  /** The new stream, or `undefined` if none is possible now. Throws `platform_*`. */
  start(api: Api, data: TargetData, opening: Opening, options: CallOptions): Promise<Stream | undefined>
  get(channel: string, ts: string): Stream | undefined
  /** Takes over another process's stream that has only a task card so far. */
  adopt(team: string, channel: string, ts: string, startedAt: number): Stream
  /** Shows the settled part of `text`. `false`: the stream is over; edit the message instead. */
  grow(api: Api, stream: Stream, text: string, options: CallOptions): Promise<boolean>
  /** Shows a new line on the task card. Returns the same as `grow`. */
  progress(api: Api, stream: Stream, title: string, options: CallOptions): Promise<boolean>
  /** Ends the stream with the whole `text`. Returns the same as `grow`. */
  end(api: Api, stream: Stream, text: string, end: StreamEnd, options: CallOptions): Promise<boolean>
  /** Ends a stream of any process without more text. Throws `platform_rate_limited` and `platform_unreachable`. */
  abandon(api: Api, channel: string, ts: string, options: CallOptions): Promise<void>
}

export interface Opening {
  text: string
  /** The current progress, before there is text. */
  progress?: string | undefined
  /** A Stop button, if Slack shows none of its own. */
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

  /** Runs one call of a stream; `false` if Slack refused it for good. */
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

  /** What `text` adds to the sent text; `undefined` if the sent text changed. */
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
          task,
        }
        live.set(keyOf(channel, stream.ts), stream)
        return stream
      } catch (error) {
        // Rate-limited, so the stream did not start: the message is posted instead.
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
      // A stream cannot take text back; the end of the answer corrects it.
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
            session_status: session,
            chunks: chunks.length > 0 ? chunks : undefined,
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
        // Refused for good: the stream has ended already, so the message can be edited.
        if (slackCode(error) === undefined) throw error
      }
      const stream = live.get(keyOf(channel, ts))
      if (stream) drop(stream)
    },
  }
}
