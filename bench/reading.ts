/**
 * Pages a second of the whole way from a file to something that can be asked (reading, indexing, storing), beside the bare
 * pdftotext on the same files; how long a person waits who asks about a file of 200 pages; and who asks a plain question
 * while many files wait.
 */

import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../src/core/log.ts'
import { createReader } from '../src/media/create-reader.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { createAttachments } from '../src/store/attachments.ts'
import { openDatabase } from '../src/store/database.ts'
import { startTestServer } from '../test/database.ts'
import { ConsoleClient, environment, removeHome, run, startParley, temporaryHome } from '../test/e2e/parley.ts'
import { knowBlobs } from '../test/fixtures/blobs.ts'
import { makeManual } from '../test/fixtures/make-pdf.ts'
import { startScriptedOpenAi } from '../test/servers/openai.ts'
import { type Aim, type Cell, median, say, type Table } from './report.ts'

const sizes = [200, 1000]
const repeats = 3
const fact = {
  page: 137,
  text: 'The override code of the north gate is QX-4471.',
  question: 'What is the override code of the north gate?',
}

interface Manual {
  path: string
  pages: number
  bytes: number
  contentHash: string
}

export async function measureReading(): Promise<{ tables: Table[]; aims: Aim[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  try {
    const { table, manuals } = await readManuals(folder, sizes)
    const asked = await askAll(manuals.get(200) ?? [])
    const slowest = Math.max(...asked.seconds)
    const plain = await askBesideFiles()
    return {
      tables: [
        table,
        {
          title: 'parley ask 200-pages.pdf "…", no model configured, beside a Parley that runs',
          rows: asked.seconds.map((seconds, at) => ({
            file: at + 1,
            'seconds in all': seconds,
            'of them reading': asked.reading[at] ?? null,
          })),
          notes: [
            `Each a new file, from the start of the command to its end; the answer quotes page ${fact.page}, checked.`,
          ],
        },
        {
          title: 'A plain question on the page, in seconds',
          rows: Object.entries(plain).map(([when, seconds]) => ({ when, seconds })),
          notes: ['The model takes 0.5 s of it. Alone: the slowest of three, the first after the start among them.'],
        },
      ],
      aims: [
        { what: 'ask about 200 pages, in all', value: slowest, unit: 's', atMost: 4 },
        {
          what: 'a plain question while 60 files wait, beyond the same alone',
          value: Math.max(plain['while 60 files wait'], plain['after kill -9, while they wait']) - plain.alone,
          unit: 's',
          atMost: 2,
        },
      ],
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Text PDFs of these sizes in `folder`, each read once by Parley and by pdftotext. */
export async function readManuals(
  folder: string,
  sizes: number[],
): Promise<{ table: Table; manuals: Map<number, Manual[]> }> {
  const rows: Record<string, Cell>[] = []
  const manuals = new Map<number, Manual[]>()
  for (const pages of sizes) {
    say(`reading: ${pages} pages`)
    // Each is read once: a file that was read before comes from the cache.
    const made = await Promise.all(Array.from({ length: repeats }, (_, seed) => make(folder, pages, seed)))
    manuals.set(pages, made)
    rows.push(...(await readAll(made)))
  }
  const notes = [
    `Median of ${repeats} files each. Parley: its reader process started cold, text with positions, passages and artifact stored durably in the built-in PostgreSQL.`,
    ...(rows.some((row) => row.way === 'pdftotext')
      ? []
      : ['pdftotext: skipped, it is not installed (Debian: poppler-utils).']),
  ]
  return { table: { title: 'Reading PDFs', rows, notes }, manuals }
}

async function make(folder: string, pages: number, seed: number): Promise<Manual> {
  const bytes = await makeManual({ pages, facts: { [fact.page]: fact.text }, seed: seed + 1 })
  const path = join(folder, `${pages}-pages-${seed}.pdf`)
  await writeFile(path, bytes)
  return { path, pages, bytes: bytes.length, contentHash: createHash('sha256').update(bytes).digest('hex') }
}

async function readAll(manuals: Manual[]): Promise<Record<string, Cell>[]> {
  const whole: number[] = []
  const parts = { read: [] as number[], index: [] as number[], store: [] as number[] }
  const bare: number[] = []
  await using server = await startTestServer({ durable: true })
  const { connection } = await server.createDatabase()
  const database = openDatabase(connection, { log: silentLog })
  const attachments = createAttachments(database)
  const index = createPassageIndex(database.pool)
  const reader = createReader({ concurrency: 1, idleMs: 100 })
  try {
    for (const manual of manuals) {
      const request = {
        path: manual.path,
        contentHash: manual.contentHash,
        name: 'manual.pdf',
        mediaType: 'application/pdf',
      }
      await knowBlobs(database.pool, manual.contentHash)
      const started = performance.now()
      const { engine } = await reader.identify(request)
      const passages = index.follow({ contentHash: manual.contentHash, engine })
      const artifact = await reader.read(request, {
        signal: AbortSignal.timeout(120_000),
        onProgress: () => {},
        onSegments: passages.add,
      })
      const readAt = performance.now()
      await passages.finish(artifact)
      const indexedAt = performance.now()
      await attachments.saveArtifact(artifact)
      const storedAt = performance.now()
      if (artifact.pages !== manual.pages) throw new Error(`${artifact.pages} of ${manual.pages} pages were read`)
      whole.push(storedAt - started)
      parts.read.push(readAt - started)
      parts.index.push(indexedAt - readAt)
      parts.store.push(storedAt - indexedAt)
      const ms = await pdftotext(manual.path)
      if (ms !== null) bare.push(ms)
    }
  } finally {
    await reader.close()
    await database.close()
  }
  const pages = manuals[0]?.pages ?? 0
  const row = (way: string, ms: number[]) => ({ pages, way, ms: median(ms), 'pages/s': (pages / median(ms)) * 1000 })
  return [
    row('Parley, all of it', whole),
    row('  reading, with indexing', parts.read),
    row('  the rest of indexing', parts.index),
    row('  storing', parts.store),
    ...(bare.length > 0 ? [row('pdftotext', bare)] : []),
  ]
}

/** Milliseconds, or `null` where there is none. */
async function pdftotext(path: string): Promise<number | null> {
  const started = performance.now()
  const child = spawn('pdftotext', ['-enc', 'UTF-8', path, `${path}.txt`], { stdio: 'ignore' })
  try {
    const [code] = (await once(child, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`pdftotext ended with ${code}`)
    return performance.now() - started
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

interface ReceivedRequest {
  text: string
  citations: { at: { page?: number } }[]
  receipts: { readMs?: number }[]
}

async function askAll(manuals: Manual[]): Promise<{ seconds: number[]; reading: (number | null)[] }> {
  say('reading: ask')
  const home = await temporaryHome()
  const seconds: number[] = []
  const reading: (number | null)[] = []
  try {
    await using parley = await startParley(home)
    for (const manual of manuals) {
      const started = performance.now()
      const { code, stdout, stderr } = await run(
        ['src/cli.ts', 'ask', manual.path, fact.question, '--json'],
        environment(parley.home),
      )
      seconds.push((performance.now() - started) / 1000)
      if (code !== 0) throw new Error(`ask ended with ${code}: ${stderr}`)
      const answer = JSON.parse(stdout) as ReceivedRequest
      if (!answer.text.includes('QX-4471')) throw new Error(`the answer does not quote the manual: ${answer.text}`)
      if (!answer.citations.some(({ at }) => at.page === fact.page)) throw new Error(`page ${fact.page} is not cited`)
      const ms = answer.receipts[0]?.readMs
      reading.push(ms === undefined ? null : ms / 1000)
    }
  } finally {
    await removeHome(home)
  }
  return { seconds, reading }
}

/** How long a plain question takes by itself, while many files wait to be read, and while they wait after a kill. */
async function askBesideFiles() {
  say('reading: a plain question beside 60 files')
  const model = await startScriptedOpenAi({
    script: () => ({ tokens: Array.from({ length: 10 }, (_, n) => `word${n} `), firstAfterMs: 100, everyMs: 40 }),
  })
  const home = await temporaryHome()
  const env = { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', LOG_LEVEL: 'warn' }
  let parley = await startParley(home, env)
  const plain = async () => {
    const started = performance.now()
    await new ConsoleClient(parley.url).ask('How are you?')
    return (performance.now() - started) / 1000
  }
  try {
    const alone = Math.max(await plain(), await plain(), await plain())
    const client = new ConsoleClient(parley.url)
    for (let thread = 0; thread < 6; thread += 1) {
      const table = (n: number) => `name,price\n${`item ${thread} ${n},12.50\n`.repeat(2_000)}`
      const names = Array.from({ length: 10 }, (_, n) => `table-${thread}-${n}.csv`)
      const uploads = await Promise.all(names.map((name, n) => client.upload(name, table(n))))
      await client.send(randomUUID(), 'What do they cost?', uploads)
    }
    const beside = await plain()
    await parley.kill('SIGKILL')
    parley = await startParley(home, env)
    return { alone, 'while 60 files wait': beside, 'after kill -9, while they wait': await plain() }
  } finally {
    await parley.kill('SIGTERM')
    await removeHome(home)
    await model.close()
  }
}
