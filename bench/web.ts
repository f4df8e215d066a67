/**
 * How long a question takes that has a file to read and the web to search, beside each of the two alone: both happen at the same time, so
 * together they take about as long as the slower one. No model: the answer is quoted.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { silentLog } from '../src/core/log.ts'
import { ConsoleClient } from '../test/e2e/parley.ts'
import { makeManual } from '../test/fixtures/make-pdf.ts'
import { startSearch } from '../test/servers/search.ts'
import { articlePage, startWebsites } from '../test/servers/websites.ts'
import { type Aim, median, round, say, type Table } from './report.ts'

const repeats = 5
const pages = 300
/** What the search engine takes. */
const searchMs = 1_200
const fact = 'The override code of the north gate is QX-4471.'

export async function measureWeb(): Promise<{ tables: Table[]; aims: Aim[] }> {
  const home = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const search = await startSearch('searxng')
  const sites = await startWebsites()
  const article = articlePage(
    'Gates',
    Array.from({ length: 20 }, (_, at) => `The south gate number ${at} is of wood and iron.`),
  )
  sites.serve('gates.example', '/', { body: article })
  search.finds({ url: sites.at('gates.example', '/'), title: 'Gates', snippet: '' })
  search.takes(searchMs)
  await writeFile(join(home, 'parley.yaml'), `search:\n  provider: searxng\n  url: ${search.url}\n`)
  const env = { PARLEY_HOME: join(home, 'home'), PORT: '0' }
  const parley = await createApp(readConfig({ env, cwd: home }), { log: silentLog, egress: sites.egress })
  const client = new ConsoleClient(parley.url ?? '')
  let number = 0
  const manual = () => makeManual({ pages, facts: { 137: `${fact} Edition ${++number}.` } })

  async function seconds(text: string, file: Buffer | undefined): Promise<number> {
    const uploads = file === undefined ? [] : [await client.upload('manual.pdf', file)]
    const started = performance.now()
    // Another question each time: what was found before is not found again.
    await client.ask(`${text} (case ${++number})`, uploads, 60_000)
    return (performance.now() - started) / 1_000
  }

  try {
    await seconds('Search the web for gates', await manual())
    const rows: { file: number; web: number; both: number }[] = []
    for (let at = 0; at < repeats; at += 1) {
      say(`web: ${at + 1} of ${repeats}`)
      const file = await seconds('What is the override code of the north gate?', await manual())
      const web = await seconds('Search the web for the override code of the north gate', undefined)
      const both = await seconds('Search the web for the override code of the north gate', await manual())
      rows.push({ file, web, both })
    }
    const slower = rows.map(({ file, web }) => Math.max(file, web))
    const ratio = median(rows.map(({ both }, at) => both / (slower[at] ?? 1)))
    search.hangs()
    const without = await seconds('What is the override code of the north gate?', undefined)
    const never = await seconds('Search the web for the code of the north gate', undefined)
    return {
      tables: [
        {
          title: `A question about a PDF of ${pages} pages, with a search that takes ${searchMs} ms and one page to read`,
          rows: rows.map(({ file, web, both }) => ({
            'file alone, s': round(file),
            'web alone, s': round(web),
            'both, s': round(both),
            'both / slower': round(both / Math.max(file, web)),
          })),
          notes: [
            `A search that never answers: ${round(never)} s, the same question without a search ${round(without)} s.`,
          ],
        },
      ],
      aims: [
        { what: 'files and web together, over the slower of both', value: round(ratio), unit: '×', atMost: 1.15 },
        {
          what: 'a search that never answers',
          value: round(never - without),
          unit: 's',
          atMost: 2.5,
        },
      ],
    }
  } finally {
    await parley[Symbol.asyncDispose]()
    await search.close()
    await sites[Symbol.asyncDispose]()
    await rm(home, { recursive: true, force: true })
  }
}
