/**
 * Keys stay where they were put. Every server here is a bad one: whatever it is asked, it repeats the keys that it was
 * given, in refusals, in the middle of streams and in lists. None of them may be seen in a log, a reply, the doctor's words,
 * or anywhere in the database.
 */
import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestDatabase, type TestServer } from '../database.ts'
import {
  ConsoleClient,
  environment,
  type ParleyProcess,
  removeHome,
  run,
  startParley,
  temporaryHome,
} from './parley.ts'

const secret = (kind: string) => `${kind}-${randomBytes(12).toString('hex')}`
const keys = {
  OPENAI_API_KEY: secret('sk-proj'),
  ANTHROPIC_API_KEY: secret('sk-ant'),
  TRANSCRIBE_API_KEY: secret('asr'),
  PARLEY_SECRET: secret('parley'),
}

let postgres: TestServer
let database: TestDatabase
let home: string
let parley: ParleyProcess
let env: Record<string, string>
const bad = createServer((request, response) => void repeatEverything(request, response))
const asked = new Set<string>()

/** Answers lists well, so that the models are asked, and everything else with what was sent to it. */
async function repeatEverything(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  const said = `${Object.entries(request.headers).join(' ')} ${Object.values(keys).slice(0, 3).join(' ')}`
  const path = request.url?.split('?')[0] ?? ''
  asked.add(path)
  if (request.method === 'GET') {
    const list = path.startsWith('/api')
      ? { models: [{ name: 'llama3.2:3b', model: 'llama3.2:3b' }] }
      : {
          data: [
            { id: request.headers['x-api-key'] ? 'claude-sonnet-4-5' : 'qwen3-8b', type: 'model', object: 'model' },
          ],
        }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(list))
    return
  }
  const error = { type: 'error', error: { type: 'invalid_request_error', message: said, code: said, param: said } }
  // What a good answer says is content, whatever it says: a transcript is refused here.
  const words = path.endsWith('/transcriptions') ? 'KEY' : body
  const status = { KEY: 401, BROKEN: 500, BUSY: 429, STRANGE: 418 }[/KEY|BROKEN|BUSY|STRANGE/.exec(words)?.[0] ?? '']
  if (status === undefined) {
    response.setHeader('content-type', 'text/event-stream')
    response.end(`event: error\ndata: ${JSON.stringify(error)}\n\n`)
    return
  }
  response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '600', 'x-said': said.slice(0, 500) })
  response.end(JSON.stringify(error))
}

beforeAll(async () => {
  await new Promise<void>((resolve) => bad.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(bad.address() as AddressInfo).port}`
  postgres = await startTestDatabase()
  database = await postgres.createDatabase({ empty: true })
  home = await temporaryHome()
  env = {
    ...keys,
    OPENAI_BASE_URL: `${url}/v1`,
    ANTHROPIC_BASE_URL: url,
    OLLAMA_HOST: url,
    TRANSCRIBE_URL: `${url}/v1`,
    DATABASE_URL: database.url,
    LOG_LEVEL: 'debug',
  }
  // Claude behind an address of one's own has no published price, and without one it would not be asked.
  const model = '{ id: claude-sonnet-4-5, provider: anthropic, price: { input: 3, output: 15 } }'
  await writeFile(join(home, 'parley.yaml'), `models: { list: [${model}] }\n`)
  parley = await startParley(home, env, home)
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  bad.closeAllConnections()
  bad.close()
  await postgres?.dispose()
  if (home) await removeHome(home)
})

/** Every row of every table, as text. */
async function everythingStored(): Promise<string> {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    const { rows } = await client.query<{ table: string }>(
      `select format('%I.%I', schemaname, tablename) as table from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
    )
    expect(rows.length).toBeGreaterThan(15)
    const dumps = rows.map(async ({ table }) => {
      const { rows: all } = await client.query<{ row: string }>(
        `select row_to_json(each)::text as row from ${table} each`,
      )
      return all.map(({ row }) => `${table}: ${row}`).join('\n')
    })
    return (await Promise.all(dumps)).join('\n')
  } finally {
    await client.end()
  }
}

it('no key appears in the log, an answer, doctor or the database, whatever servers return', async () => {
  const client = new ConsoleClient(parley.url, parley.headers)
  const questions = ['KEY', 'BROKEN', 'BUSY', 'STRANGE', 'an error inside a good answer']
  const replies = await Promise.all(questions.map((question) => client.ask(`${question}?`, [], 90_000)))
  const silence = Buffer.alloc(3 * 16_000 * 2)
  const header = Buffer.from(
    '52494646247701005741564566 6d74201000000001000100803e0000007d00000200100064617461'.replace(' ', ''),
    'hex',
  )
  const wav = Buffer.concat([header, Buffer.from(Uint32Array.of(silence.length).buffer), silence])
  replies.push(await client.ask('What is said?', [await client.upload('note.wav', wav, 'audio/wav')], 90_000))
  const doctor = await run(['src/cli.ts', 'doctor'], environment(home, env))
  expect(doctor.stdout).toContain('models')

  expect([...asked]).toEqual(
    expect.arrayContaining(['/v1/chat/completions', '/v1/messages', '/v1/audio/transcriptions']),
  )
  const seen = {
    replies: JSON.stringify(replies),
    doctor: doctor.stdout + doctor.stderr,
    log: parley.log(),
    database: await everythingStored(),
  }
  for (const [where, words] of Object.entries(seen)) {
    expect(words.length, where).toBeGreaterThan(100)
    for (const [name, key] of Object.entries(keys)) expect(around(words, key), `${name} in ${where}`).toBe('')
  }
})

/** Where it was found, without it. */
function around(words: string, key: string): string {
  const line = words.split('\n').find((each) => each.includes(key)) ?? ''
  return line.replaceAll(key, '(the key)').slice(0, 2000)
}
