/**
 * Laws 1 to 4 under kill -9: of Parley and of its database, again and again, while many turns are under way. Every message
 * is answered exactly once, in order in its thread, whole, and nothing is said twice; and when the kills are over, every turn
 * ends in its own time, counted from its own start.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { expect } from 'vitest'
import type { Message } from '../../adapters/console/api.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { ConsoleClient, type ParleyProcess, postmasterPid, removeHome, startParley, temporaryHome } from './parley.ts'

export interface CrashPlan {
  threads: number
  messagesEach: number
  kills: number
  /** Whether a message comes with a file that nobody has read before. */
  hasFile(thread: number, n: number): boolean
}

export interface CrashReport {
  turns: number
  filesRead: number
  killed: { parley: number; postgres: number }
  /** In which states turns were when something was killed. */
  caughtInState: Record<string, number>
  /** After the kills: the longest time from the moment a turn could begin to its end. */
  slowestMs: number
  /** What that turn might have taken. */
  limitMs: number
  /** How many times slower the machine was than one that has time. */
  slowness: number
  calmAfterMs: number
  tookMs: number
}

/** What a fault interrupted goes on within this time after its end. A turn here takes half a second by itself. */
const turnMs = 20_000
/** For each file that is still to be read when the kills are over: all of them share two readers. */
const fileMs = 2_000
/**
 * Both are meant for a machine that has time. One on which Parley takes longer than this to start (it takes about a second) is loaded:
 * there everything takes as much longer.
 */
const startMs = 4_000
const mostSlowness = 3

export async function runCrashes(plan: CrashPlan): Promise<CrashReport> {
  const model = await startModel()
  const home = await temporaryHome()
  try {
    return await run(plan, model, home)
  } finally {
    await model.close()
    await removeHome(home)
  }
}

/** Says which messages it was asked, in pieces. */
function startModel(): Promise<ScriptedOpenAi> {
  return startScriptedOpenAi({
    script: ({ body }) => {
      const marks = questionTextOf(body).match(/#\d+-\d+#/g) ?? []
      const words = Array.from({ length: 10 }, (_, n) => `word${n} `)
      return { tokens: ['BEGIN ', ...marks.map((mark) => `${mark} `), ...words, 'END'], firstAfterMs: 20, everyMs: 30 }
    },
  })
}

async function run(plan: CrashPlan, model: ScriptedOpenAi, home: string): Promise<CrashReport> {
  const { threads, messagesEach, kills } = plan
  const begun = Date.now()
  const env = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', LOG_LEVEL: 'warn' }
  let parley: ParleyProcess = await startParley(home, env)
  let lastStartMs = 0
  /** What this test kills; a process that ends otherwise has failed. */
  const killedHere = new WeakSet<ParleyProcess>()
  const endsOnlyWhenKilled = async (started: ParleyProcess) => {
    await started.ended
    if (!killedHere.has(started)) watch.fail('Parley ended by itself')
  }
  const client = () => new ConsoleClient(parley.url)
  const watch = watchTurns(home)
  void endsOnlyWhenKilled(parley)

  /** What a page does: the same message again until it is taken in. Ends with the watch. */
  async function insist<T>(action: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await action()
      } catch (error) {
        if (watch.over.aborted) throw error
        await sleep(50)
      }
    }
  }

  const threadIds = Array.from({ length: threads }, () => randomUUID())
  async function talk(threadId: string, thread: number): Promise<void> {
    for (let n = 0; n < messagesEach; n += 1) {
      const id = randomUUID()
      const note = `Note ${thread}-${n}.\n`.repeat(50)
      const upload = plan.hasFile(thread, n)
        ? [await insist(() => client().upload(`note-${thread}-${n}.txt`, note))]
        : []
      const { turnId } = await insist(() => client().send(threadId, `Question #${thread}-${n}#`, upload, id))
      // Half of the threads wait for their answer, the others write on: their follow-ups queue or join.
      if (thread % 2 === 0) await watch.ended(turnId)
      else await sleep(Math.random() * 600)
    }
  }

  const killed = { parley: 0, postgres: 0 }
  const caughtInState: Record<string, number> = {}
  async function rampage(): Promise<void> {
    for (let n = 0; n < kills; n += 1) {
      await sleep(150 + Math.random() * 1200)
      for (const [state, count] of Object.entries(watch.states()))
        caughtInState[state] = (caughtInState[state] ?? 0) + count
      if (n % 3 === 2) {
        process.kill(await insist(() => postmasterPid(home)), 'SIGKILL')
        killed.postgres += 1
      } else {
        killedHere.add(parley)
        await parley.kill('SIGKILL')
        killed.parley += 1
        const at = performance.now()
        parley = await startParley(home, env)
        lastStartMs = performance.now() - at
        void endsOnlyWhenKilled(parley)
      }
    }
    watch.calm(Math.min(mostSlowness, Math.max(1, lastStartMs / startMs)))
  }

  try {
    await Promise.race([Promise.all([rampage(), ...threadIds.map(talk)]), watch.failed])
    await Promise.race([watch.allEnded(), watch.failed])
    let turns = 0
    let filesRead = 0
    for (const [thread, id] of threadIds.entries()) {
      const { messages } = await client().thread(id)
      const replies = messages.filter(({ role }) => role === 'parley')
      turns += replies.length
      checkThread(plan, thread, messages, replies)
      filesRead += replies.flatMap(({ receipt }) => receipt?.attachments ?? []).length
    }
    const report = {
      turns,
      filesRead,
      killed,
      caughtInState,
      ...watch.slowest(),
      calmAfterMs: watch.calmAt() - begun,
      tookMs: Date.now() - begun,
    }
    console.log(JSON.stringify(report))
    return report
  } catch (error) {
    if (error instanceof Error) error.message += `\nParley's log ends:\n${parley.log().slice(-3000)}`
    throw error
  } finally {
    killedHere.add(parley)
    await watch.close()
    await parley.kill('SIGKILL').catch(() => undefined)
    await killPostgres(home)
  }
}

function checkThread(plan: CrashPlan, thread: number, messages: Message[], replies: Message[]): void {
  const asked = messages.filter(({ role }) => role === 'user').map(({ text }) => text)
  expect(asked).toEqual(Array.from({ length: plan.messagesEach }, (_, n) => `Question #${thread}-${n}#`))
  // In order, each once: the marks of all replies, read one after the other, are the marks of all questions.
  const answered = replies.flatMap(({ text }) => text.match(/#\d+-\d+#/g) ?? [])
  expect(answered).toEqual(Array.from({ length: plan.messagesEach }, (_, n) => `#${thread}-${n}#`))
  for (const { text, state, receipt } of replies) {
    expect(text).toMatch(/^BEGIN (?:#\d+-\d+# )+(?:word\d )+END$/)
    expect(state).toBe('done')
    expect(receipt).not.toBeNull()
    for (const { outcome } of receipt?.attachments ?? []) expect(outcome).toBe('read')
    const words = [...text.matchAll(/word(\d)/g)].map((match) => match[1])
    expect(words.join('')).toBe('0123456789')
  }
  expect(new Set(replies.map(({ turnId }) => turnId)).size).toBe(replies.length)
}

interface Row {
  [column: string]: unknown
  id: string
  seq: string
  conversation_key: string
  state: string
  /** As the test tells them apart: what the next kill will hit. */
  phase: string
  created: number
  finished: number | null
  dispatches: number
  attempts: number
  broken_off: number
  lease: string | null
  files: string[] | null
}

/** Looks at the turns in the database five times a second, and fails when one takes longer than it may. */
function watchTurns(home: string) {
  const over = new AbortController()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  const waiting = new Map<string, () => void>()
  let whenAllEnded: (() => void) | undefined
  let rows: Row[] = []
  let calmAt = Number.POSITIVE_INFINITY
  let slowestMs = 0
  let limitMs = 0
  let slowness = 1
  const looking = look()

  async function look(): Promise<void> {
    while (!over.signal.aborted) {
      const asked = Date.now()
      const fresh = await readTurns(home)
      if (fresh !== null) {
        rows = fresh
        check(asked)
        const open = rows.filter(isOpen)
        for (const { id } of rows.filter((row) => !isOpen(row))) waiting.get(id)?.()
        if (open.length === 0) whenAllEnded?.()
      }
      await sleep(200)
    }
  }

  /** A turn can begin when it was asked, the kills are over and the turn before it in its thread has ended. */
  function check(now: number): void {
    if (calmAt > now) return
    const unread = rows
      .flatMap(({ files }) => files ?? [])
      .filter((state) => state !== 'read' && state !== 'failed').length
    filesAtCalm ??= unread
    const previousEnd = new Map<string, number>()
    for (const row of rows) {
      const before = previousEnd.get(row.conversation_key) ?? 0
      const end = row.finished ?? now
      previousEnd.set(row.conversation_key, end)
      const took = end - Math.max(row.created, calmAt, before)
      const limit = slowness * (turnMs + (row.files === null ? 0 : fileMs * (filesAtCalm + newFiles())))
      if (took > slowestMs) {
        slowestMs = took
        limitMs = limit
      }
      if (took > limit && !over.signal.aborted) fail(`turn ${row.id} took ${took} ms, and may take ${limit}`)
    }
  }
  let filesAtCalm: number | undefined
  const newFiles = () => rows.filter(({ created }) => created > calmAt).flatMap(({ files }) => files ?? []).length

  function fail(reason: string): void {
    const open = rows.filter(isOpen).map((row) => {
      const { id, state, phase, dispatches, attempts, broken_off, lease, files } = row
      return JSON.stringify({
        id,
        age: Date.now() - row.created,
        state,
        phase,
        dispatches,
        attempts,
        broken_off,
        lease,
        files,
      })
    })
    failed.reject(new Error(`${reason}. ${open.length} turns are open:\n${open.join('\n')}`))
    over.abort()
  }

  return {
    over: over.signal,
    fail,
    failed: failed.promise,
    calm(howSlow: number) {
      slowness = howSlow
      calmAt = Date.now()
    },
    calmAt: () => calmAt,
    slowest: () => ({ slowestMs: Math.round(slowestMs), limitMs: Math.round(limitMs), slowness }),
    ended: (turnId: string) =>
      new Promise<void>((resolve) => {
        waiting.set(turnId, () => {
          waiting.delete(turnId)
          resolve()
        })
      }),
    allEnded: () =>
      new Promise<void>((resolve) => {
        whenAllEnded = resolve
      }),
    states(): Record<string, number> {
      const counts: Record<string, number> = {}
      for (const { phase } of rows.filter(isOpen)) counts[phase] = (counts[phase] ?? 0) + 1
      return counts
    },
    async close() {
      over.abort()
      await looking
    },
  }
}

const isOpen = ({ state }: Row) => state === 'queued' || state === 'answering'

/** `null` while the database is away. */
async function readTurns(home: string): Promise<Row[] | null> {
  const client = new pg.Client({
    host: `${home}/postgres/run`,
    database: 'parley',
    user: 'parley',
    connectionTimeoutMillis: 2_000,
    query_timeout: 5_000,
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<Row>(`
      with files as (
        select turn_id, array_agg(state::text) as states, bool_or(state in ('waiting', 'reading')) as unread
        from turn_attachment group by turn_id)
      select turn.id, turn.seq, turn.conversation_key, turn.state::text, turn.dispatches, turn.attempts, turn.broken_off,
        case when turn.state = 'queued' and files.unread then 'reading' when turn.state = 'queued' then 'queued'
          when turn.outcome is not null then 'settling'
          when exists (select from reply_part part where part.turn_id = turn.id) then 'streaming' else 'starting' end as phase,
        extract(epoch from turn.created_at)::float * 1000 as created,
        extract(epoch from turn.finished_at)::float * 1000 as finished,
        case when conversation.lease_turn = turn.id then (conversation.lease_until - now())::text end as lease,
        files.states as files
      from turn join conversation on conversation.key = turn.conversation_key left join files on files.turn_id = turn.id
      order by turn.conversation_key, turn.seq`)
    return rows
  } catch {
    return null
  } finally {
    // Not waited for: a server that was killed in between never answers.
    client.end().catch(() => undefined)
  }
}

async function killPostgres(home: string): Promise<void> {
  const pid = await postmasterPid(home).catch(() => null)
  if (pid === null) return
  try {
    process.kill(pid, 'SIGQUIT')
  } catch {} // it is gone already
}
