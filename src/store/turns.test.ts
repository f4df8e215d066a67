import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { file, message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { silentLog } from '../core/log.ts'
import { createAttachments } from './attachments.ts'
import { type Database, openDatabase } from './database.ts'
import type { StoredOutcome, Turns } from './turns.ts'
import { createTurns } from './turns-postgres.ts'

let server: TestServer
let database: Database
let turns: Turns
const leaseMs = 60_000

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  const fresh = await server.createDatabase()
  database = openDatabase(fresh.connection, { log: silentLog })
  turns = createTurns(database)
  return () => database.close()
})

const outcome = (text: string, state: StoredOutcome['state'] = 'done'): StoredOutcome => ({
  text,
  state,
  citations: [],
  receipt,
})

async function answer(turnId: string, text: string) {
  expect(await turns.claim(turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
  return turns.finish(turnId, 'w', outcome(text), new Date())
}

describe('accepting messages', () => {
  it('an event delivered three times is one turn', async () => {
    const event = message({ id: 'evt-1' })
    const first = await turns.accept(event)
    expect(first.kind).toBe('new')
    expect(await turns.accept(event)).toMatchObject({ kind: 'duplicate', turnId: first.turnId })
    expect(await turns.accept(event)).toMatchObject({ kind: 'duplicate', turnId: first.turnId })
  })

  it('deliveries of one event at the same moment are one turn', async () => {
    const event = message({ id: 'evt-2', attachments: [file('a.pdf')] })
    const received = await Promise.all(Array.from({ length: 20 }, () => turns.accept(event)))
    expect(new Set(received.map(({ turnId }) => turnId)).size).toBe(1)
    expect(received.filter(({ kind }) => kind === 'new')).toHaveLength(1)
    const { rows } = await database.pool.query('select count(*)::int as turns from turn')
    expect(rows).toEqual([{ turns: 1 }])
  })

  it('a duplicate says what to dispatch, because the first delivery may have died before that', async () => {
    const event = message({ attachments: [file('a.pdf')] })
    const { dispatch } = await turns.accept(event)
    expect((await turns.accept(event)).dispatch).toEqual(dispatch)
    expect(dispatch.attachmentIds).toHaveLength(1)
  })

  it('the same event id on two platforms is two events', async () => {
    expect((await turns.accept(message({ id: 'same', platform: 'one' }))).kind).toBe('new')
    expect((await turns.accept(message({ id: 'same', platform: 'two' }))).kind).toBe('new')
  })

  it('a quick follow-up joins the turn that has not started', async () => {
    const first = await turns.accept(message({ text: 'Here is the report', attachments: [file('report.pdf')] }))
    const second = await turns.accept(message({ text: 'What does it say about fees?' }))
    expect(second).toMatchObject({ kind: 'joined', turnId: first.turnId })
    const work = await turns.load(first.turnId)
    expect(work.messages.map(({ text }) => text)).toEqual(['Here is the report', 'What does it say about fees?'])
  })

  it('another person in the channel starts a new turn', async () => {
    await turns.accept(message({ author: 'ann' }))
    expect((await turns.accept(message({ author: 'bob' }))).kind).toBe('new')
    expect((await turns.accept(message({ author: 'ann' }))).kind).toBe('new')
  })

  it('a follow-up to a turn that has started is the next turn', async () => {
    const first = await turns.accept(message())
    await turns.claim(first.turnId, 'w', leaseMs)
    expect((await turns.accept(message())).kind).toBe('new')
  })

  it('a follow-up to an answered turn is the next turn, even if the worker died', async () => {
    const first = await turns.accept(message())
    await turns.claim(first.turnId, 'w', leaseMs)
    await turns.saveOutcome(first.turnId, 'w', outcome('Answer to the first.'))
    await turns.release(first.turnId, 'w')
    expect((await turns.accept(message())).kind).toBe('new')
  })

  it('files of messages that join come last', async () => {
    const first = await turns.accept(message({ attachments: [file('a1'), file('a2')] }))
    await turns.accept(message({ attachments: [file('b1')] }))
    const { attachments } = await turns.load(first.turnId)
    expect(attachments.map(({ attachment }) => attachment.name)).toEqual(['a1', 'a2', 'b1'])
  })

  it('no message is lost between a claim and a follow-up at the same moment', async () => {
    for (let round = 0; round < 40; round += 1) {
      const channelId = `race-${round}`
      const first = await turns.accept(message({ channelId, text: 'one' }))
      const [claim, second] = await Promise.all([
        turns.claim(first.turnId, 'w', leaseMs),
        turns.accept(message({ channelId, text: 'two' })),
      ])
      expect(claim).toEqual({ kind: 'claimed' })
      const texts = (await turns.load(first.turnId)).messages.map(({ text }) => text)
      expect(texts).toEqual(second.kind === 'joined' ? ['one', 'two'] : ['one'])
    }
  })

  it('characters that PostgreSQL cannot store are replaced', async () => {
    const { turnId } = await turns.accept(message({ text: 'a\0b \ud800 c' }))
    expect((await turns.load(turnId)).messages[0]?.text).toBe('ab \ufffd c')
  })

  it('takes one round trip, and claiming, loading and ending one each', async () => {
    const count = async (step: () => Promise<unknown>) => {
      const before = database.roundTrips()
      await step()
      return database.roundTrips() - before
    }
    const event = message()
    expect(await count(() => turns.accept(event))).toBe(1)
    const { turnId } = await turns.accept(event)
    expect(await count(() => turns.claim(turnId, 'w', leaseMs))).toBe(1)
    expect(await count(() => turns.load(turnId))).toBe(1)
    const step = { n: 1, kind: 'gather' as const, inputHash: 'a', result: null }
    expect(await count(() => turns.saveStep(turnId, 'w', step))).toBe(1)
    expect(await count(() => turns.finish(turnId, 'w', outcome('x'), null))).toBe(1)
  })
})

describe('a completed step', () => {
  const step = (n: number, inputHash: string, found: number[]) => ({
    n,
    kind: 'gather' as const,
    inputHash,
    result: { found },
  })

  it('is loaded by the next worker and deleted when the turn ends', async () => {
    const { turnId } = await turns.accept(message())
    await turns.claim(turnId, 'w', leaseMs)
    expect((await turns.load(turnId)).steps).toEqual([])
    expect(await turns.saveStep(turnId, 'w', step(1, 'a', [1, 2]))).toBe('saved')
    expect(await turns.saveStep(turnId, 'w', step(2, 'b', [3]))).toBe('saved')
    await turns.release(turnId, 'w')
    await turns.claim(turnId, 'other', leaseMs)
    expect((await turns.load(turnId)).steps).toEqual([step(1, 'a', [1, 2]), step(2, 'b', [3])])
    await turns.finish(turnId, 'other', outcome('x'), null)
    expect((await database.pool.query('select from turn_step')).rowCount).toBe(0)
  })

  it('is stored only by the lease holder, and once when sent twice', async () => {
    const { turnId } = await turns.accept(message())
    expect(await turns.saveStep(turnId, 'w', step(1, 'a', []))).toBe('lost')
    await turns.claim(turnId, 'w', leaseMs)
    expect(await turns.saveStep(turnId, 'other', step(1, 'a', []))).toBe('lost')
    for (let times = 0; times < 2; times += 1)
      expect(await turns.saveStep(turnId, 'w', step(1, 'a', [1]))).toBe('saved')
    expect((await turns.load(turnId)).steps).toEqual([step(1, 'a', [1])])
  })

  it('with another input replaces the old step and all later ones', async () => {
    const { turnId } = await turns.accept(message())
    await turns.claim(turnId, 'w', leaseMs)
    for (const n of [1, 2, 3]) await turns.saveStep(turnId, 'w', step(n, 'old', [n]))
    await turns.saveStep(turnId, 'w', step(1, 'new', []))
    expect((await turns.load(turnId)).steps).toEqual([step(1, 'new', [])])
  })
})

describe('the order of a conversation', () => {
  it('turns are claimed in the order of arrival, one at a time', async () => {
    const first = await turns.accept(message({ author: 'ann' }))
    const second = await turns.accept(message({ author: 'bob' }))
    expect(await turns.claim(second.turnId, 'w2', leaseMs)).toMatchObject({ kind: 'busy' })
    expect(await turns.claim(first.turnId, 'w1', leaseMs)).toEqual({ kind: 'claimed' })
    expect(await turns.claim(first.turnId, 'w2', leaseMs)).toMatchObject({ kind: 'busy' })
    const { next } = await turns.finish(first.turnId, 'w1', outcome('one'), null)
    expect(next?.turnId).toBe(second.turnId)
    expect(await turns.claim(second.turnId, 'w2', leaseMs)).toEqual({ kind: 'claimed' })
  })

  it('one of many workers gets the turn', async () => {
    const { turnId } = await turns.accept(message())
    const claims = await Promise.all(Array.from({ length: 20 }, (_, n) => turns.claim(turnId, `w${n}`, leaseMs)))
    expect(claims.filter(({ kind }) => kind === 'claimed')).toHaveLength(1)
  })

  it('different conversations do not wait for each other', async () => {
    const one = await turns.accept(message({ channelId: 'one' }))
    const two = await turns.accept(message({ channelId: 'two' }))
    expect(await turns.claim(one.turnId, 'w1', leaseMs)).toEqual({ kind: 'claimed' })
    expect(await turns.claim(two.turnId, 'w2', leaseMs)).toEqual({ kind: 'claimed' })
  })

  it('an expired lease goes to another worker, and the first one notices', async () => {
    const { turnId } = await turns.accept(message())
    await turns.claim(turnId, 'slow', -1)
    expect(await turns.claim(turnId, 'other', leaseMs)).toEqual({ kind: 'claimed' })
    expect(await turns.renew(turnId, 'slow', leaseMs)).toBe('lost')
    expect(await turns.saveOutcome(turnId, 'slow', outcome('late'))).toBe('lost')
    await turns.finish(turnId, 'slow', outcome('late'), null)
    expect(await turns.claim(turnId, 'third', leaseMs)).toMatchObject({ kind: 'busy' })
    expect((await turns.load(turnId)).attempts).toBe(2)
  })

  it('ending a turn twice has the effect of once', async () => {
    const first = await turns.accept(message({ author: 'ann' }))
    const second = await turns.accept(message({ author: 'bob' }))
    await turns.claim(first.turnId, 'w', leaseMs)
    await turns.finish(first.turnId, 'w', outcome('one'), null)
    expect((await turns.finish(first.turnId, 'w', outcome('again'), null)).next?.turnId).toBe(second.turnId)
    expect(await turns.claim(first.turnId, 'w', leaseMs)).toEqual({ kind: 'ended' })
  })

  it('history contains earlier questions and answers, oldest first', async () => {
    const first = await turns.accept(message({ text: 'one?' }))
    await answer(first.turnId, 'one.')
    const second = await turns.accept(message({ text: 'two?' }))
    await answer(second.turnId, 'two.')
    const third = await turns.accept(message({ text: 'three?' }))
    const { history } = await turns.load(third.turnId)
    expect(history.map((past) => [past.messages[0]?.text, past.answer, past.provider])).toEqual([
      ['one?', 'one.', 'test'],
      ['two?', 'two.', 'test'],
    ])
  })
})

describe('files of a turn', () => {
  it('are read before the answer and stay with the thread', async () => {
    const attachments = createAttachments(database)
    const first = await turns.accept(message({ attachments: [file('report.pdf')] }))
    const [id = ''] = first.dispatch.attachmentIds
    expect(await turns.claim(first.turnId, 'w', leaseMs)).toEqual({
      kind: 'reading',
      unread: { turnId: first.turnId, dispatch: 1, attachmentIds: [id] },
    })
    expect(await attachments.claim(id, 'r', leaseMs)).toMatchObject({
      turn: { id: first.turnId },
      attachment: { name: 'report.pdf' },
    })
    expect(await attachments.claim(id, 'other', leaseMs)).toBe('held')
    const receipt = {
      attachmentId: id,
      name: 'report.pdf',
      outcome: 'read' as const,
      summary: '1 page read',
      problems: [],
    }
    await attachments.finish(id, 'r', { receipt, key: { contentHash: 'a'.repeat(64), engine: 'pdf-1' } })
    expect(await attachments.claim(id, 'other', leaseMs)).toBe('ended')
    await answer(first.turnId, 'read it')
    const second = await turns.accept(message({ text: 'and the fees?' }))
    const work = await turns.load(second.turnId)
    expect(work.attachments).toEqual([])
    expect(work.earlierFiles).toMatchObject([
      { engine: 'pdf-1', attachment: { name: 'report.pdf' }, receipt: { summary: '1 page read' } },
    ])
  })

  it('a turn that should stop does not wait for them', async () => {
    const { turnId } = await turns.accept(message({ attachments: [file('report.pdf')] }))
    await turns.requestStop(turnId)
    expect(await turns.claim(turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
    expect(await turns.renew(turnId, 'w', leaseMs)).toBe('stop')
  })
})

describe('the first message of a reply', () => {
  it('can be reserved again some time after a worker died before posting it', async () => {
    const { turnId } = await turns.accept(message())
    expect(await turns.reservePart(turnId, 0)).toBe(true)
    expect(await turns.reservePart(turnId, 0)).toBe(false)
    await database.pool.query(`update reply_part set posted_at = now() - interval '13 seconds'`)
    expect(await turns.reservePart(turnId, 0)).toBe(true)
    expect(await turns.reservePart(turnId, 0)).toBe(false)
    await turns.savePart(turnId, { ordinal: 0, ref: { id: 'm1' }, text: '' })
    await database.pool.query(`update reply_part set posted_at = now() - interval '13 seconds'`)
    expect(await turns.reservePart(turnId, 0)).toBe(false)
  })

  it('records how far people may have read beyond the stored text', async () => {
    const { turnId } = await turns.accept(message())
    await turns.savePart(turnId, { ordinal: 0, ref: { id: 'm1' }, text: 'Hello', ahead: 40 })
    expect((await turns.load(turnId)).parts).toEqual([{ ordinal: 0, ref: { id: 'm1' }, text: 'Hello', ahead: 40 }])
    await turns.savePart(turnId, { ordinal: 0, ref: { id: 'm1' }, text: 'Hello again' })
    expect((await turns.parts(turnId))[0]?.ahead).toBe(0)
  })
})

describe('regenerating', () => {
  it('answers the same messages in the same reply and replaces the old answer in the history', async () => {
    const { turnId } = await turns.accept(message({ text: 'one?' }))
    await turns.claim(turnId, 'w', leaseMs)
    await turns.savePart(turnId, { ordinal: 0, ref: { id: 'm1' }, text: 'poor' })
    await turns.finish(turnId, 'w', outcome('poor'), null)
    const again = await turns.regenerate(turnId)
    expect((await turns.regenerate(turnId)).turnId).toBe(again.turnId)
    expect(await turns.claim(again.turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
    const work = await turns.load(again.turnId)
    expect(work.messages.map(({ text }) => text)).toEqual(['one?'])
    expect(work.parts).toEqual([{ ordinal: 0, ref: { id: 'm1' }, text: 'poor', ahead: 0 }])
    expect(work.history).toEqual([])
    await answer(again.turnId, 'good')
    const next = await turns.accept(message({ text: 'two?' }))
    expect((await turns.load(next.turnId)).history.map((past) => past.answer)).toEqual(['good'])
  })

  it('that fails keeps the old answer in the history', async () => {
    const { turnId } = await turns.accept(message({ text: 'one?' }))
    await answer(turnId, 'good')
    const again = await turns.regenerate(turnId)
    await turns.claim(again.turnId, 'w', leaseMs)
    await turns.finish(again.turnId, 'w', outcome('The model is away.', 'failed'), null)
    const next = await turns.accept(message({ text: 'two?' }))
    expect((await turns.load(next.turnId)).history.map((past) => past.answer)).toEqual(['good'])
  })

  it('is rejected for an answer that is unknown, unfinished or not the latest', async () => {
    const { turnId } = await turns.accept(message())
    await expect(turns.regenerate(turnId)).rejects.toMatchObject({ code: 'turn_not_latest' })
    await answer(turnId, 'one')
    await turns.accept(message())
    await expect(turns.regenerate(turnId)).rejects.toMatchObject({ code: 'turn_not_latest' })
    await expect(turns.regenerate(randomUUID())).rejects.toMatchObject({ code: 'turn_not_found' })
  })
})

describe('deleting a conversation', () => {
  it('while its turns end does not deadlock', async () => {
    const ends = Array.from({ length: 60 }, async (_, n) => {
      const { turnId } = await turns.accept(message({ channelId: `gone-${n}` }))
      await turns.claim(turnId, 'w', leaseMs)
      const gone = database.query({ name: 'delete', text: 'delete from conversation where key = $1' }, [
        `test/team/gone-${n}`,
      ])
      await Promise.all([turns.finish(turnId, 'w', outcome('x'), null), gone])
    })
    await Promise.all(ends)
  })
})

describe('orphaned turns', () => {
  /** Sets the time, because the clock of a machine may step back by more than two statements take. */
  const dispatchedMinutesAgo = (turnId: string, minutes: number) =>
    database.pool.query("update turn set dispatched_at = now() - $2 * interval '1 minute' where id = $1", [
      turnId,
      minutes,
    ])

  it('are found again after the same time, oldest first', async () => {
    const first = await turns.accept(message({ channelId: 'a' }))
    const second = await turns.accept(message({ channelId: 'b' }))
    expect(await turns.orphaned(60_000, 10)).toEqual([])
    for (let times = 0; times < 8; times += 1) {
      await dispatchedMinutesAgo(first.turnId, 3)
      await dispatchedMinutesAgo(second.turnId, 2)
      expect(await turns.orphaned(60_000, 1)).toEqual([{ turnId: first.turnId, dispatch: 1, attachmentIds: [] }])
      expect(await turns.orphaned(60_000, 1)).toEqual([{ turnId: second.turnId, dispatch: 1, attachmentIds: [] }])
    }
    expect(await turns.orphaned(60_000, 10)).toEqual([])
  })

  it('are dispatched again once, even by two sweeps at once, unless they have ended', async () => {
    const open = await turns.accept(message({ channelId: 'a', attachments: [file('x')] }))
    const ended = await turns.accept(message({ channelId: 'b' }))
    await answer(ended.turnId, 'Done.')
    const lost = [open, ended].map(({ turnId }) => ({ turnId, dispatch: 1, attachmentIds: [] }))
    const next = [{ turnId: open.turnId, dispatch: 2, attachmentIds: open.dispatch.attachmentIds }]
    expect(await Promise.all([turns.redispatch(lost), turns.redispatch(lost)])).toEqual([next, next])
    expect(await turns.redispatch([])).toEqual([])
    expect(await turns.orphaned(60_000, 10)).toEqual([])
  })

  it('do not include turns being answered, being read, or waiting for an earlier one', async () => {
    const attachments = createAttachments(database)
    const answered = await turns.accept(message({ channelId: 'a' }))
    await turns.claim(answered.turnId, 'w', leaseMs)
    const waiting = await turns.accept(message({ channelId: 'a' }))
    const reading = await turns.accept(message({ channelId: 'b', attachments: [file('x')] }))
    await attachments.claim(reading.dispatch.attachmentIds[0] ?? '', 'r', leaseMs)
    for (const { turnId } of [answered, waiting, reading]) await dispatchedMinutesAgo(turnId, 2)
    expect(await turns.orphaned(60_000, 10)).toEqual([])
  })

  it('include those of dead workers and dead readers', async () => {
    const attachments = createAttachments(database)
    const answered = await turns.accept(message({ channelId: 'a' }))
    await turns.claim(answered.turnId, 'dead:1', leaseMs)
    const reading = await turns.accept(message({ channelId: 'b', attachments: [file('x')] }))
    await attachments.claim(reading.dispatch.attachmentIds[0] ?? '', 'dead:2', leaseMs)
    await turns.dropForeignLeases('alive:')
    for (const { turnId } of [answered, reading]) await dispatchedMinutesAgo(turnId, 2)
    const found = await turns.orphaned(60_000, 10)
    expect(found.map(({ turnId }) => turnId).toSorted()).toEqual([answered.turnId, reading.turnId].toSorted())
    expect(found.find(({ turnId }) => turnId === reading.turnId)?.attachmentIds).toEqual(reading.dispatch.attachmentIds)
  })
})

describe('work whose process dies', () => {
  /** A process that claims and is killed. */
  const die = async (turnId: string, at: number, mode: 'ordinary' | 'beside' | 'alone' = 'ordinary') => {
    expect(await turns.claim(turnId, `dead:${at}`, leaseMs, mode)).toEqual({ kind: 'claimed' })
    await turns.dropForeignLeases('alive:')
  }

  it('is suspect after three tries, and counts tries that ran alone', async () => {
    const { turnId } = await turns.accept(message())
    for (let at = 0; at < 3; at += 1) await die(turnId, at)
    const refused = { kind: 'suspect', dispatch: 1, brokenOff: { tries: 3, alone: 0 } }
    expect(await turns.claim(turnId, 'alive:1', leaseMs)).toEqual(refused)
    await die(turnId, 3, 'alone')
    await die(turnId, 4, 'beside')
    expect(await turns.claim(turnId, 'alive:1', leaseMs)).toMatchObject({ brokenOff: { tries: 5, alone: 1 } })
    expect(await turns.claim(turnId, 'alive:2', leaseMs, 'alone')).toEqual({ kind: 'claimed' })
    expect(await turns.claim(turnId, 'alive:3', leaseMs)).toMatchObject({ kind: 'busy' })
    expect(await turns.claim(turnId, 'alive:3', leaseMs, 'beside')).toMatchObject({ kind: 'busy' })
  })

  it('does not include turns given back or claims sent again', async () => {
    const { turnId } = await turns.accept(message())
    for (let at = 0; at < 8; at += 1) {
      expect(await turns.claim(turnId, `w${at}`, leaseMs)).toEqual({ kind: 'claimed' })
      expect(await turns.claim(turnId, `w${at}`, leaseMs)).toEqual({ kind: 'claimed' })
      await turns.release(turnId, `w${at}`)
    }
    expect(await turns.claim(turnId, 'w', leaseMs)).toEqual({ kind: 'claimed' })
  })

  it('includes work whose lease expired', async () => {
    const { turnId } = await turns.accept(message())
    for (let at = 0; at < 3; at += 1) {
      await expect.poll(() => turns.claim(turnId, `w${at}`, 1)).toEqual({ kind: 'claimed' })
    }
    await expect.poll(() => turns.claim(turnId, 'w', 1)).toMatchObject({ brokenOff: { tries: 3, alone: 0 } })
  })

  it('runs isolated from the first try when it is regenerated', async () => {
    const { turnId } = await turns.accept(message())
    await turns.claim(turnId, 'w', leaseMs)
    const crashed = { ...outcome('Given up.', 'failed'), receipt: { ...receipt, error: 'turn_crashed' } }
    await turns.finish(turnId, 'w', crashed, null)
    const again = await turns.regenerate(turnId)
    expect(await turns.claim(again.turnId, 'w', leaseMs)).toMatchObject({
      kind: 'suspect',
      brokenOff: { tries: 3, alone: 0 },
    })
  })

  it('is counted for files too', async () => {
    const attachments = createAttachments(database)
    const { dispatch } = await turns.accept(message({ attachments: [file('x')] }))
    const [id = ''] = dispatch.attachmentIds
    for (let at = 0; at < 3; at += 1) {
      expect(await attachments.claim(id, `dead:${at}`, leaseMs)).toMatchObject({ attachment: { name: 'x' } })
      await turns.dropForeignLeases('alive:')
    }
    expect(await attachments.claim(id, 'alive:1', leaseMs)).toEqual({ suspect: { tries: 3, alone: 0 } })
    expect(await attachments.claim(id, 'dead:4', leaseMs, 'alone')).toMatchObject({ attachment: { name: 'x' } })
    expect(await attachments.claim(id, 'alive:1', leaseMs)).toBe('held')
    await turns.dropForeignLeases('alive:')
    expect(await attachments.claim(id, 'alive:1', leaseMs)).toEqual({ suspect: { tries: 4, alone: 1 } })
    // Given back, it does not count.
    await attachments.claim(id, 'alive:2', leaseMs, 'alone')
    await attachments.release(id, 'alive:2')
    expect(await attachments.claim(id, 'alive:1', leaseMs)).toEqual({ suspect: { tries: 4, alone: 1 } })
  })
})
