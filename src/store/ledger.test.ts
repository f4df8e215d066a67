import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { ann, call, correction, cost, describeLedger, leaseMs, scopesFor } from '../../test/ledger-rig.ts'
import { usd } from '../core/money.ts'
import { type Spender, scopeOf } from '../core/scope.ts'

const ben: Spender = { ...ann, userId: 'U2' }

describeLedger('the ledger', (at) => {
  const { reserve, limit, state, rows } = at

  it('keeps one row per attempt, with or without a budget', async () => {
    const turnId = randomUUID()
    const asked = call(usd('0.5'), { turnId, spender: { ...ann, keyId: 'k1' } })
    await reserve(asked)
    const usage = { input: 10, cacheRead: 4, cacheWrite: 0, output: 5, reasoning: 1, source: 'provider' as const }
    await at.ledger.settle(asked.id, { ...cost(123_456_789n), usage, firstTokenMs: 12.4, ms: 99.6 })
    expect(await rows()).toMatchObject([
      {
        id: asked.id,
        turn_id: turnId,
        platform: 'slack',
        workspace_id: 'T1',
        channel_id: 'C1',
        user_id: 'U1',
        key_id: 'k1',
        kind: 'answer',
        provider: 'openai',
        model: 'gpt-5',
        state: 'settled',
        outcome: 'ok',
        reserved: '500000000',
        cost: '123456789',
        usage,
        price: asked.price,
        estimated: false,
        ms: 100,
        first_token_ms: 12,
        scopes: [
          'all',
          'workspace:slack/T1',
          'channel:slack/T1/C1',
          'user:slack/T1/U1',
          'key:k1',
          'model:openai/gpt-5',
        ],
      },
    ])
  })

  it('reserves the full worst case, or rejects the call', async () => {
    await limit('all', '1')
    expect(await reserve(call(usd('0.6')))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(usd('0.4') + 1n))).toMatchObject({ kind: 'refused' })
    expect(await state()).toEqual({ spent: 0n, reserved: usd('0.6'), left: usd('0.4') })
    expect(await reserve(call(usd('0.4')))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(1n))).toMatchObject({ kind: 'refused' })
    expect((await rows()).length).toBe(2)
  })

  it('a refusal names the budget, what is spent and reserved, and when it resets', async () => {
    await limit(scopeOf.channel(ann), '1', { period: 'day', timeZone: 'Europe/Berlin' })
    const first = call(usd('0.7'))
    await reserve(first, '2026-03-28T12:00:00Z')
    await at.ledger.settle(first.id, cost(usd('0.4')))
    await reserve(call(usd('0.5')), '2026-03-28T12:00:00Z')
    const answer = await reserve(call(usd('0.2')), '2026-03-28T12:00:00Z')
    expect(answer).toMatchObject({
      kind: 'refused',
      by: {
        scope: 'channel:slack/T1/C1',
        period: 'day',
        timeZone: 'Europe/Berlin',
        limit: usd('1'),
        spent: usd('0.4'),
        reserved: usd('0.5'),
        resetsAt: new Date('2026-03-28T23:00:00Z'),
      },
    })
  })

  it('reserves in all scopes or in none', async () => {
    await limit('all', '10')
    await limit(scopeOf.user(ann), '0.1')
    await limit(scopeOf.model('openai', 'gpt-5'), '5')
    expect(await reserve(call(usd('0.2')))).toMatchObject({ kind: 'refused', by: { scope: 'user:slack/T1/U1' } })
    expect(await state('all')).toMatchObject({ reserved: 0n })
    expect(await reserve(call(usd('0.2'), { spender: ben }))).toEqual({ kind: 'admitted' })
    for (const scope of ['all', scopeOf.model('openai', 'gpt-5')] as const)
      expect(await state(scope)).toMatchObject({ reserved: usd('0.2') })
    expect(await reserve(call(usd('5'), { spender: ben }))).toMatchObject({ by: { scope: 'model:openai/gpt-5' } })
    expect(await reserve(call(usd('5'), { spender: ben, model: 'gpt-5-mini' }))).toEqual({ kind: 'admitted' })
  })

  it('the same id reserves once, and ends once', async () => {
    await limit('all', '1')
    const twice = call(usd('0.6'))
    expect(await Promise.all([reserve(twice), reserve(twice), reserve(twice)])).toEqual(
      Array.from({ length: 3 }, () => ({ kind: 'admitted' })),
    )
    expect(await state()).toMatchObject({ reserved: usd('0.6') })
    const ends = await Promise.all(
      [usd('0.1'), usd('0.1'), usd('0.1')].map((each) => at.ledger.settle(twice.id, cost(each))),
    )
    expect(ends.filter((end) => end?.first)).toHaveLength(1)
    expect(await at.ledger.settle(twice.id, cost(usd('0.9')))).toMatchObject({ first: false })
    expect(await at.ledger.release(twice.id)).toMatchObject({ first: false })
    expect(await reserve(twice)).toEqual({ kind: 'admitted' })
    expect(await state()).toEqual({ spent: usd('0.1'), reserved: 0n, left: usd('0.9') })
    expect(await at.ledger.settle(randomUUID(), cost(1n))).toBeUndefined()
  })

  it('released money was not spent', async () => {
    await limit('all', '1')
    const never = call(usd('1'))
    await reserve(never)
    await at.ledger.release(never.id)
    expect(await state()).toEqual({ spent: 0n, reserved: 0n, left: usd('1') })
    expect(await rows()).toMatchObject([{ state: 'released', cost: '0' }])
  })

  it('a hundred concurrent calls never reserve more than the budget', async () => {
    await limit('all', '1')
    await limit(scopeOf.user(ann), '0.5')
    const calls = Array.from({ length: 100 }, (_, n) => call(usd('0.03'), { spender: n % 2 === 0 ? ann : ben }))
    const answers = await Promise.all(calls.map((each) => reserve(each)))
    // 16 of Ann's fit in half a dollar, 33 of both in one.
    expect(answers.filter(({ kind }) => kind === 'admitted').length).toBeLessThanOrEqual(33)
    const held = await state()
    expect(held.reserved).toBe(usd('0.03') * BigInt(answers.filter(({ kind }) => kind === 'admitted').length))
    expect(held.left).toBeGreaterThanOrEqual(0n)
    expect((await state(scopeOf.user(ann))).left).toBeGreaterThanOrEqual(0n)
    // Ben's alone could use what Ann's may not.
    for (const each of calls.slice(0, 40)) await reserve({ ...each, id: randomUUID(), spender: ben })
    expect((await state()).reserved).toBe(usd('0.99'))
  })

  it('amounts are exact where floating point is not', async () => {
    await limit('all', '900000000')
    const many = call(9_007_199_254_740_993n)
    await reserve(many)
    await at.ledger.settle(many.id, cost(9_007_199_254_740_993n))
    for (let n = 0; n < 10; n += 1) {
      const each = call(usd('0.1'))
      await reserve(each)
      await at.ledger.settle(each.id, cost(usd('0.1') + 1n))
    }
    expect((await state()).spent).toBe(9_007_199_254_740_993n + usd('1') + 10n)
  })

  it('a free call passes an exhausted budget; its paid fallback does not', async () => {
    await limit('all', '0.1')
    const used = call(usd('0.1'))
    await reserve(used)
    await at.ledger.settle(used.id, cost(usd('0.1')))
    expect(await reserve(call(0n, { provider: 'ollama', model: 'qwen3' }))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(1n))).toMatchObject({ kind: 'refused' })
  })

  it('a cost above its reservation is booked in full', async () => {
    await limit('all', '1')
    const more = call(usd('0.1'))
    await reserve(more)
    expect(await at.ledger.settle(more.id, cost(usd('1.5')))).toMatchObject({ first: true, reserved: usd('0.1') })
    expect(await state()).toEqual({ spent: usd('1.5'), reserved: 0n, left: -usd('0.5') })
    expect(await reserve(call(1n))).toMatchObject({ kind: 'refused', by: { spent: usd('1.5') } })
  })

  it('an attempt whose process died counts as its worst case, until its real cost is known', async () => {
    await limit('all', '1')
    const lost = call(usd('0.6'))
    await at.ledger.reserve(lost, scopesFor(lost), { leaseMs: 0 })
    const alive = call(usd('0.2'))
    await reserve(alive)
    expect(await at.ledger.expire(10)).toMatchObject({ expired: 1 })
    expect(await at.ledger.expire(10)).toMatchObject({ expired: 0 })
    expect(await state()).toEqual({ spent: usd('0.6'), reserved: usd('0.2'), left: usd('0.2') })
    expect((await rows()).find(({ id }) => id === lost.id)).toMatchObject({
      state: 'expired',
      cost: '600000000',
      estimated: true,
    })
    await at.ledger.settle(lost.id, cost(usd('0.05')))
    expect(await state()).toEqual({ spent: usd('0.05'), reserved: usd('0.2'), left: usd('0.75') })
    expect((await rows()).find(({ id }) => id === lost.id)).toMatchObject({ state: 'settled', estimated: false })
  })

  it('an attempt whose process died counts as its last renewal says, never more than reserved', async () => {
    await limit('all', '5')
    const [reserved, renewed, beyond] = [call(usd('1')), call(usd('1')), call(usd('1'))]
    await at.ledger.reserve(reserved, scopesFor(reserved), { leaseMs, most: usd('0.2') })
    for (const each of [renewed, beyond]) await at.ledger.reserve(each, scopesFor(each), { leaseMs, most: usd('0.2') })
    await at.ledger.renew(
      [
        { id: renewed.id, most: usd('0.35') },
        { id: beyond.id, most: usd('7') },
      ],
      leaseMs,
    )
    expect(await state()).toMatchObject({ spent: 0n, reserved: usd('3') })
    expect(await at.ledger.expire(10)).toMatchObject({ expired: 0 })
    await at.ledger.dropLeases()
    expect(await at.ledger.expire(10)).toMatchObject({ expired: 3 })
    const costs = new Map((await rows()).map(({ id, cost }) => [id, cost]))
    expect([reserved, renewed, beyond].map(({ id }) => costs.get(id))).toEqual(['200000000', '350000000', '1000000000'])
    expect(await state()).toMatchObject({ spent: usd('1.55'), reserved: 0n })
  })

  async function expired(amount: bigint) {
    const lost = call(amount)
    // Over for good: the column is rounded to milliseconds.
    await at.ledger.reserve(lost, scopesFor(lost), { leaseMs: -10 })
    expect(await at.ledger.expire(10)).toMatchObject({ expired: 1 })
    return lost
  }

  it('a correction is final: a real cost that comes late does not replace it', async () => {
    await limit('all', '1')
    const lost = await expired(usd('0.6'))
    expect(await at.ledger.correct(lost.id, usd('0.01'), correction())).toMatchObject({ cost: usd('0.6') })
    expect(await at.ledger.settle(lost.id, cost(usd('0.5')))).toMatchObject({ first: false })
    expect(await at.ledger.release(lost.id)).toMatchObject({ first: false })
    expect(await state()).toMatchObject({ spent: usd('0.01'), reserved: 0n })
    expect(await rows()).toMatchObject([{ cost: '10000000', state: 'settled', estimated: false }])
  })

  it('a correction and a real cost at the same moment leave the correction', async () => {
    await limit('all', '100')
    const lost = []
    for (let n = 0; n < 20; n += 1) lost.push(await expired(usd('0.6')))
    await Promise.all(
      lost.flatMap(({ id }) => [
        at.ledger.settle(id, cost(usd('0.5'))),
        at.ledger.correct(id, usd('0.01'), correction()),
      ]),
    )
    expect(await state()).toMatchObject({ spent: usd('0.2'), reserved: 0n })
  })

  it('a correction is booked with its entry in the audit log or not at all', async () => {
    await limit('all', '1')
    const lost = await expired(usd('0.6'))
    const entry = correction()
    await at.database.pool.query('alter table audit add constraint shut check (false) not valid')
    await expect(at.ledger.correct(lost.id, usd('0.01'), entry)).rejects.toThrow()
    expect(await state()).toMatchObject({ spent: usd('0.6') })
    await at.database.pool.query('alter table audit drop constraint shut')
    // Sent twice, it is one correction with the same answer.
    for (let n = 0; n < 2; n += 1)
      expect(await at.ledger.correct(lost.id, 12_345_678_901n, entry)).toMatchObject({ cost: usd('0.6') })
    const { rows: audit } = await at.database.pool.query('select by, by_name, scope, before, after from audit')
    expect(audit).toEqual([
      {
        by: 'slack/T1/UROOT',
        by_name: 'Root',
        scope: 'user:slack/T1/U1',
        before: { model: 'openai/gpt-5', cost: '0.6' },
        after: { reason: 'counted twice', cost: '12.345678901' },
      },
    ])
    expect(await state()).toMatchObject({ spent: 12_345_678_901n })
  })

  it('reports the highest speed of each model', async () => {
    const answered = async (
      model: string,
      more: { output: number; reasoning: number; ms: number; first: number; guess?: true },
    ) => {
      const each = call(1n, { model })
      await reserve(each)
      const { output, reasoning, ms, first, guess } = more
      const source = guess ? 'estimated' : 'provider'
      const usage = { input: 1, cacheRead: 0, cacheWrite: 0, output, reasoning, source } as const
      await at.ledger.settle(each.id, { ...cost(1n), usage, ms, firstTokenMs: first, estimated: guess === true })
    }
    await answered('quick', { output: 100, reasoning: 0, ms: 3_000, first: 1_000 })
    await answered('quick', { output: 200, reasoning: 0, ms: 3_000, first: 1_000 })
    await answered('quick', { output: 900, reasoning: 0, ms: 3_000, first: 1_000, guess: true })
    await answered('thinks', { output: 1_000, reasoning: 900, ms: 6_000, first: 5_000 })
    await answered('short', { output: 5, reasoning: 0, ms: 1_005, first: 1_000 })
    const found = (await at.ledger.speeds()).toSorted((a, b) => a.id.localeCompare(b.id))
    expect(found).toEqual([
      { provider: 'openai', id: 'quick', fastest: { tokensPerSecond: 100, calls: 2 } },
      { provider: 'openai', id: 'thinks', fastest: { tokensPerSecond: 180, calls: 1 } },
    ])
  })

  it('a renewed lease does not expire', async () => {
    const long = call(usd('0.6'))
    await at.ledger.reserve(long, scopesFor(long), { leaseMs: 0 })
    await at.ledger.renew([{ id: long.id, most: usd('0.6') }], leaseMs)
    expect(await at.ledger.expire(10)).toMatchObject({ expired: 0 })
  })
})
