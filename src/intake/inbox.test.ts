import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { type IntakeRig, inChannel, openIntakeRig } from '../../test/intake-rig.ts'
import type { Addressing } from '../core/addressing.ts'
import type { Author, IncomingMessage } from '../core/message.ts'

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

describe('a code of linking', () => {
  it('is a command and no question: nothing of it is stored, and only a direct message counts as one', async () => {
    const said = (kind: 'mention' | 'direct') => rig.inbox.receive({ ...inChannel({ text: 'link BCDF-2345' }), kind })
    expect(await said('mention')).toMatchObject({ kind: 'refused', notice: { private: true } })
    expect(await said('direct')).toMatchObject({ kind: 'refused', notice: { private: true } })
    expect(rig.commands.map(({ text, direct }) => [text, direct])).toEqual([
      ['link BCDF-2345', false],
      ['link BCDF-2345', true],
    ])
    expect(rig.jobs).toEqual([])
    expect((await rig.database.pool.query('select from inbound')).rowCount).toBe(0)
  })
})

describe('a message that comes twice', () => {
  it('of a platform brings its late files; of a program with other files it stays as it was', async () => {
    const files = async (program: IncomingMessage['program']) => {
      const asked = { ...inChannel(), id: program === undefined ? 'of-a-platform' : 'of-a-program', program }
      const { turnId } = (await rig.inbox.receive(asked)) as { turnId: string }
      const again = await rig.inbox.receive({ ...asked, attachments: [file('late.txt')] })
      const { rows } = await rig.database.pool.query('select from turn_attachment where turn_id = $1', [turnId])
      return { kind: again.kind, files: rows.length }
    }
    expect(await files({ ownPrompt: true, overflow: 'refuse', fallback: false, ignored: [], digest: 'one' })).toEqual({
      kind: 'duplicate',
      files: 0,
    })
    expect(await files(undefined)).toMatchObject({ files: 1 })
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

  it('is unchanged if only its spaces differ, so that nobody is offered a new answer', async () => {
    const incoming = inChannel({ text: 'look at  this' })
    const turnId = await rig.answered(incoming)
    for (const text of ['look at  this', 'look at this', ' look\nat this '])
      expect(await revise(incoming.id, text)).toEqual({ kind: 'unchanged', turnId })
    expect(await revise(incoming.id, 'look at that')).toEqual({ kind: 'started', turnId })
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

describe('a message that is announced twice, first without its files', () => {
  const late = (incoming: IncomingMessage, ...names: string[]) =>
    rig.inbox.receive({ ...incoming, attachments: names.map((name) => file(name)) })

  it('is one question with the files, while its turn has not started', async () => {
    const incoming = inChannel({ text: 'What is the gate code?' })
    const turnId = await rig.asked(incoming)
    rig.jobs.length = 0
    expect(await late(incoming, 'gate.md', 'keys.md')).toEqual({ kind: 'joined', turnId })
    expect(rig.jobs).toHaveLength(2)
    const work = await rig.turns.load(turnId)
    expect(work.messages).toMatchObject([
      { text: 'What is the gate code?', attachments: [{ name: 'gate.md' }, { name: 'keys.md' }] },
    ])
    expect(work.attachments.map(({ attachment, state }) => [attachment.name, state])).toEqual([
      ['gate.md', 'waiting'],
      ['keys.md', 'waiting'],
    ])
  })

  it('gets each file once', async () => {
    const incoming = inChannel({ text: 'And?', attachments: [file('gate.md')] })
    const turnId = await rig.asked(incoming)
    expect((await late(incoming, 'gate.md')).kind).toBe('duplicate')
    expect((await late(incoming, 'gate.md', 'keys.md')).kind).toBe('joined')
    expect((await late(incoming, 'gate.md', 'keys.md')).kind).toBe('duplicate')
    const work = await rig.turns.load(turnId)
    expect(work.attachments.map(({ attachment }) => attachment.name)).toEqual(['gate.md', 'keys.md'])
  })

  it('is answered with the files on demand, if its turn has started', async () => {
    const incoming = inChannel({ text: 'What is the gate code?' })
    const turnId = await rig.answered(incoming)
    expect(await late(incoming, 'gate.md')).toEqual({ kind: 'late', turnId })
    const { turnId: next = '' } = await rig.press({ kind: 'regenerate', turnId })
    expect((await rig.turns.load(next)).attachments.map(({ attachment }) => attachment.name)).toEqual(['gate.md'])
  })

  it('loses its late files, too, when it is deleted', async () => {
    const incoming = inChannel({ text: 'What is the gate code?' })
    await rig.answered(incoming)
    await late(incoming, 'gate.md')
    expect(await rig.inbox.withdraw({ platform: 'test', ids: [incoming.id] })).toBe(1)
    expect(await late(incoming, 'gate.md')).toMatchObject({ kind: 'new' })
  })
})

describe('a conversation', () => {
  const ask = (threadId: string | undefined, more: Partial<Addressing> = {}) => {
    const conversation = { ...inChannel().conversation, threadId }
    return rig.inbox.concerns({
      conversation,
      author: { id: 'ann' },
      text: 'And?',
      place: 'thread',
      mentioned: false,
      ...more,
    })
  }

  const inThread = (overrides: Parameters<typeof inChannel>[0] & Pick<IncomingMessage, 'kind' | 'upToDate'>) => {
    const incoming = inChannel(overrides)
    return {
      ...incoming,
      ...overrides,
      author: incoming.author,
      conversation: { ...incoming.conversation, threadId: 't1' },
    }
  }

  it('is known thread by thread, with the messages that were taken in', async () => {
    const incoming = inThread({ kind: 'mention', upToDate: true })
    expect(await ask('t1')).toEqual({ answers: false, why: 'not a participant' })
    expect(await ask('t1', { mentioned: true })).toEqual({ answers: true, known: undefined })
    await rig.asked(incoming)
    const { id, sentAt } = incoming
    expect(await ask('t1')).toEqual({ answers: true, known: { upTo: { messageId: id, sentAt }, taken: [id] } })
    expect((await ask('t2')).answers).toBe(false)
    expect((await ask(undefined)).answers).toBe(false)
  })

  it('is known up to the last message with which the talk of others was read; follow-ups are only taken in', async () => {
    const known = async () => {
      const concern = await ask('t1')
      return concern.answers ? concern.known : undefined
    }
    const unread = inThread({ kind: 'mention' })
    await rig.asked(unread)
    expect(await known()).toEqual({ upTo: undefined, taken: [unread.id] })
    const read = inThread({ kind: 'mention', upToDate: true })
    const followUps = [inThread({ kind: 'thread' }), inThread({ kind: 'thread' })]
    for (const each of [read, ...followUps]) await rig.asked(each)
    expect(await known()).toEqual({
      upTo: { messageId: read.id, sentAt: read.sentAt },
      taken: [...followUps.toReversed(), read, unread].map(({ id }) => id),
    })
    await rig.inbox.withdraw({ platform: 'test', ids: [read.id] })
    expect(await known()).toMatchObject({ upTo: undefined })
  })

  it('with one person is known, too, if it is a thread', async () => {
    const direct = { place: 'direct' } as const
    expect(await ask('t1', direct)).toEqual({ answers: true, known: undefined })
    const incoming = inThread({ kind: 'direct' })
    await rig.asked(incoming)
    const { id, sentAt } = incoming
    expect(await ask('t1', direct)).toEqual({ answers: true, known: { upTo: { messageId: id, sentAt }, taken: [id] } })
    expect(await ask(undefined, direct)).toEqual({ answers: true })
  })

  it('follows the narrowest setting of who may follow up without a mention', async () => {
    await rig.asked({ ...inChannel(), conversation: { ...inChannel().conversation, threadId: 't1' } })
    rig.followUps['workspace:test/team'] = 'named'
    expect(await ask('t1')).toEqual({ answers: false, why: 'only when named' })
    rig.followUps['channel:test/team/general'] = 'asker'
    expect((await ask('t1')).answers).toBe(true)
    expect(await ask('t1', { author: { id: 'bob' } })).toEqual({ answers: false, why: 'asker only' })
  })
})

describe('a message that its author deletes', () => {
  const withdraw = (...ids: string[]) => rig.inbox.withdraw({ platform: 'test', ids })
  const rows = async (text: string) => (await rig.database.pool.query(text)).rows

  it('before it was answered leaves no word and no file, and its turn is handed over to be taken back', async () => {
    const incoming = message({ text: 'my secret', attachments: [file('secret.pdf')] })
    const turnId = await rig.asked(incoming)
    rig.jobs.length = 0
    expect(await withdraw(incoming.id)).toBe(1)
    expect(await rows('select from inbound union all select from turn_attachment')).toEqual([])
    expect(await rig.turns.withdrawn(turnId)).toBe(true)
    expect(rig.jobs).toMatchObject([{ name: 'turn', id: `turn-${turnId}-0` }])
    expect(await rig.turns.claim(turnId, 'w', 60_000)).toEqual({ kind: 'claimed' })
    expect((await rig.turns.load(turnId)).messages).toEqual([])
    await rig.turns.erase(turnId, 'w')
    expect(await rows('select from turn')).toEqual([])
  })

  it('after it was answered leaves the history and the store, with its answer', async () => {
    const incoming = message({ text: 'my secret' })
    await rig.answered(incoming)
    expect(await withdraw(incoming.id)).toBe(1)
    expect(await rows('select from turn')).toEqual([])
    const next = await rig.asked(message())
    await rig.turns.claim(next, 'w', 60_000)
    expect((await rig.turns.load(next)).history).toEqual([])
  })

  it('takes only its own words and files where it was one of several', async () => {
    const [one, two] = [message({ text: 'One', attachments: [file('a.pdf')] }), message({ text: 'Two' })]
    const turnId = await rig.asked(one)
    expect(await rig.asked(two)).toBe(turnId)
    expect(await withdraw(one.id)).toBe(1)
    expect(await rows('select id from turn_attachment')).toEqual([])
    expect(await rig.turns.withdrawn(turnId)).toBe(false)
    await rig.turns.claim(turnId, 'w', 60_000)
    expect((await rig.turns.load(turnId)).messages.map(({ text }) => text)).toEqual(['Two'])
  })

  it('while its answer ends at that moment leaves no answer and a conversation that goes on', async () => {
    for (let round = 0; round < 20; round += 1) {
      const incoming = message({ channelId: `race-${round}` })
      const turnId = await rig.asked(incoming)
      await rig.turns.claim(turnId, 'w', 60_000)
      const outcome = { text: 'So.', state: 'done' as const, citations: [], receipt }
      const [{ ended }] = await Promise.all([rig.turns.finish(turnId, 'w', outcome, null), withdraw(incoming.id)])
      if (!ended) await rig.turns.erase(turnId, 'w')
      expect(await rows(`select state from turn where conversation_key like '%race-${round}'`)).toEqual([])
    }
  })

  it('while it is answered keeps the turn open until what was posted is taken back', async () => {
    const incoming = message()
    const turnId = await rig.asked(incoming)
    await rig.turns.claim(turnId, 'w', 60_000)
    await withdraw(incoming.id)
    const outcome = { text: 'So.', state: 'done' as const, citations: [], receipt }
    expect(await rig.turns.saveOutcome(turnId, 'w', outcome)).toBe('withdrawn')
    expect((await rig.turns.finish(turnId, 'w', outcome, null)).ended).toBe(false)
    expect(await rows('select state, outcome, answer from turn')).toEqual([
      { state: 'answering', outcome: null, answer: null },
    ])
  })

  it('while a follow-up joins its turn at that moment leaves the follow-up its answer', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [one, two] = [message({ channelId: `join-${round}` }), message({ channelId: `join-${round}`, text: 'Two' })]
      const first = await rig.asked(one)
      const [received] = await Promise.all([rig.inbox.receive(two), withdraw(one.id)])
      const turnId = 'turnId' in received ? received.turnId : ''
      if (turnId !== first) {
        await rig.turns.claim(first, 'w', 60_000)
        await rig.turns.erase(first, 'w')
      }
      expect(await rig.turns.claim(turnId, 'w', 60_000)).toEqual({ kind: 'claimed' })
      expect(await rig.turns.load(turnId)).toMatchObject({ withdrawn: false, messages: [{ text: 'Two' }] })
    }
  })

  it('takes a file with it that a later question was to read again', async () => {
    const [one, two] = [message({ attachments: [file('secret.pdf')] }), message({ text: 'Two' })]
    const first = await rig.asked(one)
    await rig.database.pool.query(`update turn_attachment set state = 'failed'`)
    await rig.end(first)
    const turnId = await rig.asked(two)
    await rig.database.pool.query(`update turn_attachment set turn_id = '${turnId}', state = 'waiting'`)
    await withdraw(one.id)
    expect(await rows('select from turn_attachment')).toEqual([])
  })

  it('that nobody knows, or was deleted before, changes nothing; several may go at once', async () => {
    const [one, two] = [message({ channelId: 'a' }), message({ channelId: 'b' })]
    await rig.asked(one)
    await rig.asked(two)
    expect(await withdraw('never')).toBe(0)
    expect(await withdraw(one.id, two.id, 'never')).toBe(2)
    expect(await withdraw(one.id, two.id)).toBe(0)
  })

  it('with a whole channel takes those of its threads along, and leaves other channels alone', async () => {
    const [thread, alone, other] = ['gone', 'gone', 'gone-not'].map((channelId) => inChannel({ channelId })) as [
      IncomingMessage,
      IncomingMessage,
      IncomingMessage,
    ]
    const { workspaceId } = thread.conversation
    await rig.answered({ ...thread, conversation: { ...thread.conversation, threadId: 't' } })
    await rig.asked(alone)
    const kept = await rig.asked(other)
    expect(await rig.inbox.withdraw({ platform: 'test', place: { workspaceId, channelId: 'gone' } })).toBe(2)
    expect((await rig.turns.load(kept)).messages).toHaveLength(1)
    const place = { workspaceId, channelId: 'gone-not', threadId: 'never' }
    expect(await rig.inbox.withdraw({ platform: 'test', place })).toBe(0)
  })
})

describe('the word stop', () => {
  it('ends the answer that is being written and is no question', async () => {
    const turnId = await rig.asked(message())
    await rig.turns.claim(turnId, 'w', 60_000)
    expect(await rig.inbox.receive(message({ text: 'Stop!' }))).toEqual({ kind: 'stopped', turnId })
    expect(await rig.turns.renew(turnId, 'w', 60_000)).toBe('stop')
  })

  it('delivered again stops nothing else and is no question', async () => {
    const turnId = await rig.asked(message())
    await rig.turns.claim(turnId, 'w', 60_000)
    const stop = message({ text: 'stop' })
    expect(await rig.inbox.receive(stop)).toEqual({ kind: 'stopped', turnId })
    await rig.turns.finish(turnId, 'w', { text: 'So.', state: 'stopped', citations: [], receipt }, null)
    const next = await rig.asked(message())
    expect(await rig.inbox.receive(stop)).toEqual({ kind: 'stopped', turnId })
    await rig.turns.claim(next, 'w', 60_000)
    expect(await rig.turns.renew(next, 'w', 60_000)).toBe('held')
  })

  it('of somebody who may not stop the answer leaves the asker’s own stop known', async () => {
    const turnId = await rig.asked(inChannel({ channelId: 'hall' }))
    const said = (author: string) => ({
      ...inChannel({ channelId: 'hall', text: 'stop', author }),
      author: { id: author },
    })
    expect((await rig.inbox.receive(said('eve'))).kind).toBe('new')
    const stop = said('ann')
    expect(await rig.inbox.receive(stop)).toEqual({ kind: 'stopped', turnId })
    await rig.turns.claim(turnId, 'w', 60_000)
    await rig.turns.finish(turnId, 'w', { text: 'So.', state: 'stopped', citations: [], receipt }, null)
    expect(await rig.inbox.receive(stop)).toEqual({ kind: 'stopped', turnId })
  })

  it('that was a question stays one when it is delivered again', async () => {
    const stop = message({ text: 'stop' })
    const turnId = await rig.asked(stop)
    expect(await rig.inbox.receive(stop)).toEqual({ kind: 'duplicate', turnId })
  })

  it('asks the model where nothing is being written, and from people who may not stop it', async () => {
    expect((await rig.inbox.receive(message({ text: 'stop' }))).kind).toBe('new')
    await rig.asked(inChannel({ channelId: 'lobby' }))
    const said = { ...inChannel({ channelId: 'lobby', text: 'stop' }), author: { id: 'eve' } }
    expect((await rig.inbox.receive(said)).kind).toBe('new')
  })
})
