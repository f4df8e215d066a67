/** Memory of Parley and of what it starts: at rest, while two hundred conversations stream, and a while after. */
import { setTimeout as sleep } from 'node:timers/promises'
import { removeHome, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { startClients } from './conversations.ts'
import { descendants, noProc, type ProcessUse, processUse } from './processes.ts'
import { type Aim, median, say, type Table } from './report.ts'
import { databasePids, startModel } from './servers.ts'

const conversations = 200
const settleMs = 5000
const afterMs = 20_000

export async function measureMemory(): Promise<{ tables: Table[]; aims: Aim[] }> {
  if (noProc !== null) return { tables: [{ title: 'Memory', rows: [], notes: [`Not measured: ${noProc}.`] }], aims: [] }
  say('memory: at rest')
  await using model = await startModel({ tokens: 160, everyMs: 50 })
  const home = await temporaryHome()
  try {
    await using parley = await startParley(home, { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'bench' })
    await sleep(settleMs)
    const rest = await look(parley.pid, home)
    say(`memory: ${conversations} conversations`)
    const thinkMs = { least: 0, most: 500 }
    await using clients = startClients({
      url: parley.url,
      direct: false,
      conversations,
      turns: 2,
      turnsPerThread: 10,
      thinkMs,
      startOverMs: 8000,
    })
    const busy = await watch(parley.pid, home, clients.turns)
    await sleep(afterMs)
    const after = await look(parley.pid, home)
    return {
      tables: [
        {
          title: 'Memory, in MB',
          rows: [row('at rest after the start', rest), ...busy, row(`${afterMs / 1000} s after`, after)],
          notes: [
            'RSS of Parley’s own process. PSS of the others: memory that PostgreSQL’s processes share counts once.',
          ],
        },
      ],
      aims: [],
    }
  } finally {
    await removeHome(home)
  }
}

interface Memory {
  parley: ProcessUse | null
  postgres: ProcessUse[]
  readers: ProcessUse[]
}

async function look(pid: number, home: string): Promise<Memory> {
  const database = new Set(await databasePids(home))
  const use = (pids: Iterable<number>) => [...pids].map(processUse).filter((each) => each !== null)
  return {
    parley: processUse(pid),
    postgres: use(database),
    readers: use(descendants(pid).filter((each) => !database.has(each))),
  }
}

/** While all conversations are under way: the middle of the run, by its median, and the most that was seen. */
async function watch(pid: number, home: string, over: Promise<unknown>) {
  const seen: Memory[] = []
  let going = true
  const ended = over.finally(() => {
    going = false
  })
  ended.catch(() => {})
  while (going) {
    seen.push(await look(pid, home))
    await Promise.race([sleep(500), ended])
  }
  await ended
  const middle = seen.slice(Math.floor(seen.length * 0.4), Math.ceil(seen.length * 0.8))
  const sizes = (of: Memory[]) => of.map((memory) => memory.parley?.rssMb ?? 0)
  const nearest = middle.find((memory) => memory.parley?.rssMb === median(sizes(middle)))
  const most = seen.find((memory) => memory.parley?.rssMb === Math.max(...sizes(seen)))
  return [
    ...(nearest ? [row(`${conversations} conversations streaming, median`, nearest)] : []),
    ...(most ? [row(`${conversations} conversations streaming, most`, most)] : []),
  ]
}

function row(when: string, { parley, postgres, readers }: Memory) {
  const pss = (of: ProcessUse[]) => of.reduce((sum, each) => sum + each.pssMb, 0)
  return {
    when,
    'Parley RSS': parley?.rssMb ?? null,
    'PostgreSQL PSS': pss(postgres),
    'its processes': postgres.length,
    'readers PSS': pss(readers),
    readers: readers.length,
  }
}
