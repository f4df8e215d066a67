/** What a platform's tests bring to its contract: the platform as people on it see it, on a real or stand-in server. */
import { randomUUID } from 'node:crypto'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { judge } from './addressing.ts'
import type { Action, ButtonAction, CommandCall } from './command.ts'
import { ParleyError } from './errors.ts'
import { IncomingMessage, type ReplyTarget } from './message.ts'
import type { Intake, KnownTalk, Platform, Revision } from './platform.ts'

/** One message as somebody on the platform sees it. */
export interface Seen {
  text: string
  /** Whether the platform shows it as finished. */
  finished: boolean
}

/** What came back for something that a person did. */
export interface Answered {
  /** Whether the platform was acknowledged, so that it does not deliver again. */
  acknowledged: boolean
  /** What the person was shown for it, where it was anything: a notice, an error's sentence. */
  told?: string
}

export interface PlatformRig {
  platform: Platform
  /** Calls `platform.listen` and opens it, delivering to `intake`. */
  open(intake: Intake): Promise<void>
  /** Somebody writes, always the same person. `eventId` again is a redelivery. */
  write(message: { eventId: string; text: string; file?: { name: string; content: Buffer } }): Promise<Answered>
  /** Parley's messages in the conversation of `target`, in order; those of replies alone. */
  seen(target: ReplyTarget): Promise<Seen[]>
  close(): Promise<void>

  // Abilities. Each is here, or its reason stands in the options' `lacks`.

  /** Files that Parley added to replies in the conversation of `target`. */
  attached?(target: ReplyTarget): Promise<{ name: string; content: Buffer }[]>
  /** What Parley said outside of replies in the conversation of `target`: their text contains the notice's. */
  notices?(target: ReplyTarget): Promise<string[]>
  /** The actions under the last message of the last reply in the conversation of `target`. */
  buttons?(target: ReplyTarget): Promise<ButtonAction[]>
  /** The person of `write` presses a button under the last reply in the conversation of `target`. */
  press?(press: { eventId: string; button: ButtonAction; target: ReplyTarget }): Promise<Answered>
  /** The person of `write` types `text` after `/parley`, or as the platform has it. */
  command?(command: { eventId: string; text: string }): Promise<Answered>
  /** The person of `write` changes the message that they wrote with `eventId`. */
  revise?(revision: { eventId: string; text: string }): Promise<void>
  /** The person of `write` deletes the message that they wrote with `eventId`. */
  erase?(deletion: { eventId: string }): Promise<void>
  /** The person of `write` writes without a mention in the conversation of `target`, a thread. */
  follow?(message: { eventId: string; text: string; target: ReplyTarget }): Promise<Answered>
}

/** What a platform need not have. */
export type Ability = 'attach' | 'notify' | 'buttons' | 'press' | 'command' | 'revise' | 'erase' | 'follow'

export interface ContractOptions {
  /** Why a retried post may double, where the platform has no idempotent posting. */
  doublePosts?: string
  /** Why the platform has none, or why it cannot be seen from outside. */
  lacks?: Partial<Record<Ability, string>>
}

/** An intake that remembers, and fails or refuses as it is told. */
export function recorder() {
  const received: IncomingMessage[] = []
  const acted: Action[] = []
  const commands: CommandCall[] = []
  const revisions: Revision[] = []
  /** Ids of messages. */
  const withdrawn: string[] = []
  const state: {
    failing: boolean
    refusing?: string
    takesPart: boolean
    notice: string
    /** What it knows of any conversation. */
    known?: KnownTalk
  } = {
    failing: false,
    takesPart: true,
    notice: 'It is as you wished.',
  }
  const intake = fakeIntake({
    async receive(message) {
      if (state.failing) throw new ParleyError('database_unreachable', 'The database is away. Please try again.')
      if (state.refusing !== undefined) return { kind: 'refused', notice: { text: state.refusing, private: true } }
      const known = received.some(({ id }) => id === message.id)
      received.push(IncomingMessage.parse(message))
      return { turnId: randomUUID(), kind: known ? 'duplicate' : 'new' }
    },
    async act(action) {
      acted.push(action)
      if (state.refusing !== undefined) throw new ParleyError('request_forbidden', state.refusing)
      return { notice: { text: state.notice, private: true } }
    },
    async command(call) {
      commands.push(call)
      return { text: state.notice }
    },
    async revise(revision) {
      revisions.push(revision)
      return { kind: 'revised', turnId: randomUUID() }
    },
    async concerns(message) {
      const verdict = judge(message, { participates: state.takesPart, asked: true, followUps: 'always' })
      return verdict.answers ? { answers: true, known: state.known } : verdict
    },
    async withdraw(withdrawal) {
      const ids = 'ids' in withdrawal ? withdrawal.ids : []
      withdrawn.push(...ids)
      return ids.length
    },
  })
  return { intake, received, acted, commands, revisions, withdrawn, state }
}
