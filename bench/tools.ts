/**
 * What a step of the loop costs beside the model and the tool: a question whose model calls a tool of no work seven times, against one that
 * answers at once. The model is scripted in a process of its own, the database is the built-in one.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { silentLog } from '../src/core/log.ts'
import { ConsoleClient } from '../test/e2e/parley.ts'
import { startScriptedOpenAi } from '../test/servers/openai.ts'
import type { ReceivedRequest, ScriptedReply } from '../test/servers/scripted.ts'
import { type Aim, median, round, say, type Table } from './report.ts'

const repeats = 30
const steps = 7

export async function measureTools(): Promise<{ tables: Table[]; aims: Aim[] }> {
  const home = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  /** When each request arrived: between an answer and the next request is Parley's own time. */
  const arrived: number[] = []
  const script = ({ body }: ReceivedRequest): ScriptedReply => {
    arrived.push(performance.now())
    const text = JSON.stringify(body)
    const done = text.split('"role":"tool"').length - 1
    if (!text.includes('Call the tool') || done >= steps) return { tokens: ['Done.'] }
    const zone = ['UTC', 'Europe/Berlin', 'Asia/Tokyo', 'Asia/Dubai', 'Europe/Paris', 'Africa/Cairo', 'America/Lima'][
      done
    ]
    return { tokens: [], calls: [{ id: `call_${done}`, name: 'now', arguments: [JSON.stringify({ timeZone: zone })] }] }
  }
  const model = await startScriptedOpenAi({ script })
  const known =
    'models:\n  list:\n    - id: caller\n      provider: openai\n      tools: true\n      contextWindow: 64000\n'
  await writeFile(join(home, 'parley.yaml'), `${known}      price: { input: 1, output: 1 }\n`)
  const env = { PARLEY_HOME: join(home, 'home'), PORT: '0', OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'bench' }
  const parley = await createApp(readConfig({ env, cwd: home }), { log: silentLog })
  const client = new ConsoleClient(parley.url ?? '')
  try {
    const ask = async (text: string) => {
      arrived.length = 0
      await client.ask(text)
      return arrived.slice(1).map((at, n) => at - (arrived[n] ?? at))
    }
    await ask('Call the tool, and warm up')
    const gaps: number[] = []
    for (let n = 0; n < repeats; n += 1) {
      if (n % 10 === 0) say(`tools: ${n} of ${repeats}`)
      gaps.push(...(await ask(`Call the tool, time ${n}`)))
    }
    const sorted = gaps.toSorted((a, b) => a - b)
    const p95 = sorted[Math.floor(sorted.length * 0.95)] ?? 0
    return {
      tables: [
        {
          title: `From one request to the model to the next, with a tool of no work between them, ${steps} times in an answer`,
          rows: [{ 'steps measured': sorted.length, 'p50, ms': round(median(sorted)), 'p95, ms': round(p95) }],
          notes: ['The time of the scripted model and of HTTP on one machine is in it.'],
        },
      ],
      aims: [{ what: 'a step of the loop, p50', value: median(sorted), unit: 'ms', atMost: 10 }],
    }
  } finally {
    await parley[Symbol.asyncDispose]()
    await model.close()
    await rm(home, { recursive: true, force: true })
  }
}
