/**
 * Laws 1 to 4 under kill -9: of Parley and of its database, again and again, while hundreds of turns are under way. Every
 * message is answered exactly once, in order in its thread, whole, and nothing is said twice.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Message } from '../../adapters/console/api.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { askedText } from '../servers/openai-wire.ts'
import { ConsoleClient, type ParleyProcess, postmasterPid, removeHome, startParley, temporaryHome } from './parley.ts'

const threads = 36
const messagesEach = 10
const kills = 32

let model: ScriptedOpenAi
let home: string

beforeAll(async () => {
  // Says which messages it was asked, in ten pieces.
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const marks = askedText(body).match(/#\d+-\d+#/g) ?? []
      return {
        tokens: [
          'BEGIN ',
          ...marks.map((mark) => `${mark} `),
          ...Array.from({ length: 10 }, (_, n) => `word${n} `),
          'END',
        ],
        firstAfterMs: 20,
        everyMs: 30,
      }
    },
  })
  home = await temporaryHome()
})
afterAll(async () => {
  await model?.close()
  if (home) await removeHome(home)
})

it(`every message is answered once, in order and whole, through ${kills} kills`, { timeout: 400_000 }, async () => {
  const env = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', LOG_LEVEL: 'warn' }
  let parley: ParleyProcess = await startParley(home, env)
  const client = () => new ConsoleClient(parley.url)
  /** While processes are killed every second nothing is promised about time; afterwards it is. */
  let calmSince = Number.POSITIVE_INFINITY

  /** What a page does: the same message again until it is taken in. */
  async function insist<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action()
      } catch (error) {
        if (Date.now() - calmSince > 90_000) throw error
        await sleep(50)
      }
    }
  }

  const threadIds = Array.from({ length: threads }, () => randomUUID())
  async function talk(threadId: string, thread: number): Promise<void> {
    for (let n = 0; n < messagesEach; n += 1) {
      const id = randomUUID()
      const upload =
        n % 4 === 1
          ? [await insist(() => client().upload(`note-${thread}-${n}.txt`, `Note ${thread}-${n}.\n`.repeat(50)))]
          : []
      const { turnId } = await insist(() => client().send(threadId, `Question #${thread}-${n}#`, upload, id))
      // Half of the threads wait for their answer, the others write on: their follow-ups queue or join.
      if (thread % 2 === 0) await insist(() => client().reply(threadId, turnId, 2000))
      else await sleep(Math.random() * 600)
    }
  }

  const killed = { parley: 0, postgres: 0 }
  const caught: Record<string, number> = {}
  async function rampage(): Promise<void> {
    for (let n = 0; n < kills; n += 1) {
      await sleep(150 + Math.random() * 1200)
      for (const [state, count] of Object.entries(await statesNow(home))) caught[state] = (caught[state] ?? 0) + count
      if (n % 3 === 2) {
        process.kill(await insist(() => postmasterPid(home)), 'SIGKILL')
        killed.postgres += 1
      } else {
        await parley.kill('SIGKILL')
        killed.parley += 1
        parley = await startParley(home, env)
      }
    }
    calmSince = Date.now()
  }

  await Promise.all([rampage(), ...threadIds.map(talk)])
  const deadline = Date.now() + 90_000
  let open = threadIds
  while (open.length > 0) {
    const states = await Promise.all(
      open.map(async (id) => ({ id, busy: (await insist(() => client().thread(id))).thread.busy })),
    )
    open = states.flatMap(({ id, busy }) => (busy ? [id] : []))
    if (Date.now() > deadline) throw new Error(`${open.length} threads are still busy:\n${parley.log().slice(-4000)}`)
    await sleep(100)
  }

  let turns = 0
  for (const [thread, id] of threadIds.entries()) {
    const { messages } = await client().thread(id)
    const replies = messages.filter(({ role }) => role === 'parley')
    turns += replies.length
    checkThread(thread, messages, replies)
  }
  console.log(JSON.stringify({ turns, killed, caughtInState: caught }))
  expect(killed.parley + killed.postgres).toBe(kills)
  expect(turns).toBeGreaterThanOrEqual(200)
  await parley[Symbol.asyncDispose]()
})

function checkThread(thread: number, messages: Message[], replies: Message[]): void {
  const asked = messages.filter(({ role }) => role === 'user').map(({ text }) => text)
  expect(asked).toEqual(Array.from({ length: messagesEach }, (_, n) => `Question #${thread}-${n}#`))
  // In order, each once: the marks of all replies, read one after the other, are the marks of all questions.
  const answered = replies.flatMap(({ text }) => text.match(/#\d+-\d+#/g) ?? [])
  expect(answered).toEqual(Array.from({ length: messagesEach }, (_, n) => `#${thread}-${n}#`))
  for (const { text, state, receipt } of replies) {
    expect(text).toMatch(/^BEGIN (?:#\d+-\d+# )+(?:word\d )+END$/)
    expect(state).toBe('done')
    expect(receipt).not.toBeNull()
    const words = [...text.matchAll(/word(\d)/g)].map((match) => match[1])
    expect(words.join('')).toBe('0123456789')
  }
  expect(new Set(replies.map(({ turnId }) => turnId)).size).toBe(replies.length)
}

/** In which states turns are at this moment: what the next kill will hit. */
async function statesNow(home: string): Promise<Record<string, number>> {
  const pid = await postmasterPid(home).catch(() => null)
  if (pid === null) return {}
  const client = new pg.Client({
    host: `${home}/postgres/run`,
    database: 'parley',
    user: 'parley',
    connectionTimeoutMillis: 500,
  })
  try {
    await client.connect()
    const { rows } = await client.query<{ state: string; count: number }>(`
      select case when turn.state = 'queued' and exists (
          select from turn_attachment file where file.turn_id = turn.id and file.state in ('waiting', 'reading')) then 'reading'
        when turn.state = 'queued' then 'queued' when turn.outcome is not null then 'settling'
        when exists (select from reply_part part where part.turn_id = turn.id) then 'streaming' else 'starting' end as state,
        count(*)::int as count
      from turn where turn.state in ('queued', 'answering') group by 1`)
    return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
  } catch {
    return {}
  } finally {
    await client.end().catch(() => undefined)
  }
}
