import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { type IntakeRig, inChannel, openIntakeRig } from '../../test/intake-rig.ts'
import type { Author } from '../core/message.ts'

let server: TestServer
let rig: IntakeRig

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  rig = await openIntakeRig(server)
  return () => rig.close()
})

describe('people from outside', () => {
  const guest: Author = { id: 'gil', membership: 'guest' }
  const stranger: Author = { id: 'sue', membership: 'stranger' }

  it('are answered where nothing says otherwise', async () => {
    expect((await rig.inbox.receive({ ...inChannel(), author: guest })).kind).toBe('new')
  })

  it('are refused by the policy of any scope of theirs, in a sentence, and nothing is stored', async () => {
    Object.assign(rig.guests, { all: 'answer', 'channel:test/team/general': 'refuse' })
    for (const author of [guest, stranger]) {
      const received = await rig.inbox.receive({ ...inChannel(), author })
      expect(received).toMatchObject({ kind: 'refused', notice: { private: true, text: expect.stringMatching(/\.$/) } })
    }
    const { rows } = await rig.database.pool.query('select from inbound')
    expect(rows).toEqual([])
    expect(rig.jobs).toEqual([])
    expect((await rig.inbox.receive({ ...inChannel(), author: { id: 'mo', membership: 'member' } })).kind).toBe('new')
  })

  it('run no commands and press no buttons but the stop', async () => {
    const turnId = await rig.asked({ ...inChannel(), author: guest })
    Object.assign(rig.guests, { 'workspace:test/team': 'refuse' })
    const { replyTarget, conversation } = message()
    const notice = await rig.inbox.command({ id: '1', text: 'help', author: guest, conversation, replyTarget })
    expect(notice).toMatchObject({ private: true, text: expect.stringContaining('guests') })
    expect(rig.commands).toEqual([])
    await expect(rig.press({ kind: 'good', turnId }, guest)).rejects.toMatchObject({ code: 'request_forbidden' })
    await expect(rig.press({ kind: 'command', text: 'help' }, guest)).rejects.toMatchObject({
      code: 'request_forbidden',
    })
    expect(await rig.press({ kind: 'stop', turnId }, guest)).toEqual({ turnId })
  })
})

describe('a message that its author changes', () => {
  const revise = (id: string, text: string, by = 'ann') =>
    rig.inbox.revise({ platform: 'test', id, text, by: { id: by } })

  it('is answered as it is now, while its turn has not started', async () => {
    const incoming = inChannel({ text: 'Whta?' })
    const turnId = await rig.asked(incoming)
    expect(await revise(incoming.id, 'What?')).toEqual({ kind: 'revised', turnId })
    expect((await rig.turns.load(turnId)).messages.map(({ text }) => text)).toEqual(['What?'])
  })

  it('after its turn has started is reported as started, and regenerated on demand', async () => {
    const incoming = inChannel({ text: 'Whta?' })
    const turnId = await rig.answered(incoming)
    expect(await revise(incoming.id, 'What?')).toEqual({ kind: 'started', turnId })
    const { turnId: next = '' } = await rig.press({ kind: 'regenerate', turnId })
    expect((await rig.turns.load(next)).messages.map(({ text }) => text)).toEqual(['What?'])
  })

  it('is not known when it is somebody else’s, or never was taken in', async () => {
    const incoming = inChannel()
    await rig.asked(incoming)
    expect(await revise(incoming.id, 'Mine now', 'bob')).toEqual({ kind: 'unknown' })
    expect(await revise('never', 'What?')).toEqual({ kind: 'unknown' })
  })

  it('while a worker claims it is either answered as it is now or told as started, never neither', async () => {
    for (let round = 0; round < 30; round += 1) {
      const incoming = inChannel({ channelId: `c${round}`, text: 'old' })
      const turnId = await rig.asked(incoming)
      const early = round % 2 === 0 ? revise(incoming.id, 'new') : undefined
      const claimed = rig.turns.claim(turnId, 'w', 60_000).then(() => rig.turns.load(turnId))
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
    expect(await rig.inbox.takesPart(thread)).toBe(false)
    await rig.asked({ ...incoming, conversation: thread })
    expect(await rig.inbox.takesPart(thread)).toBe(true)
    expect(await rig.inbox.takesPart({ ...thread, threadId: 't2' })).toBe(false)
    expect(await rig.inbox.takesPart(incoming.conversation)).toBe(false)
  })
})
