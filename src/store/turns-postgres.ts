import { randomUUID } from 'node:crypto'
import { errorCodes, ParleyError } from '../core/errors.ts'
import { storable, storableJson } from '../core/json.ts'
import { conversationKey, type IncomingMessage } from '../core/message.ts'
import type { TurnState } from '../core/platform.ts'
import { turnWording } from '../wording/storage.ts'
import type { Database } from './database.ts'
import type {
  Dispatch,
  PastTurn,
  StoredAttachment,
  StoredOutcome,
  StoredPart,
  StoredStep,
  TurnAbout,
  TurnOverrides,
  Turns,
  TurnWork,
} from './turns.ts'
import * as sql from './turns-sql.ts'

interface DispatchRow {
  id: string
  dispatches: number
  files: string[] | null
}

const toDispatch = (row: DispatchRow): Dispatch => ({
  turnId: row.id,
  dispatch: row.dispatches,
  attachmentIds: row.files ?? [],
})

/** Derived from the event, so that a redelivery names the same attachment. */
export function attachmentId(message: IncomingMessage, position: number): string {
  return `${message.conversation.platform}.${message.id}.${position}`.replaceAll(/[^\w.-]/g, '_')
}

/** What another reading of a file may get past: Parley could not fetch, keep or hear it at that time. */
const passing = Object.entries(errorCodes).flatMap(([code, retry]) => (retry === 'later' ? [code] : []))

export function createTurns(database: Database): Turns {
  const { query } = database
  return {
    async accept(message) {
      const { platform, workspaceId, channelId, threadId } = message.conversation
      const fresh = randomUUID()
      const files = message.attachments.map((attachment, position) => ({
        id: attachmentId(message, position),
        position,
        attachment,
      }))
      const values = [
        conversationKey(message.conversation),
        platform,
        workspaceId,
        channelId,
        threadId ?? null,
        message.id,
        storableJson(message),
        message.author.id,
        fresh,
        storableJson(message.replyTarget),
        storableJson(files),
      ]
      const [row] = await query<{ turn_id: string; known: boolean }>(sql.accept, values)
      // A delivery at the same moment won: its row was not yet visible to this statement.
      const turnId =
        row?.turn_id ?? (await query<{ turn_id: string }>(sql.inboundTurn, [platform, message.id]))[0]?.turn_id
      if (turnId === undefined) throw new ParleyError('internal', turnWording.notStored)
      const dispatch = { turnId, dispatch: 1, attachmentIds: files.map((file) => file.id) }
      if (row === undefined || row.known) return { kind: 'duplicate', turnId, dispatch }
      return { kind: turnId === fresh ? 'new' : 'joined', turnId, dispatch }
    },

    async claim(turnId, owner, leaseMs, mode = 'ordinary') {
      const [row] = await query<ClaimRow>(sql.claim, [turnId, owner, leaseMs, passing, mode])
      if (row === undefined || row.ended) return { kind: 'ended' }
      if (row.claimed) return { kind: 'claimed' }
      if (row.unread === null) {
        if (!row.suspect || mode !== 'ordinary') return { kind: 'busy', dispatch: row.dispatches }
        return { kind: 'suspect', dispatch: row.dispatches, brokenOff: { tries: row.tries, alone: row.tries_alone } }
      }
      return { kind: 'reading', unread: { turnId, dispatch: row.dispatches, attachmentIds: row.unread } }
    },

    async load(turnId) {
      const [row] = await query<LoadRow>(sql.load, [turnId])
      if (row === undefined) throw new ParleyError('turn_not_found', turnWording.questionGone)
      return {
        id: turnId,
        conversationKey: row.conversation_key,
        platform: row.platform,
        replyTarget: row.reply_target,
        messages: row.messages ?? [],
        attachments: row.attachments ?? [],
        earlierFiles: row.earlier_files ?? [],
        history: row.history ?? [],
        parts: row.parts ?? [],
        steps: row.steps ?? [],
        outcome: row.outcome,
        overrides: row.overrides ?? undefined,
        attempts: row.attempts,
        stopRequested: row.stop_requested_at !== null,
        createdAt: row.created_at,
        startedAt: row.started_at ?? new Date(),
        firstTextAt: row.first_text_at,
      }
    },

    async renew(turnId, owner, leaseMs) {
      const [row] = await query<{ stop: boolean }>(sql.renew, [turnId, owner, leaseMs])
      if (row === undefined) return 'lost'
      return row.stop ? 'stop' : 'held'
    },

    async release(turnId, owner, use) {
      await query(sql.release, [turnId, owner, use === 'unused' ? 1 : 0])
    },

    async saveStep(turnId, owner, { n, kind, inputHash, result }) {
      const rows = await query(sql.saveStep, [turnId, owner, n, kind, inputHash, storableJson(result)])
      return rows.length > 0 ? 'saved' : 'lost'
    },

    async saveOutcome(turnId, owner, outcome) {
      const rows = await query(sql.saveOutcome, [turnId, owner, storableJson(outcome)])
      return rows.length > 0 ? 'saved' : 'lost'
    },

    async ended(turnId) {
      const [row] = await query<{ outcome: StoredOutcome | null }>(sql.ended, [turnId])
      return row?.outcome ?? null
    },

    async finish(turnId, owner, outcome, firstTextAt) {
      const values = [
        turnId,
        owner,
        outcome.state,
        storableJson(outcome),
        outcome.text,
        storableJson(outcome.receipt),
        firstTextAt,
      ]
      const [row] = await query<DispatchRow>(sql.finish, values)
      return { next: row === undefined ? null : toDispatch(row) }
    },

    async savePart(turnId, part) {
      await query(sql.savePart, [turnId, part.ordinal, storableJson(part.ref), storable(part.text), part.ahead ?? 0])
    },
    async reservePart(turnId, ordinal) {
      return (await query(sql.reservePart, [turnId, ordinal])).length > 0
    },
    async parts(turnId) {
      return query<StoredPart & { [column: string]: unknown }>(sql.parts, [turnId])
    },
    async removePart(turnId, ordinal) {
      await query(sql.removePart, [turnId, ordinal])
    },

    async requestStop(turnId) {
      const [row] = await query<{ state: TurnState }>(sql.requestStop, [turnId])
      return row?.state ?? null
    },

    async revise(platform, id, text, authorId) {
      const [row] = await query<{ id: string; revised: boolean }>(sql.revise, [platform, id, storable(text), authorId])
      if (row === undefined) return { kind: 'unknown' }
      return { kind: row.revised ? 'revised' : 'started', turnId: row.id }
    },

    async takesPart(key) {
      const [row] = await query<{ known: boolean }>(sql.takesPart, [key])
      return row?.known === true
    },

    async about(turnId) {
      const [row] = await query<AboutRow>(sql.about, [turnId])
      if (row === undefined) return null
      const { platform, workspace_id: workspaceId, channel_id: channelId, thread_id: threadId } = row
      const conversation = { platform, workspaceId, channelId, ...(threadId === null ? {} : { threadId }) }
      return { conversation, author: row.author, direct: row.direct, private: row.private }
    },

    async regenerate(turnId, overrides) {
      const [row] = await query<{ known: boolean; ended: boolean; latest: boolean; id: string | null }>(
        sql.regenerate,
        [turnId, randomUUID(), overrides === undefined ? null : storableJson(overrides)],
      )
      if (row === undefined) throw new ParleyError('turn_not_found', turnWording.answerGone)
      if (!row.ended) throw new ParleyError('turn_not_latest', turnWording.stillWriting)
      if (!row.latest || row.id === null) throw new ParleyError('turn_not_latest', turnWording.notLatest)
      return { turnId: row.id, dispatch: 1, attachmentIds: [] }
    },

    async orphaned(olderThanMs, limit) {
      return (await query<DispatchRow>(sql.orphaned, [olderThanMs, limit])).map(toDispatch)
    },

    async redispatch(lost) {
      const values = [lost.map((one) => one.turnId), lost.map((one) => one.dispatch)]
      return (await query<DispatchRow>(sql.redispatch, values)).map(toDispatch)
    },

    async dropForeignLeases(prefix) {
      await query(sql.dropTurnLeases, [prefix])
      await query(sql.dropFileLeases, [prefix])
    },
  }
}

interface ClaimRow {
  [column: string]: unknown
  claimed: boolean
  ended: boolean
  unread: string[] | null
  dispatches: number
  tries: number
  tries_alone: number
  suspect: boolean
}

interface AboutRow extends Pick<TurnAbout, 'author' | 'direct' | 'private'> {
  [column: string]: unknown
  platform: string
  workspace_id: string
  channel_id: string
  thread_id: string | null
}

interface LoadRow {
  [column: string]: unknown
  conversation_key: string
  platform: string
  reply_target: TurnWork['replyTarget']
  created_at: Date
  started_at: Date | null
  first_text_at: Date | null
  attempts: number
  stop_requested_at: Date | null
  steps: StoredStep[] | null
  outcome: StoredOutcome | null
  overrides: TurnOverrides | null
  messages: IncomingMessage[] | null
  attachments: StoredAttachment[] | null
  earlier_files: StoredAttachment[] | null
  history: PastTurn[] | null
  parts: StoredPart[] | null
}
