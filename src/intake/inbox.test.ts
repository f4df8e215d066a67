/** Intake on a real database, with a queue that remembers. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import type { Action, ButtonAction } from '../core/action.ts'
import type { CommandCall, Role } from '../core/command.ts'
import { silentLog } from '../core/log.ts'
import type { Author, IncomingMessage } from '../core/message.ts'
import type { Intake } from '../core/platform.ts'
import type { Scope } from '../core/scope.ts'
import { createLocalChannel } from '../queue/channel-local.ts'
import type { Job, Queue } from '../queue/queue.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createFeedback } from '../store/feedback.ts'
import type { Settings } from '../store/settings.ts'
import type { Turns } from '../store/turns.ts'
import { createTurns } from '../store/turns-postgres.ts'
import { createInbox } from './inbox.ts'

let server: TestServer
let database: Database
let turns: Turns
let inbox: Intake
let jobs: Job[]
let commands: CommandCall[]
let decisions: unknown[]
let roles: Record<string, Role>
let outsiders: Partial<Record<Scope, 'answer' | 'refuse'>>

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  const fresh = await server.createDatabase()
  database = openDatabase(fresh.connection, { log: silentLog })
  turns = createTurns(database)
  jobs = []
  commands = []
  decisions = []
  roles = {}
  outsiders = {}
  const queue: Partial<Queue> = {
    add: async (job) => void jobs.push(job),
    addFlow: async (job) => void jobs.push(job),
  }
  const settings: Pick<Settings, 'read'> = {
    async read(scopes) {
      return new Map(
        scopes.flatMap((scope) => {
          const set = outsiders[scope]
          return set === undefined ? [] : [[scope, { 'policy.outsiders': set }] as const]
        }),
      )
    },
  }
  inbox = createInbox({
    ...{ turns, queue: queue as Queue, settings, feedback: createFeedback(database), log: silentLog },
    channel: createLocalChannel(),
    commands: {
      commands: [],
      suggest: async () => [],
      async command(call) {
        commands.push(call)
        return { text: 'done' }
      },
    },
    roleOf: async ({ id }) => roles[id] ?? 'member',
    why: async (turnId, by) => ({ text: `why ${turnId} for ${by.id}` }),
    approvals: {
      async decide(...all) {
        decisions.push(all)
        return { notice: { text: 'Approved.' } }
      },
    },
  })
  return () => database.close()
})

const inChannel = (wish: Parameters<typeof message>[0] = {}): IncomingMessage => ({
  ...message(wish),
  kind: 'mention',
  author: { id: wish.author ?? 'ann', name: 'Ann' },
})

async function asked(incoming = inChannel()): Promise<string> {
  const received = await inbox.receive(incoming)
  if (received.kind === 'refused') throw new Error(received.notice.text)
  return received.turnId
}

async function answered(incoming = inChannel()): Promise<string> {
  const turnId = await asked(incoming)
  await end(turnId)
  return turnId
}

async function end(turnId: string): Promise<void> {
  expect(await turns.claim(turnId, 'w', 60_000)).toEqual({ kind: 'claimed' })
  await turns.finish(turnId, 'w', { text: 'So.', state: 'done', citations: [], receipt }, new Date())
}

function press(
  button: ButtonAction,
  by: string | Author = 'ann',
  more: { comment?: string; workspaceId?: string } = {},
) {
  const { workspaceId = 'team', ...comment } = more
  const { replyTarget } = message()
  const action: Action = {
    ...button,
    ...comment,
    id: randomUUID(),
    by: typeof by === 'string' ? { id: by } : by,
    replyTarget: { ...replyTarget, conversation: { ...replyTarget.conversation, workspaceId } },
  }
  return inbox.act(action)
}

const opinions = async () =>
  (await database.pool.query('select by, value, comment from feedback order by by')).rows as unknown[]

describe('who may press', () => {
  const paid = ['stop', 'regenerate', 'cheaper', 'better'] as const

  it('the asker, and managers, may stop an answer or have it written anew', async () => {
    roles = { mia: 'manager', ada: 'admin' }
    for (const by of ['ann', 'mia', 'ada'])
      for (const kind of paid) {
        const turnId = await answered(inChannel({ channelId: `${by}-${kind}` }))
        expect(await press({ kind, turnId }, by)).toHaveProperty('turnId')
      }
  })

  it('others in a channel are refused in a sentence that names the asker, and nothing happens', async () => {
    const turnId = await answered()
    jobs = []
    for (const kind of paid)
      await expect(press({ kind, turnId }, 'bob')).rejects.toMatchObject({
        code: 'request_forbidden',
        tell: expect.stringMatching(/^Only Ann, who asked, and managers .*\.$/),
      })
    expect(jobs).toEqual([])
  })

  it('everybody who takes part in a direct conversation may', async () => {
    const turnId = await answered({ ...inChannel(), kind: 'direct' })
    expect(await press({ kind: 'regenerate', turnId }, 'bob')).toHaveProperty('turnId')
  })

  it('nobody of another workspace finds the turn, whatever their role', async () => {
    const turnId = await answered()
    roles = { ann: 'admin' }
    for (const kind of [...paid, 'why', 'good'] as const)
      await expect(press({ kind, turnId }, 'ann', { workspaceId: 'other' })).rejects.toMatchObject({
        code: 'turn_not_found',
      })
  })

  it('an answer that is for its asker alone is not found by others', async () => {
    roles = { mia: 'manager' }
    const turnId = await answered({ ...inChannel(), private: true })
    for (const kind of ['why', 'good', 'stop'] as const)
      await expect(press({ kind, turnId }, 'mia')).rejects.toMatchObject({ code: 'turn_not_found' })
    expect(await press({ kind: 'good', turnId }, 'ann')).toHaveProperty('notice')
  })

  it('a turn that never was is told as gone, whatever its id looks like', async () => {
    for (const turnId of [randomUUID(), 'x', "'; drop table turn"])
      await expect(press({ kind: 'stop', turnId })).rejects.toMatchObject({ code: 'turn_not_found' })
  })
})

describe('an answer written anew', () => {
  it('with a cheaper model carries the wish to the worker, with the model it is measured by', async () => {
    const old = await answered()
    jobs = []
    const { turnId = '' } = await press({ kind: 'cheaper', turnId: old })
    expect(turnId).not.toBe(old)
    expect(jobs).toMatchObject([{ name: 'turn', payload: { turnId } }])
    const { wish, messages } = await turns.load(turnId)
    expect(wish).toEqual({ tier: 'cheaper', from: { provider: receipt.provider, model: receipt.model } })
    expect(messages).toHaveLength(1)
  })

  it('keeps the wish of the answer it replaces, until there is another', async () => {
    const { turnId: better = '' } = await press({ kind: 'better', turnId: await answered() })
    await end(better)
    const { turnId: again = '' } = await press({ kind: 'regenerate', turnId: better })
    expect((await turns.load(again)).wish?.tier).toBe('better')
    await end(again)
    const { turnId: cheaper = '' } = await press({ kind: 'cheaper', turnId: again })
    expect((await turns.load(cheaper)).wish?.tier).toBe('cheaper')
  })

  it('without a wish has none', async () => {
    const { turnId = '' } = await press({ kind: 'regenerate', turnId: await answered() })
    expect(await turns.load(turnId)).not.toHaveProperty('wish')
  })

  it('pressed many times at once is one turn', async () => {
    const old = await answered()
    const pressed = await Promise.all(Array.from({ length: 10 }, () => press({ kind: 'better', turnId: old })))
    expect(new Set(pressed.map(({ turnId }) => turnId)).size).toBe(1)
  })
})

describe('opinions', () => {
  it('are one of each person and may change; a comment stays until the opinion changes', async () => {
    const turnId = await answered()
    expect(await press({ kind: 'bad', turnId }, 'ann', { comment: ' Wrong page.\0 ' })).toMatchObject({
      notice: { private: true },
    })
    await press({ kind: 'good', turnId }, 'bob')
    await press({ kind: 'bad', turnId }, 'ann')
    expect(await opinions()).toEqual([
      { by: 'ann', value: 'bad', comment: 'Wrong page.' },
      { by: 'bob', value: 'good', comment: null },
    ])
    await press({ kind: 'good', turnId }, 'ann')
    expect((await opinions())[0]).toEqual({ by: 'ann', value: 'good', comment: null })
  })

  it('are of bounded length', async () => {
    const turnId = await answered()
    await press({ kind: 'bad', turnId }, 'ann', { comment: 'x'.repeat(100_000) })
    expect(await opinions()).toEqual([{ by: 'ann', value: 'bad', comment: 'x'.repeat(4000) }])
  })
})

describe('other buttons', () => {
  it('why an answer is as it is, is told to the one who asks, alone', async () => {
    const turnId = await answered()
    expect(await press({ kind: 'why', turnId }, 'bob')).toEqual({
      notice: { text: `why ${turnId} for bob`, private: true },
    })
  })

  it('an approval is decided where it was pressed, by who pressed', async () => {
    await press({ kind: 'approve', approvalId: 'a1' }, 'mia')
    expect(decisions).toEqual([['a1', 'approve', { id: 'mia' }, message().conversation]])
  })

  it('a command runs as if it was typed, once an event', async () => {
    expect(await press({ kind: 'command', text: 'budget show' }, 'mia')).toEqual({ notice: { text: 'done' } })
    expect(commands).toMatchObject([{ text: 'budget show', author: { id: 'mia' }, id: expect.any(String) }])
  })
})

describe('people from outside', () => {
  const guest: Author = { id: 'gil', standing: 'guest' }
  const stranger: Author = { id: 'sue', standing: 'stranger' }

  it('are answered where nothing says otherwise', async () => {
    expect((await inbox.receive({ ...inChannel(), author: guest })).kind).toBe('new')
  })

  it('are refused by the policy of any scope of theirs, in a sentence, and nothing is stored', async () => {
    outsiders = { all: 'answer', 'channel:test/team/general': 'refuse' }
    for (const author of [guest, stranger]) {
      const received = await inbox.receive({ ...inChannel(), author })
      expect(received).toMatchObject({ kind: 'refused', notice: { private: true, text: expect.stringMatching(/\.$/) } })
    }
    const { rows } = await database.pool.query('select from inbound')
    expect(rows).toEqual([])
    expect(jobs).toEqual([])
    expect((await inbox.receive({ ...inChannel(), author: { id: 'mo', standing: 'member' } })).kind).toBe('new')
  })

  it('run no commands and press no buttons but the stop', async () => {
    const turnId = await asked({ ...inChannel(), author: guest })
    outsiders = { 'workspace:test/team': 'refuse' }
    const { replyTarget, conversation } = message()
    const notice = await inbox.command({ id: '1', text: 'help', author: guest, conversation, replyTarget })
    expect(notice).toMatchObject({ private: true, text: expect.stringContaining('guests') })
    expect(commands).toEqual([])
    await expect(press({ kind: 'good', turnId }, guest)).rejects.toMatchObject({ code: 'request_forbidden' })
    await expect(press({ kind: 'command', text: 'help' }, guest)).rejects.toMatchObject({ code: 'request_forbidden' })
    expect(await press({ kind: 'stop', turnId }, guest)).toEqual({ turnId })
  })
})

describe('a message that its author changes', () => {
  const revise = (id: string, text: string, by = 'ann') => inbox.revise({ platform: 'test', id, text, by: { id: by } })

  it('is answered as it is now, while its turn has not started', async () => {
    const incoming = inChannel({ text: 'Whta?' })
    const turnId = await asked(incoming)
    expect(await revise(incoming.id, 'What?')).toEqual({ kind: 'revised', turnId })
    expect((await turns.load(turnId)).messages.map(({ text }) => text)).toEqual(['What?'])
  })

  it('after its turn has started is told so, and answered anew on demand', async () => {
    const incoming = inChannel({ text: 'Whta?' })
    const turnId = await answered(incoming)
    expect(await revise(incoming.id, 'What?')).toEqual({ kind: 'started', turnId })
    const { turnId: next = '' } = await press({ kind: 'regenerate', turnId })
    expect((await turns.load(next)).messages.map(({ text }) => text)).toEqual(['What?'])
  })

  it('is not known when it is somebody else’s, or never was taken in', async () => {
    const incoming = inChannel()
    await asked(incoming)
    expect(await revise(incoming.id, 'Mine now', 'bob')).toEqual({ kind: 'unknown' })
    expect(await revise('never', 'What?')).toEqual({ kind: 'unknown' })
  })

  it('while a worker claims it is either answered as it is now or told as started, never neither', async () => {
    for (let round = 0; round < 30; round += 1) {
      const incoming = inChannel({ channelId: `c${round}`, text: 'old' })
      const turnId = await asked(incoming)
      const early = round % 2 === 0 ? revise(incoming.id, 'new') : undefined
      const claimed = turns.claim(turnId, 'w', 60_000).then(() => turns.load(turnId))
      const [work, revised] = await Promise.all([claimed, early ?? revise(incoming.id, 'new')])
      if (revised.kind === 'revised') expect(work.messages[0]?.text).toBe('new')
      else expect(revised).toEqual({ kind: 'started', turnId })
    }
  })
})

describe('a conversation', () => {
  it('knows whether Parley takes part in it, thread by thread', async () => {
    const incoming = inChannel()
    const thread = { ...incoming.conversation, threadId: 't1' }
    expect(await inbox.takesPart(thread)).toBe(false)
    await asked({ ...incoming, conversation: thread })
    expect(await inbox.takesPart(thread)).toBe(true)
    expect(await inbox.takesPart({ ...thread, threadId: 't2' })).toBe(false)
    expect(await inbox.takesPart(incoming.conversation)).toBe(false)
  })
})
