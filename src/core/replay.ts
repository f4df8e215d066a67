/**
 * Recorded events of a platform, handed to its own ingress without a network, a database or an answer: what
 * `parley replay` prints. Each adapter exports one in its `replay.ts`.
 */

import { judge } from './addressing.ts'
import type { Action, CommandCall } from './command.ts'
import type { Mount } from './http.ts'
import type { Json } from './json.ts'
import { conversationKey, type IncomingMessage } from './message.ts'
import type { Intake, Revision } from './platform.ts'

export interface Replayed {
  /** What intake was given; `ignored` when the ingress let it pass, with the reason as the summary. */
  kind: 'message' | 'command' | 'action' | 'revision' | 'withdrawal' | 'place' | 'ignored'
  /** One line for people. */
  summary: string
}

export interface Replay {
  /** Whether `value` is one recorded event, and not a collection of them. */
  recognises(value: Json): boolean
  /** `context` has the single values that the record's file names beside its events, such as `botUserId`. */
  replay(record: Json, context: Readonly<Record<string, Json>>, serve: ServeMounts): Promise<Replayed>
}

/** Serves mounts on a free port of this machine, by the same app as Parley's own port. */
export type ServeMounts = (mounts: readonly Mount[]) => Promise<AsyncDisposable & { url: string }>

/** An intake without effect that remembers what it was given, for a replay that drives the platform's own listener. */
export function createReplayIntake(): { intake: Intake; taken: Replayed[] } {
  const taken: Replayed[] = []
  const intake: Intake = {
    async receive(message) {
      taken.push({ kind: 'message', summary: describeMessage(message) })
      return { turnId: '00000000-0000-4000-8000-000000000000', kind: 'new' }
    },
    async act(action) {
      taken.push({ kind: 'action', summary: describeAction(action) })
      return {}
    },
    async command(call) {
      taken.push({ kind: 'command', summary: describeCommand(call) })
      return { text: '' }
    },
    async revise(revision) {
      taken.push({ kind: 'revision', summary: describeRevision(revision) })
      return { kind: 'unknown' }
    },
    suggest: async () => [],
    commands: [],
    async placeChanged(change) {
      taken.push({ kind: 'place', summary: change.kind })
    },
    async filesPosted(_, files) {
      for (const { attachment } of await files()) taken.push({ kind: 'place', summary: `file ${attachment.name}` })
    },
    concerns: async (message) => judge(message, { participates: true, asked: true, followUps: 'always' }),
    async withdraw(withdrawal) {
      const of =
        'ids' in withdrawal
          ? withdrawal.ids.join(', ')
          : `all of ${conversationKey({ platform: withdrawal.platform, ...withdrawal.place })}`
      taken.push({ kind: 'withdrawal', summary: `of ${of}` })
      return 0
    },
  }
  return { intake, taken }
}

export function describeMessage({ kind, conversation, author, text, attachments }: IncomingMessage): string {
  const files = attachments.map(({ name, voiceNote }) => (voiceNote ? `voice note ${name}` : name))
  return [
    `${kind} by ${author.id} in ${conversationKey(conversation)}: ${JSON.stringify(text)}`,
    ...(files.length === 0 ? [] : [`with ${files.join(', ')}`]),
  ].join(' ')
}

export function describeCommand({ conversation, author, text }: CommandCall): string {
  return `/parley ${text} by ${author.id} in ${conversationKey(conversation)}`
}

export function describeAction(action: Action): string {
  const on = action.kind === 'command' ? action.text : 'turnId' in action ? action.turnId : action.approvalId
  return `${action.kind} by ${action.by.id}: ${on}${action.comment === undefined ? '' : ` ${JSON.stringify(action.comment)}`}`
}

export function describeRevision({ id, by, text }: Revision): string {
  return `of ${id} by ${by.id}: ${JSON.stringify(text)}`
}
