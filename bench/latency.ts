/**
 * From a question to the first text of its reply that people can see, beyond the model's own time. The model is scripted:
 * its first word comes at once, so what is left of a direct call is the machine's own cost, and what Parley takes longer
 * is Parley's. Both are asked by the same number of conversations at a time, in the same run: direct, Parley, direct.
 */
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { startClients, type Talk, type Turn } from './conversations.ts'
import { noProc, type Spent, watchCpu } from './processes.ts'
import { type Aim, median, quantile, say, type Table } from './report.ts'
import { databasePids, type ModelServer, startModel } from './servers.ts'
import { countRoundTrips } from './statements.ts'

interface Level {
  conversations: number
  /** Words of a reply: with `everyMs` how long it streams. */
  tokens: number
  everyMs: number
  /** Counted questions of each conversation. */
  turns: number
  thinkMs: Talk['thinkMs']
}

/** A lone conversation has short replies, so that many are asked in little time; the others stream for six seconds each. */
const levels: Level[] = [
  { conversations: 1, tokens: 10, everyMs: 20, turns: 240, thinkMs: { least: 20, most: 150 } },
  { conversations: 50, tokens: 120, everyMs: 50, turns: 6, thinkMs: { least: 0, most: 1000 } },
  { conversations: 200, tokens: 120, everyMs: 50, turns: 2, thinkMs: { least: 0, most: 1000 } },
]

const aims: Record<number, { share: number; name: string; atMost: number }> = {
  1: { share: 0.5, name: 'p50', atMost: 20 },
  50: { share: 0.95, name: 'p95', atMost: 100 },
}

export async function measureLatency(): Promise<{ tables: Table[]; aims: Aim[] }> {
  const measured: Measured[] = []
  for (const level of chosen()) measured.push(await measure(level))
  const trips = await countRoundTrips()
  return {
    tables: [
      {
        title: 'First visible text, in ms, beyond the model',
        rows: measured.flatMap(rows),
        notes: [
          'Parley: just before POST /console/threads/:id/messages → the server-sent event with the first text of the reply.',
          'direct: the same model called with the openai SDK → the first chunk with text. beyond: Parley less the p50 of direct.',
          ...measured.map(({ level }) => describe(level)),
        ],
      },
      {
        title: 'What it took',
        rows: measured.map(cost),
        notes: [
          noProc ??
            'ms: processor time for each question and its reply. others: cores that were busy with something else.',
          'Under a busy machine the tail is the machine’s: compare figures with few others beside them.',
        ],
      },
      trips,
    ],
    aims: measured.flatMap(({ level, beyond, spent: { otherCores } }) => {
      const aim = aims[level.conversations]
      if (aim === undefined) return []
      const what = `first text beyond the model, ${aim.name} at ${level.conversations}`
      return [{ what, value: quantile(beyond, aim.share), unit: 'ms', atMost: aim.atMost, otherCores }]
    }),
  }
}

/** `BENCH_LEVELS=1,50` measures some of them only. */
function chosen(): Level[] {
  const only = process.env.BENCH_LEVELS?.split(',').map(Number)
  return only === undefined ? levels : levels.filter(({ conversations }) => only.includes(conversations))
}

interface Measured {
  level: Level
  /** Every turn, for what went on at a time. */
  all: Turn[]
  /** Milliseconds to the first text, of the counted turns. */
  parley: number[]
  direct: number[]
  beyond: number[]
  spent: Spent
}

async function measure(level: Level): Promise<Measured> {
  say(`latency: ${level.conversations} at a time`)
  await using model = await startModel(level)
  const before = await askDirectly(level, model)
  const { turns, spent } = await throughParley(level, model)
  const direct = firstTexts([...before, ...(await askDirectly(level, model))])
  const floor = median(direct)
  const parley = firstTexts(turns)
  return { level, all: turns, parley, direct, beyond: parley.map((ms) => ms - floor), spent }
}

function firstTexts(turns: Turn[]): number[] {
  return turns.filter(({ counted }) => counted).map(({ firstMs }) => firstMs)
}

/** Half of the questions: it is asked once before Parley and once after. */
async function askDirectly(level: Level, model: ModelServer): Promise<Turn[]> {
  const talked = { ...talk(level), turns: Math.ceil(level.turns / 2), url: model.url, direct: true }
  await using clients = startClients(talked)
  return await clients.turns
}

async function throughParley(level: Level, model: ModelServer): Promise<{ turns: Turn[]; spent: Spent }> {
  const home = await temporaryHome()
  try {
    await using parley = await startParley(home, { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'bench' })
    await warmUp(parley.url)
    await using clients = startClients({ ...talk(level), url: parley.url, direct: false })
    const processes = {
      parley: async () => [parley.pid],
      postgres: () => databasePids(home),
      model: async () => [model.pid],
      clients: async () => [clients.pid],
    }
    const spent = await watchCpu(processes, clients.turns)
    return { turns: await clients.turns, spent }
  } finally {
    await removeHome(home)
  }
}

/** The first questions find a runtime that has compiled nothing yet; nobody would measure an engine so. */
async function warmUp(url: string): Promise<void> {
  const thinkMs = { least: 0, most: 10 }
  const talk = { conversations: 4, turns: 10, turnsPerThread: 10, thinkMs, startOverMs: 50 }
  await using clients = startClients({ ...talk, url, direct: false })
  await clients.turns
}

function talk({ conversations, turns, thinkMs, tokens, everyMs }: Level): Omit<Talk, 'url' | 'direct'> {
  return { conversations, turns, turnsPerThread: 10, thinkMs, startOverMs: conversations === 1 ? 0 : tokens * everyMs }
}

function rows({ level, parley, direct, beyond }: Measured) {
  return Object.entries({ Parley: parley, direct, beyond }).map(([way, values]) => ({
    'at a time': level.conversations,
    way,
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    most: quantile(values, 1),
    questions: values.length,
  }))
}

function cost({ level, all, spent }: Measured) {
  const seconds =
    (Math.max(...all.map((turn) => turn.at + turn.totalMs)) - Math.min(...all.map((turn) => turn.at))) / 1000
  const each = Object.entries(spent.ms).map(
    ([name, ms]) => [`${name} ms`, ms === null ? null : ms / all.length] as const,
  )
  return {
    'at a time': level.conversations,
    'streaming then': streamingMeanwhile(all),
    'questions/s': all.length / seconds,
    ...Object.fromEntries(each),
    'others, cores': spent.otherCores,
  }
}

/** How many replies were being streamed when a counted question was asked: the median. */
function streamingMeanwhile(turns: Turn[]): number {
  const streaming = (at: number) =>
    turns.filter((turn) => turn.at + turn.firstMs < at && at < turn.at + turn.totalMs).length
  return median(turns.filter(({ counted }) => counted).map(({ at }) => streaming(at)))
}

function describe({ conversations, tokens, everyMs, thinkMs }: Level): string {
  return `at ${conversations}: replies of ${tokens} words, one every ${everyMs} ms; ${thinkMs.least} to ${thinkMs.most} ms between reply and question.`
}
