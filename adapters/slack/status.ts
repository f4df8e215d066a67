/**
 * Shows that Parley is working: Slack's status and session (with its stop button) in threads, otherwise a reaction on the
 * question. All of it is optional, so a failure here never fails the answer.
 */
import { monotonic } from '../../src/core/clock.ts'
import { errorFields } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import { conversationKey, type ReplyTarget } from '../../src/core/message.ts'
import type { TurnState } from '../../src/core/platform.ts'
import type { Records } from '../../src/core/platform-state.ts'
import { slackWording } from '../../src/wording/slack.ts'
import type { Api } from './api.ts'
import type { TargetData } from './events.ts'
import { isUnsupported, slackCode } from './sdk.ts'

export interface Status {
  show(
    api: Api,
    target: ReplyTarget,
    data: TargetData,
    turnId: string,
    text: string | null,
    state: TurnState,
  ): Promise<void>
  /** Whether Slack shows its own stop button for the turn; `undefined` if that is not known yet. */
  session(turnId: string): boolean | undefined
  /** The end of the answer has ended the session too. */
  sessionEnded(turnId: string): void
}

interface Shown {
  session: boolean | undefined
  status: boolean
  reaction: boolean
  /** The end of the answer also ends the session. */
  ended: boolean
}

const seen = 'eyes'
/** A status that waits longer is out of date. */
const showPatienceMs = 300
const clearPatienceMs = 120_000
/** After a refusal, the workspace is not asked again for this long. */
const refusedMs = 600_000

export const runningRecord = (key: string) => `running/${key}`

export function createStatus({ records, log }: { records: Records; log: Log }): Status {
  const turns = new Map<string, Shown>()
  const refusedUntil = new Map<string, number>()

  /** Whether Slack did it; `undefined` if Slack did not answer. */
  async function attempt(api: Api, team: string, method: string, args: Record<string, unknown>, patienceMs: number) {
    const courtesy = patienceMs === showPatienceMs
    const place = `${team}/${method}`
    if ((refusedUntil.get(place) ?? 0) > monotonic()) return false
    try {
      await api.call(method, args, { patienceMs, courtesy, signal: AbortSignal.timeout(patienceMs + 5000) })
      return true
    } catch (error) {
      const code = slackCode(error)
      if (code === 'already_reacted' || code === 'no_reaction') return true
      log.debug({ ...errorFields(error), method }, 'a status was not shown')
      if (code === undefined) return undefined
      if (isUnsupported(code)) refusedUntil.set(place, monotonic() + refusedMs)
      return false
    }
  }

  async function begin(api: Api, target: ReplyTarget, data: TargetData, turnId: string): Promise<Shown> {
    const { team, channel, thread, ts } = data
    let session: boolean | undefined
    if (thread !== undefined) {
      await records.put(runningRecord(conversationKey(target.conversation)), turnId, { turn: turnId })
      const place = { channel_id: channel, thread_ts: thread, status: 'processing' }
      const more = { title: data.title, initiator_user_id: data.user }
      session = await attempt(api, team, 'agents.sessions.setStatus', { ...place, ...more }, showPatienceMs)
    }
    const shown: Shown = { session, status: false, reaction: false, ended: false }
    turns.set(turnId, shown)
    if (session !== true && ts !== undefined)
      shown.reaction =
        (await attempt(api, team, 'reactions.add', { channel, timestamp: ts, name: seen }, showPatienceMs)) === true
    return shown
  }

  async function clear(api: Api, target: ReplyTarget, data: TargetData, turnId: string): Promise<void> {
    const shown = turns.get(turnId)
    turns.delete(turnId)
    const { team, channel, thread, ts } = data
    if (thread !== undefined) await records.remove(runningRecord(conversationKey(target.conversation)))
    if (shown === undefined) return
    const place = { channel_id: channel, thread_ts: thread }
    // When many people ask, these calls wait long; the turn does not wait for them.
    const ended = finish(api, shown, { team, channel, ts, place })
    if (Math.max(api.waitFor('agents.sessions.setStatus'), api.waitFor('reactions.remove')) < showPatienceMs)
      await ended
  }

  interface Place {
    team: string
    channel: string
    ts: string | undefined
    place: { channel_id: string; thread_ts: string | undefined }
  }

  async function finish(api: Api, shown: Shown, { team, channel, ts, place }: Place): Promise<void> {
    if (shown.session && !shown.ended)
      await attempt(api, team, 'agents.sessions.setStatus', { ...place, status: 'active' }, clearPatienceMs)
    if (shown.status) await attempt(api, team, 'assistant.threads.setStatus', { ...place, status: '' }, clearPatienceMs)
    if (shown.reaction)
      await attempt(api, team, 'reactions.remove', { channel, timestamp: ts, name: seen }, clearPatienceMs)
  }

  return {
    async show(api, target, data, turnId, text, state) {
      try {
        if (text === null) return await clear(api, target, data, turnId)
        if (turns.size > 10_000) turns.clear()
        const shown = turns.get(turnId) ?? (await begin(api, target, data, turnId))
        if (data.thread === undefined) return
        const place = { channel_id: data.channel, thread_ts: data.thread }
        const loading = state === 'answering' ? slackWording.loading : undefined
        const status = { ...place, status: inSentence(text), loading_messages: loading }
        if (await attempt(api, data.team, 'assistant.threads.setStatus', status, showPatienceMs)) shown.status = true
      } catch (error) {
        log.warn({ ...errorFields(error), turnId }, 'a status was not shown')
      }
    },
    session: (turnId) => turns.get(turnId)?.session,
    sessionEnded(turnId) {
      const shown = turns.get(turnId)
      if (shown) shown.ended = true
    },
  }
}

/** Slack puts the app's name before it: "Parley is answering…". */
function inSentence(text: string): string {
  return `is ${text.charAt(0).toLowerCase()}${text.slice(1)}…`
}
