/**
 * From a question to the first text of its reply that people can see, beyond the model's own time. The model is scripted:
 * its first word comes at once, so what is left of a direct call is the machine's own cost, and what Parley takes longer
 * is Parley's. Both are asked by the same number of conversations at a time, in the same run: direct, Parley, direct.
 */
import { loadavg } from 'node:os'
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { type Clients, startClients, type Talk, type Turn } from './conversations.ts'
import { noProc, processUse } from './processes.ts'
import { type Aim, median, quantile, round, say, type Table } from './report.ts'
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
          ...new Set(measured.map(({ level }) => describe(level))),
        ],
      },
      {
        title: 'What it took',
        rows: measured.map(cost),
        notes: [noProc ?? 'Processor time of all its threads, per question; two cores give 2,000 ms a second.'],
      },
      trips,
    ],
    aims: measured.flatMap(({ level, parley, floor }): Aim[] => {
      const aim = aims[level.conversations]
      if (aim === undefined) return []
      const value =
        quantile(
          parley.map((turn) => turn.firstMs),
          aim.share,
        ) - floor
      return [
        {
          what: `first text beyond the model, ${aim.name} at ${level.conversations}`,
          value,
          unit: 'ms',
          atMost: aim.atMost,
        },
      ]
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
  parley: Turn[]
  direct: Turn[]
  /** The p50 of direct. */
  floor: number
  cpuMs: Record<string, number | null>
  load: number
}

async function measure(level: Level): Promise<Measured> {
  say(`latency: ${level.conversations} at a time`)
  await using model = await startModel(level)
  const before = await direct(level, model, 0.5)
  const { turns: parley, cpuMs, load } = await throughParley(level, model)
  const after = await direct(level, model, 0.5)
  const both = [...before, ...after]
  return { level, parley, direct: both, floor: median(both.map((turn) => turn.firstMs)), cpuMs, load }
}

async function direct(level: Level, model: ModelServer, share: number): Promise<Turn[]> {
  await using clients = startClients({
    ...talk(level),
    turns: Math.ceil(level.turns * share),
    url: model.url,
    direct: true,
  })
  return await clients.turns
}

async function throughParley(level: Level, model: ModelServer) {
  const home = await temporaryHome()
  try {
    await using parley = await startParley(home, { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'bench' })
    await warmUp(parley.url)
    const talked = { ...talk(level), url: parley.url, direct: false }
    await using clients = startClients(talked)
    const processes = {
      parley: [parley.pid],
      postgres: await databasePids(home),
      model: [model.pid],
      clients: [clients.pid],
    }
    // The clients' own time is lost with them when they end.
    const spent = watchCpu(processes, clients)
    const turns = await clients.turns
    const cpuMs = await spent
    const asked = turns.length + level.conversations
    const perTurn = Object.entries(cpuMs).map(([name, ms]) => [name, ms === null ? null : ms / asked])
    return { turns, cpuMs: Object.fromEntries(perTurn) as Record<string, number | null>, load: loadavg()[0] ?? 0 }
  } finally {
    await removeHome(home)
  }
}

/** The first questions find a runtime that has compiled nothing yet; nobody would measure an engine so. */
async function warmUp(url: string): Promise<void> {
  const thinkMs = { least: 0, most: 10 }
  await using clients = startClients({
    url,
    direct: false,
    conversations: 4,
    turns: 10,
    turnsPerThread: 10,
    thinkMs,
    startOverMs: 50,
  })
  await clients.turns
}

function talk({ conversations, turns, thinkMs, tokens, everyMs }: Level): Omit<Talk, 'url' | 'direct'> {
  return { conversations, turns, turnsPerThread: 10, thinkMs, startOverMs: conversations === 1 ? 0 : tokens * everyMs }
}

async function watchCpu(processes: Record<string, number[]>, clients: Clients): Promise<Record<string, number | null>> {
  const read = (pids: number[]) => pids.reduce((sum, pid) => sum + (processUse(pid)?.cpuMs ?? 0), 0)
  const readAll = () => Object.entries(processes).map(([name, pids]) => [name, read(pids)] as const)
  const start = new Map(readAll())
  let last = readAll()
  const timer = setInterval(() => {
    last = last.map(([name, ms]) => [name, Math.max(ms, read(processes[name] ?? []))])
  }, 500)
  try {
    await clients.turns
  } finally {
    clearInterval(timer)
  }
  return Object.fromEntries(last.map(([name, ms]) => [name, noProc === null ? ms - (start.get(name) ?? 0) : null]))
}

function rows({ level, parley, direct, floor }: Measured) {
  const row = (way: string, values: number[]) => ({
    'at a time': level.conversations,
    way,
    p50: quantile(values, 0.5),
    p95: quantile(values, 0.95),
    p99: quantile(values, 0.99),
    most: quantile(values, 1),
    questions: values.length,
  })
  const through = parley.map((turn) => turn.firstMs)
  return [
    row('Parley', through),
    row(
      'direct',
      direct.map((turn) => turn.firstMs),
    ),
    row(
      'beyond',
      through.map((ms) => ms - floor),
    ),
  ]
}

function cost({ level, parley, cpuMs, load }: Measured) {
  const from = Math.min(...parley.map((turn) => turn.at))
  const until = Math.max(...parley.map((turn) => turn.at + turn.totalMs))
  const streamed = parley.reduce((sum, turn) => sum + turn.totalMs - turn.firstMs, 0)
  const { parley: own = null, postgres = null, model = null, clients = null } = cpuMs
  return {
    'at a time': level.conversations,
    'streaming, mean': streamed / (until - from),
    'questions/s': parley.length / ((until - from) / 1000),
    'Parley ms': own,
    'PostgreSQL ms': postgres,
    'model ms': model,
    'clients ms': clients,
    'load average': round(load),
  }
}

function describe({ conversations, tokens, everyMs, thinkMs }: Level): string {
  return `at ${conversations}: replies of ${tokens} words, one every ${everyMs} ms; ${thinkMs.least} to ${thinkMs.most} ms between reply and question.`
}
