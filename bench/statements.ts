/** Round trips to PostgreSQL that a question costs, the queue's too; what Parley sends while nobody asks is taken off. */
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { startClients } from './conversations.ts'
import { round, say, type Table } from './report.ts'
import { startModel } from './servers.ts'

const idleMs = 10_000
const turns = 59

export async function countRoundTrips(): Promise<Table> {
  say('latency: round trips')
  await using model = await startModel({ tokens: 10, everyMs: 20 })
  const home = await temporaryHome()
  try {
    const file = join(home, 'statements.json')
    const NODE_OPTIONS = `--import ${pathToFileURL(join(import.meta.dirname, 'statements-count.ts'))}`
    await using parley = await startParley(home, {
      OPENAI_BASE_URL: model.url,
      OPENAI_API_KEY: 'bench',
      NODE_OPTIONS,
      BENCH_STATEMENTS: file,
    })
    await sleep(1000)
    const atRest = await snapshot(parley.pid, file)
    await sleep(idleMs)
    const before = await snapshot(parley.pid, file)
    const started = performance.now()
    const thinkMs = { least: 20, most: 100 }
    await using clients = startClients({
      url: parley.url,
      direct: false,
      conversations: 1,
      turns,
      turnsPerThread: 10,
      thinkMs,
      startOverMs: 0,
    })
    await clients.turns
    await sleep(200)
    const after = await snapshot(parley.pid, file)
    const idlePeriods = (performance.now() - started) / idleMs
    const perTurn = [...after].map(([name, count]) => {
      const idle = ((before.get(name) ?? 0) - (atRest.get(name) ?? 0)) * idlePeriods
      return { statement: name, 'per question': round((count - (before.get(name) ?? 0) - idle) / (turns + 1)) }
    })
    const all = round(perTurn.reduce((sum, row) => sum + row['per question'], 0))
    const shown = perTurn
      .filter((row) => row['per question'] >= 0.05)
      .sort((a, b) => b['per question'] - a['per question'])
    return {
      title: 'Round trips to PostgreSQL for one question without files',
      rows: [...shown, { statement: 'all', 'per question': all }],
      notes: ['One conversation, replies of 10 words in 0.2 s; longer replies add one to save the text each second.'],
    }
  } finally {
    await removeHome(home)
  }
}

async function snapshot(pid: number, file: string): Promise<Map<string, number>> {
  await rm(file, { force: true })
  process.kill(pid, 'SIGUSR2')
  for (let tries = 0; tries < 200; tries += 1) {
    const text = await readFile(file, 'utf8').catch(() => null)
    if (text !== null) return new Map(Object.entries(JSON.parse(text) as Record<string, number>))
    await sleep(20)
  }
  throw new Error('Parley gave no counts of its statements')
}
