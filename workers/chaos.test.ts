/** Nearly a third of all calls to models fail, in every way there is: no turn is left without an answer or a clear sentence. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { answerWords, faults, runChaos } from '../test/chaos.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

it('150 turns through two servers that fail end in an answer or a clear sentence, and everything is settled', async () => {
  const result = await runChaos({
    connection: (await server.createDatabase()).connection,
    turns: 150,
    atATime: 25,
    share: 0.3,
    backoffMs: 5,
    timers: { connectMs: 1500, idleMs: 1500, totalMs: 20_000 },
    health: { limits: { coolMs: 50, longestMs: 1_500 } },
  })
  expect(result.turns).toHaveLength(150)
  for (const [name, count] of Object.entries(result.faults)) expect(count, name).toBeGreaterThan(0)
  expect(Object.keys(result.faults)).toHaveLength(Object.keys(faults).length)

  const whole = answerWords.join('')
  for (const { outcome } of result.turns) {
    const { state, text, receipt, route } = outcome
    if (state === 'failed') expect(text).toMatch(/^[A-Z].+\. [A-Z].+\.$/)
    else if (receipt.finish === 'truncated') {
      expect(whole.startsWith(text.trimEnd()) && text !== '').toBe(true)
      expect(receipt.notices.join(' ')).toContain('This answer is incomplete.')
    } else expect(text).toBe(whole)
    expect(JSON.stringify(outcome)).not.toContain('scripted 5')
    expect(route?.attempts?.length).toBeGreaterThan(0)
  }
  const answers = result.turns.filter(({ outcome }) => outcome.text === whole)
  expect(answers.length).toBeGreaterThan(130)
  expect(result.turns.some(({ outcome }) => outcome.receipt.provider === 'server2')).toBe(true)

  // Every call was reserved for itself; nothing is left reserved; what the receipts say adds up to the ledger.
  const told = result.turns.reduce((sum, { outcome }) => sum + BigInt(outcome.receipt.costNanoUsd ?? 0), 0n)
  expect(result.ledger).toMatchObject({ open: 0, reserved: 0n })
  expect(result.ledger.rows).toBeGreaterThanOrEqual(150)
  expect(result.ledger.cost).toBeGreaterThanOrEqual(told)
}, 120_000)
