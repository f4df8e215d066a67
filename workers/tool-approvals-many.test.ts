/** Thirty requests on three platforms at once: pressed in any order, twice, by others, after a restart and too late. Exactly the right calls are made, once. */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLog } from '../src/core/log.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { message } from '../test/fakes/message.ts'
import { calls, fakeTool, says, toolRig } from '../test/tool-rig.ts'

let server: TestServer
let database: Database
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

const platforms = ['slack', 'discord', 'teams']
const fates = ['approved', 'denied', 'late', 'others', 'changed'] as const

it('thirty requests on three platforms, pressed in any order, make exactly the approved calls, once', async () => {
  const ran: string[] = []
  const turns = createTurns(database)
  const asked = await Promise.all(
    Array.from({ length: 30 }, async (_, n) => {
      const sent = message({
        ...{ channelId: `c${n}`, platform: platforms[n % 3] ?? '', author: `asker${n}`, text: `File issue ${n}.` },
      })
      const { turnId } = await turns.accept(sent)
      return { n, sent, turnId, fate: fates[Math.floor(n / 3) % fates.length] ?? 'late' }
    }),
  )
  const tool = fakeTool(
    'file_issue',
    async (args) => {
      ran.push(JSON.stringify(args))
      return { text: 'Filed.' }
    },
    { effect: 'write' },
  )
  // The model reads from the question which issue it files.
  const files = (request: { messages: readonly { parts: readonly object[] }[] }) => {
    const [, n = ''] = /File issue (\d+)\./.exec(JSON.stringify(request.messages.at(0))) ?? []
    return [calls(`a${n}`, 'file_issue', { n: Number(n) })]
  }
  const open = async (tools = [tool]) => await toolRig(database, { steps: [files, [says('Done.')]], tools })
  const first = await open()
  for (const { turnId } of asked) expect(await first.answer(turnId)).toBeNull()
  expect(first.cards()).toHaveLength(30)
  const { rows } = await database.pool.query<{ id: string; turn_id: string }>('select id, turn_id from tool_call')
  const cards = asked.map((each) => ({ ...each, id: rows.find((row) => row.turn_id === each.turnId)?.id ?? '' }))

  const late = cards.filter(({ fate }) => fate === 'late').map(({ id }) => id)
  await database.pool.query(
    `update tool_call set expires_at = now() - interval '1 second' where id = any ($1::uuid[])`,
    [late],
  )
  // Another process answers and takes the presses from here on.
  const second = await open()
  const presses = cards.flatMap((card) => {
    const wrong = [
      { card, by: 'somebody', decision: 'approve' as const },
      { card, by: `asker${(card.n + 1) % 30}`, decision: 'approve' as const },
    ]
    const own = {
      card,
      by: `asker${card.n}`,
      decision: card.fate === 'denied' ? ('decline' as const) : ('approve' as const),
    }
    return card.fate === 'others' ? wrong : [...wrong, own, own]
  })
  const [order = []] = fc.sample(fc.shuffledSubarray(presses, { minLength: presses.length }), { numRuns: 1 })
  // Four at a time, as presses come from several processes.
  for (let at = 0; at < order.length; at += 4)
    await Promise.all(
      order.slice(at, at + 4).map(({ card, by, decision }, n) =>
        (n % 2 === 0 ? first : second).press(card.id, decision, by, card.sent).catch((error: { code?: string }) => {
          expect(error.code).toBe('command_forbidden')
        }),
      ),
    )
  const changed = await open([{ ...tool, description: 'Files and deletes.' }])
  for (const { turnId, fate } of cards) {
    const at = fate === 'changed' ? changed : second
    const [ended, again] = await Promise.all([at.answer(turnId), at.answer(turnId)])
    expect(ended ?? again ?? null, fate).toEqual(fate === 'others' ? null : expect.objectContaining({ state: 'done' }))
  }
  const expected = cards.filter(({ fate }) => fate === 'approved').map(({ n }) => JSON.stringify({ n }))
  expect(ran.toSorted()).toEqual(expected.toSorted())
  for (const { id, by, sent } of cards.map((card) => ({ ...card, by: `asker${card.n}` })))
    await second.press(id, 'approve', by, sent)
  expect(ran).toHaveLength(expected.length)
})
