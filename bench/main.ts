/**
 * `npm run bench`: all benches, or those that are named. Tables on stdout (`--json`: one object), and bench/results/<date>.json.
 * With `--against <checkout>`, each bench runs in that checkout first, and a table compares the figures.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { measureChaos } from './chaos.ts'
import { compare, runIn } from './compare.ts'
import { measureDiscord } from './discord.ts'
import { measureLatency } from './latency.ts'
import { measureMedia } from './media.ts'
import { measureMemory } from './memory.ts'
import { measureReading } from './reading.ts'
import { measureRecordings } from './recordings.ts'
import { describeHost, print, type Result, round, say } from './report.ts'
import { measureRouting } from './routing.ts'
import { measureSearch } from './search.ts'
import { measureSlack } from './slack.ts'
import { measureTeams } from './teams.ts'
import { measureTools } from './tools.ts'
import { measureWeb } from './web.ts'

/** THE table of benches. */
const benches: Record<string, () => Promise<Pick<Result, 'tables' | 'aims'>>> = {
  latency: measureLatency,
  reading: measureReading,
  recordings: () => measureRecordings(),
  media: measureMedia,
  memory: measureMemory,
  discord: measureDiscord,
  routing: measureRouting,
  chaos: measureChaos,
  slack: measureSlack,
  teams: measureTeams,
  web: measureWeb,
  tools: measureTools,
  search: measureSearch,
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, against: { type: 'string' } },
  allowPositionals: true,
})
const wanted = positionals.length > 0 ? positionals : Object.keys(benches)
const unknown = wanted.filter((name) => benches[name] === undefined)
if (unknown.length > 0) {
  say(`There is no bench called ${unknown.join(' or ')}. There are: ${Object.keys(benches).join(', ')}.`)
  process.exit(1)
}

const host = describeHost()
const results: Result[] = []
for (const name of wanted) {
  const other = values.against === undefined ? undefined : runIn(values.against, name)
  const before = loadNow()
  const measured = await benches[name]?.()
  if (measured === undefined) continue
  const result: Result = { bench: name, ...measured, load: { before, after: loadNow() } }
  if (other !== undefined) result.tables = [...result.tables, compare(other, result)]
  results.push(result)
  if (!values.json) process.stdout.write(`\n${print(result)}`)
}

const all = { host, results }
const folder = join(import.meta.dirname, 'results')
await mkdir(folder, { recursive: true })
const file = join(folder, `${host.date.replaceAll(':', '-').slice(0, 19)}.json`)
await writeFile(file, `${JSON.stringify(all, null, 2)}\n`)
if (values.json) process.stdout.write(`${JSON.stringify(all, null, 2)}\n`)
say(`Written to ${file}`)

function loadNow(): number {
  return round(loadavg()[0] ?? 0)
}
