/**
 * Native streams of answers. A stream only accepts more text, so each one remembers what it sent. A stream that cannot continue
 * (expired, text rewritten, its worker died) is ended, and its message is edited from then on.
 */

import { monotonic } from '../../src/core/clock.ts'
import { ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api, CallOptions } from './api.ts'
import type { TargetData } from './events.ts'
import type { Block } from './format.ts'
import { isUnsupported, slackCode } from './sdk.ts'

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
/** Refusals that are not about the workspace or the channel concern one message: a deleted question, an unknown reader. */
const unsupportedByChannel = new Set(['method_not_supported_for_channel_type', 'channel_type_not_supported'])
/** The stream is over, whatever the call was about. */
const overCodes = new Set(['message_not_in_streaming_state', 'message_not_found', 'message_not_owned_by_app'])
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
  /** Shows `markdown`, the settled part of the text. `false`: the stream is over; edit the message instead. */
  grow(api: Api, stream: Stream, markdown: string, options: CallOptions): Promise<boolean>
  /** Shows a new line on the task card. Returns the same as `grow`. */
  progress(api: Api, stream: Stream, title: string, options: CallOptions): Promise<boolean>
  /** Ends the stream with the whole text, without the blocks if Slack refuses them. Returns the same as `grow`. */
  end(api: Api, stream: Stream, markdown: string, end: StreamEnd, options: CallOptions): Promise<boolean>
  /** Ends a stream of any process without more text. Throws `platform_rate_limited` and `platform_unreachable`. */
  abandon(api: Api, channel: string, ts: string, options: CallOptions): Promise<void>
}

export interface Opening {
  /** The settled part of the text, as Slack reads it. */
  markdown: string
  /** The current progress, before there is text. */
  progress?: string | undefined
  /** A Stop button, if Slack shows none of its own. */
  button?: Block[] | undefined
}

export function createStreams(log: Log, now: () => number = Date.now): Streams {
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

  /** Runs one call of a stream; Slack's code if it refused the call for good. */
  async function refusalOf(call: () => Promise<unknown>): Promise<string | undefined> {
    try {
      await call()
      return undefined
    } catch (error) {
      const code = slackCode(error)
      if (code === undefined) throw error
      return code
    }
  }

  const carry = async (stream: Stream, call: () => Promise<unknown>) =>
    (await refusalOf(call)) === undefined ? true : drop(stream)

  /** What `markdown` adds to the sent text; `undefined` if the sent text changed. */
  function added(stream: Stream, markdown: string): string | undefined {
    return markdown.startsWith(stream.sent) ? markdown.slice(stream.sent.length) : undefined
  }

  const expired = (stream: Stream) => now() - stream.startedAt > streamMs
  const done = (stream: Stream, title: string) => ({ type: 'task_update', id: stream.task, title, status: 'complete' })

  return {
    async start(api, data, { markdown, progress, button }, options) {
      const { channel, thread, team } = data
      if (thread === undefined) return undefined
      if ([team, channel].some((place) => (refusedUntil.get(place) ?? 0) > monotonic())) return undefined
      if (data.direct !== true && data.user === undefined) return undefined
      if (Math.max(api.waitFor('chat.startStream'), api.waitFor('chat.stopStream')) > startPatienceMs) return undefined
      sweep()
      if ([...live.values()].filter((stream) => stream.team === team).length >= mostAtOnce) return undefined
      const sent = progress === undefined ? markdown : ''
      if (progress === undefined && sent.trim() === '') return undefined
      const task = progress === undefined ? undefined : taskId
      const chunks = [
        ...(button ? [{ type: 'blocks', blocks: button }] : []),
        progress === undefined
          ? { type: 'markdown_text', text: sent }
          : { type: 'task_update', id: task, title: progress, status: 'in_progress' },
      ]
      // Colleagues of an Enterprise organization come with its id (E…), which Slack does not take here.
      const recipientTeam = [data.userTeam, team].find((id) => id?.startsWith('T'))
      const recipient =
        data.user === undefined ? {} : { recipient_user_id: data.user, recipient_team_id: recipientTeam }
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
        const place = isUnsupported(code) ? team : unsupportedByChannel.has(code) ? channel : undefined
        if (place !== undefined) refusedUntil.set(place, monotonic() + refusedMs)
        if (refusedUntil.size > 5000) refusedUntil.clear()
        log.debug({ code }, 'an answer is not streamed')
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
    async grow(api, stream, next, options) {
      if (expired(stream)) {
        await this.abandon(api, stream.channel, stream.ts, options)
        return false
      }
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
    async end(api, stream, markdown, { blocks, metadata, session }, options) {
      const { channel, ts, task } = stream
      const delta = expired(stream) || stream.button ? undefined : added(stream, markdown)
      if (delta === undefined) {
        await this.abandon(api, channel, ts, options)
        return drop(stream)
      }
      const said = [
        ...(task ? [done(stream, slackWording.filesRead)] : []),
        ...(delta === '' ? [] : [{ type: 'markdown_text', text: delta }]),
      ]
      const chunks = said.length > 0 ? said : undefined
      const bare = { channel, ts, metadata, session_status: session, chunks }
      const refused = await refusalOf(() => api.call('chat.stopStream', { ...bare, blocks }, options))
      if (refused === undefined) {
        drop(stream)
        return true
      }
      if (overCodes.has(refused)) return drop(stream)
      log.warn({ code: refused }, 'Slack refused the end of an answer; it ends without its sources and buttons')
      const again = await refusalOf(() => api.call('chat.stopStream', bare, options))
      // While it is open, Slack does not let it be edited.
      if (again !== undefined) await this.abandon(api, channel, ts, options)
      drop(stream)
      return again === undefined
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
