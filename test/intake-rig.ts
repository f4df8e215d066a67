/** Intake on a real database, with a queue that remembers: messages come in, people press buttons. */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { FollowUps } from '../src/core/addressing.ts'
import type { Action, ButtonAction, CommandCall, Role } from '../src/core/command.ts'
import { silentLog } from '../src/core/log.ts'
import type { Author, IncomingMessage } from '../src/core/message.ts'
import type { Scope } from '../src/core/scope.ts'
import { linkLine } from '../src/identity/linking.ts'
import { createInbox, type InboxDeps } from '../src/intake/inbox.ts'
import { createLocalChannel } from '../src/queue/channel.ts'
import type { Job, Queue } from '../src/queue/queue.ts'
import { createPlaceRows } from '../src/search/providers/places-postgres.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createFeedback } from '../src/store/feedback.ts'
import type { Settings } from '../src/store/settings.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import type { TestServer } from './database.ts'
import { message } from './fakes/message.ts'
import { receipt } from './fakes/receipt.ts'

export type IntakeRig = Awaited<ReturnType<typeof openIntakeRig>>

/** What Ann asks in a channel. */
export const inChannel = (overrides: Parameters<typeof message>[0] = {}): IncomingMessage => ({
  ...message(overrides),
  kind: 'mention',
  author: { id: overrides.author ?? 'ann', name: 'Ann' },
})

export async function openIntakeRig(server: TestServer) {
  return intakeOn(openDatabase((await server.createDatabase()).connection, { log: silentLog }))
}

/** `know`: the person behind an account at that moment. */
export function intakeOn(database: Database, know: InboxDeps['know'] = async (author) => author) {
  const turns = createTurns(database)
  const jobs: Job[] = []
  const commands: CommandCall[] = []
  const decisions: unknown[] = []
  /** By the person's id; whoever is not named is a member. */
  const roles: Record<string, Role> = {}
  const guests: Partial<Record<Scope, 'answer' | 'refuse'>> = {}
  const followUps: Partial<Record<Scope, FollowUps>> = {}
  const queue: Partial<Queue> = {
    add: async (job) => void jobs.push(job),
    addFlow: async (job) => void jobs.push(job),
  }
  const settings: Pick<Settings, 'read'> = {
    async read(scopes) {
      return new Map(
        scopes.map(
          (scope) => [scope, { 'policy.guests': guests[scope], 'policy.followUps': followUps[scope] }] as const,
        ),
      )
    },
  }
  const inbox = createInbox({
    turns,
    queue: queue as Queue,
    settings,
    feedback: createFeedback(database),
    log: silentLog,
    channel: createLocalChannel(),
    commands: {
      commands: [],
      suggest: async () => [],
      async command(call) {
        commands.push(call)
        return { text: 'done' }
      },
    },
    know,
    filesPosted: async () => {},
    placeChanged: (change) => createPlaceRows(database.lasting).change(change),
    linkLine: (text) => linkLine(text),
    roleOf: async ({ id }) => roles[id] ?? 'member',
    why: async (turnId, by) => ({ text: `why ${turnId} for ${by.id}` }),
    mine: async (turnId, by) => ({ text: `mine ${turnId} for ${by.id}` }),
    approvals: {
      async decide(...all) {
        decisions.push(all)
        return { notice: { text: 'Approved.' } }
      },
    },
  })

  async function asked(incoming = inChannel()): Promise<string> {
    const received = await inbox.receive(incoming)
    if (received.kind === 'refused') throw new Error(received.notice.text)
    return received.turnId
  }

  async function end(turnId: string): Promise<void> {
    expect(await turns.claim(turnId, 'w', 60_000)).toEqual({ kind: 'claimed' })
    await turns.finish(turnId, 'w', { text: 'So.', state: 'done', citations: [], receipt }, new Date())
  }

  async function answered(incoming = inChannel()): Promise<string> {
    const turnId = await asked(incoming)
    await end(turnId)
    return turnId
  }

  function press(
    button: ButtonAction,
    by: string | Author = 'ann',
    { workspaceId = 'team', ...said }: { comment?: string; workspaceId?: string } = {},
  ) {
    const { replyTarget } = message()
    const action: Action = {
      ...button,
      ...said,
      id: randomUUID(),
      by: typeof by === 'string' ? { id: by } : by,
      replyTarget: { ...replyTarget, conversation: { ...replyTarget.conversation, workspaceId } },
    }
    return inbox.act(action)
  }

  return {
    database,
    turns,
    inbox,
    jobs,
    commands,
    decisions,
    roles,
    guests,
    followUps,
    asked,
    end,
    answered,
    press,
    close: () => database.close(),
  }
}
