import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { message } from '../../test/fakes/message.ts'
import { receipt } from '../../test/fakes/receipt.ts'
import { type IntakeRig, inChannel, openIntakeRig } from '../../test/intake-rig.ts'
import { actionWording } from '../wording/answers.ts'

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

const opinions = async () =>
  (await rig.database.pool.query('select by, value, comment from feedback order by by')).rows as unknown[]

describe('who may press', () => {
  const paid = ['stop', 'regenerate', 'cheaper', 'better'] as const

  it('the asker and managers may stop or regenerate an answer', async () => {
    Object.assign(rig.roles, { mia: 'manager', ada: 'admin' })
    for (const by of ['ann', 'mia', 'ada'])
      for (const kind of paid) {
        const turnId = await rig.answered(inChannel({ channelId: `${by}-${kind}` }))
        expect(await rig.press({ kind, turnId }, by)).toHaveProperty('turnId')
      }
  })

  it('others in a channel are refused in a sentence that names the asker, and nothing happens', async () => {
    const turnId = await rig.answered()
    rig.jobs.length = 0
    for (const kind of paid)
      await expect(rig.press({ kind, turnId }, 'bob')).rejects.toMatchObject({
        code: 'request_forbidden',
        userMessage: actionWording.notYours(kind === 'stop' ? 'stop' : 'regenerate', 'Ann'),
      })
    expect(rig.jobs).toEqual([])
  })

  it('everybody who takes part in a direct conversation may', async () => {
    const turnId = await rig.answered({ ...inChannel(), kind: 'direct' })
    expect(await rig.press({ kind: 'regenerate', turnId }, 'bob')).toHaveProperty('turnId')
  })

  it('people of another workspace do not find the turn, whatever their role', async () => {
    const turnId = await rig.answered()
    Object.assign(rig.roles, { ann: 'admin' })
    for (const kind of [...paid, 'why', 'good'] as const)
      await expect(rig.press({ kind, turnId }, 'ann', { workspaceId: 'other' })).rejects.toMatchObject({
        code: 'turn_not_found',
      })
  })

  it('an answer that is for its asker alone is not found by others', async () => {
    Object.assign(rig.roles, { mia: 'manager' })
    const turnId = await rig.answered({ ...inChannel(), private: true })
    for (const kind of ['why', 'good', 'stop'] as const)
      await expect(rig.press({ kind, turnId }, 'mia')).rejects.toMatchObject({ code: 'turn_not_found' })
    expect(await rig.press({ kind: 'good', turnId }, 'ann')).toHaveProperty('notice')
  })

  it('an unknown turn no longer exists, whatever its id looks like', async () => {
    for (const turnId of [randomUUID(), 'x', "'; drop table turn"])
      await expect(rig.press({ kind: 'stop', turnId })).rejects.toMatchObject({ code: 'turn_not_found' })
  })
})

describe('a regenerated answer', () => {
  it('with a cheaper model carries the wish to the worker, with the model it is measured by', async () => {
    const old = await rig.answered()
    rig.jobs.length = 0
    const { turnId = '' } = await rig.press({ kind: 'cheaper', turnId: old })
    expect(turnId).not.toBe(old)
    expect(rig.jobs).toMatchObject([{ name: 'turn', payload: { turnId } }])
    const { overrides, messages } = await rig.turns.load(turnId)
    expect(overrides).toEqual({ tier: 'cheaper', from: { provider: receipt.provider, model: receipt.model } })
    expect(messages).toHaveLength(1)
  })

  it('keeps the wish of the answer it replaces, until there is another', async () => {
    const { turnId: better = '' } = await rig.press({ kind: 'better', turnId: await rig.answered() })
    await rig.end(better)
    const { turnId: again = '' } = await rig.press({ kind: 'regenerate', turnId: better })
    expect((await rig.turns.load(again)).overrides?.tier).toBe('better')
    await rig.end(again)
    const { turnId: cheaper = '' } = await rig.press({ kind: 'cheaper', turnId: again })
    expect((await rig.turns.load(cheaper)).overrides?.tier).toBe('cheaper')
  })

  it('without overrides has none', async () => {
    const { turnId = '' } = await rig.press({ kind: 'regenerate', turnId: await rig.answered() })
    expect((await rig.turns.load(turnId)).overrides).toBeUndefined()
  })

  it('pressed many times at once is one turn', async () => {
    const old = await rig.answered()
    const pressed = await Promise.all(Array.from({ length: 10 }, () => rig.press({ kind: 'better', turnId: old })))
    expect(new Set(pressed.map(({ turnId }) => turnId)).size).toBe(1)
  })
})

describe('opinions', () => {
  it('are one of each person and may change; a comment stays until the opinion changes', async () => {
    const turnId = await rig.answered()
    expect(await rig.press({ kind: 'bad', turnId }, 'ann', { comment: ' Wrong page.\0 ' })).toMatchObject({
      notice: { private: true },
    })
    await rig.press({ kind: 'good', turnId }, 'bob')
    await rig.press({ kind: 'bad', turnId }, 'ann')
    expect(await opinions()).toEqual([
      { by: 'ann', value: 'bad', comment: 'Wrong page.' },
      { by: 'bob', value: 'good', comment: null },
    ])
    await rig.press({ kind: 'good', turnId }, 'ann')
    expect((await opinions())[0]).toEqual({ by: 'ann', value: 'good', comment: null })
  })

  it('are of bounded length', async () => {
    const turnId = await rig.answered()
    await rig.press({ kind: 'bad', turnId }, 'ann', { comment: 'x'.repeat(100_000) })
    expect(await opinions()).toEqual([{ by: 'ann', value: 'bad', comment: 'x'.repeat(4000) }])
  })
})

describe('other buttons', () => {
  it('only the person who asks why sees the explanation', async () => {
    const turnId = await rig.answered()
    expect(await rig.press({ kind: 'why', turnId }, 'bob')).toEqual({
      notice: { text: `why ${turnId} for bob`, private: true },
    })
  })

  it('only the person who searches on for themselves sees what is found', async () => {
    const turnId = await rig.answered()
    expect(await rig.press({ kind: 'mine', turnId }, 'bob')).toEqual({
      notice: { text: `mine ${turnId} for bob`, private: true },
    })
  })

  it('an approval is decided where it was pressed, by who pressed', async () => {
    await rig.press({ kind: 'approve', approvalId: 'a1' }, 'mia')
    expect(rig.decisions).toEqual([['a1', 'approve', { id: 'mia' }, message().conversation]])
  })

  it('a command runs as if it was typed, once an event', async () => {
    expect(await rig.press({ kind: 'command', text: 'budget show' }, 'mia')).toEqual({ notice: { text: 'done' } })
    expect(rig.commands).toMatchObject([{ text: 'budget show', author: { id: 'mia' }, id: expect.any(String) }])
  })
})
