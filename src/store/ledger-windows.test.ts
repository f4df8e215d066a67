import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { ann, call, cost, describeLedger, leaseMs } from '../../test/ledger-rig.ts'
import { usd } from '../core/money.ts'
import { type Spender, scopeOf } from '../core/scope.ts'
import { settingWording } from '../wording/storage.ts'

const ben: Spender = { ...ann, userId: 'U2' }

describeLedger('windows and warnings of budgets', (at) => {
  const { reserve, limit, state } = at

  it('a reservation belongs to the window in which it was made, whenever it is settled', async () => {
    await limit('all', '1', { period: 'day', timeZone: 'Europe/Berlin' })
    const late = call(usd('0.8'))
    // A second before midnight of the day that is 23 hours long.
    await reserve(late, '2026-03-29T21:59:59.999Z')
    expect(await reserve(call(usd('0.3')), '2026-03-29T21:59:59.999Z')).toMatchObject({ kind: 'refused' })
    expect(await reserve(call(usd('0.9')), '2026-03-29T22:00:00Z')).toEqual({ kind: 'admitted' })
    await at.ledger.settle(late.id, cost(usd('0.7')))
    const windows = await at.database.pool.query(
      'select starts_at, spent, reserved from budget_window order by starts_at',
    )
    expect(windows.rows).toEqual([
      { starts_at: new Date('2026-03-28T23:00:00Z'), spent: '700000000', reserved: '0' },
      { starts_at: new Date('2026-03-29T22:00:00Z'), spent: '0', reserved: '900000000' },
    ])
  })

  it('a budget set mid-window counts money already spent and reserved, once', async () => {
    const spent = call(usd('0.5'))
    const open = call(usd('0.4'))
    for (const each of [spent, open]) await reserve(each)
    await at.ledger.settle(spent.id, cost(usd('0.3')))
    await limit('all', '1')
    expect(await state()).toEqual({ spent: usd('0.3'), reserved: usd('0.4'), left: usd('0.3') })
    expect(await reserve(call(usd('0.3') + 1n))).toMatchObject({ kind: 'refused' })
    for (let again = 0; again < 3; again += 1) await limit('all', '2')
    expect(await state()).toEqual({ spent: usd('0.3'), reserved: usd('0.4'), left: usd('1.3') })
    await at.budgets.remove('all', 'month')
    await limit('all', '1')
    expect(await state()).toEqual({ spent: usd('0.3'), reserved: usd('0.4'), left: usd('0.3') })
    await at.ledger.settle(open.id, cost(usd('0.1')))
    expect(await state()).toEqual({ spent: usd('0.4'), reserved: 0n, left: usd('0.6') })
  })

  it('another time zone recalculates the windows', async () => {
    await limit('all', '1', { period: 'day', timeZone: 'Pacific/Auckland' })
    await reserve(call(usd('0.5')))
    await limit('all', '1', { period: 'day', timeZone: 'Pacific/Pago_Pago' })
    const [found] = await at.budgets.list(['all'])
    expect(found).toMatchObject({ timeZone: 'Pacific/Pago_Pago', reserved: usd('0.5') })
    expect(await reserve(call(usd('0.6')))).toMatchObject({ by: { timeZone: 'Pacific/Pago_Pago' } })
  })

  it('counters match the ledger while budgets change during concurrent calls', async () => {
    const calls = Array.from({ length: 60 }, async (_, n) => {
      const each = call(usd('0.01'), { spender: n % 3 === 0 ? ben : ann })
      const { kind } = await reserve(each)
      expect(kind).toBe('admitted')
      if (n % 4 !== 0) await at.ledger.settle(each.id, cost(BigInt(n) * 1000n))
    })
    const changes = async () => {
      for (let n = 1; n < 6; n += 1) {
        await limit('all', `${n}`)
        await limit(scopeOf.user(ann), `${n}`)
        if (n % 2 === 0) await at.budgets.remove('all', 'month')
      }
    }
    await Promise.all([...calls, changes()])
    await limit('all', '100')
    const kept = await at.budgets.list()
    await at.database.pool.query('delete from budget_window')
    const counted = await at.budgets.list()
    expect(kept.map(({ spent, reserved }) => ({ spent, reserved }))).toEqual(
      counted.map(({ spent, reserved }) => ({ spent, reserved })),
    )
    expect(counted[0]?.reserved).toBe(usd('0.15'))
  })

  it('a grant adds to the current window only', async () => {
    await limit('all', '1')
    expect(
      await at.budgets.grant(randomUUID(), { scope: 'all', period: 'month', amount: usd('0.5') }, 'test'),
    ).toMatchObject({
      extra: usd('0.5'),
      left: usd('1.5'),
    })
    expect(await reserve(call(usd('1.5')))).toEqual({ kind: 'admitted' })
    expect(await reserve(call(usd('1.2')), '2031-01-01T00:00:00Z')).toMatchObject({ by: { limit: usd('1') } })
    expect(
      await at.budgets.grant(randomUUID(), { scope: scopeOf.key('none'), period: 'day', amount: 1n }, 'test'),
    ).toBeNull()
  })

  it('warns once per window and threshold, and once when several are passed together', async () => {
    await limit('all', '1')
    const spend = async (amount: string) => {
      const each = call(usd(amount))
      await reserve(each)
      return (await at.ledger.settle(each.id, cost(usd(amount))))?.alerts
    }
    expect(await spend('0.49')).toBe(0)
    expect(await spend('0.01')).toBe(1)
    expect(await spend('0.01')).toBe(0)
    const [half, ...rest] = await at.ledger.claimAlerts()
    expect(rest).toEqual([])
    expect(half).toMatchObject({ scope: 'all', threshold: 50, limit: usd('1'), spent: usd('0.51') })
    expect(await at.ledger.claimAlerts()).toEqual([])
    if (half) await at.ledger.markAlertSent(half)
    expect(await spend('0.49')).toBe(2)
    expect(await at.ledger.claimAlerts()).toMatchObject([{ threshold: 100 }])
  })

  it('a warning that failed to send is sent by the next process', async () => {
    await limit('all', '1')
    await at.ledger.reserve(call(usd('2')), ['all'], { leaseMs })
    expect(await at.ledger.claimAlerts()).toMatchObject([{ threshold: 100 }])
    await at.database.pool.query(`update budget_alert set claimed_at = now() - interval '61 seconds'`)
    expect(await at.ledger.claimAlerts()).toMatchObject([{ threshold: 100 }])
  })

  it('reserved money alone triggers no warning', async () => {
    await limit('all', '1')
    await reserve(call(usd('0.9')))
    expect(await reserve(call(usd('0.2')))).toMatchObject({ kind: 'refused', alerts: 0 })
    expect(await at.ledger.claimAlerts()).toEqual([])
  })

  it('negative amounts and unknown time zones are rejected', async () => {
    await expect(reserve(call(-1n))).rejects.toThrow(RangeError)
    expect(() => at.ledger.settle(randomUUID(), cost(-1n))).toThrow(RangeError)
    await expect(limit('all', '1', { timeZone: 'Mars/Olympus' })).rejects.toMatchObject({
      code: 'command_invalid',
      userMessage: settingWording.unknownTimeZone('Mars/Olympus'),
    })
  })
})
