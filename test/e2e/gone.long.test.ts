/**
 * Gone is gone: canaries in everything that people share and in all that is made of it, deleted by thread, by file and by
 * person, through kill -9. Afterwards none is in any column of any table, in any file or in the log, and no bytes are left.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { makePdf } from '../fixtures/make-pdf.ts'
import { makeZip } from '../fixtures/make-zip.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

let model: ScriptedOpenAi
let home: string
let parley: ParleyProcess
const logs: string[] = []
const env = () => ({ OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test', LOG_LEVEL: 'debug' })
const client = () => new ConsoleClient(parley.url, parley.headers)

beforeAll(async () => {
  // Answers with every canary that it was given, as a model that repeats what it read.
  model = await startScriptedOpenAi({
    script: ({ body }) => ({
      tokens: ['I read [1] ', ...(questionTextOf(body).match(/canary\w+/g) ?? []).map((c) => `${c} `)],
    }),
  })
  home = await temporaryHome()
  parley = await startParley(home, env())
}, 60_000)
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await model?.close()
  if (home) await removeHome(home)
})

async function killAndStart(): Promise<void> {
  await parley.kill('SIGKILL')
  logs.push(parley.log())
  parley = await startParley(home, env())
}

/** Cuts a request off by a kill, then sends it again, as a person does. */
async function throughKill<T>(action: () => Promise<T>): Promise<T> {
  const cut = action().catch(() => undefined)
  await killAndStart()
  await cut
  return await action()
}

/** All that one person shares in one place, and the canaries in it. */
async function plant(group: string) {
  const planted: string[] = []
  const canary = (what: string) => {
    const made = `canary${group}${what}${randomBytes(6).toString('hex')}`
    planted.push(made)
    return made
  }
  const words = (what: string) => Array.from({ length: 4 }, () => canary(what)).join('\n')
  const text = words('pdf')
  const picture = await sharp({ create: { width: 300, height: 80, channels: 3, background: randomColour() } })
    .withExif({ IFD0: { Artist: canary('exif') } })
    .png()
    .toBuffer()
  const contents: [string, string | Buffer][] = [
    ['txt', words('txt')],
    [
      'csv',
      `word,count\n${words('csv')
        .split('\n')
        .map((word) => `${word},1`)
        .join('\n')}\n`,
    ],
    ['json', JSON.stringify({ words: words('json').split('\n') })],
    ['html', `<h1>${canary('html')}</h1><p>${words('html')}</p>`],
    ['pdf', await makePdf((doc) => void doc.addPage().fontSize(10).text(text).image(picture, { width: 200 }))],
    [
      'zip',
      makeZip([
        { name: `${canary('inner')}.txt`, content: Buffer.from(words('zip')) },
        { name: 'p.png', content: picture },
      ]),
    ],
    ['png', picture],
    ['exe', Buffer.concat([Buffer.from('MZ\0\0'), Buffer.from(words('exe')), randomBytes(2000)])],
  ]
  const files = contents.map(([extension, content]) => ({ name: `${canary('name')}.${extension}`, content }))
  return { planted, canary, files }
}
const randomColour = () => `#${randomBytes(3).toString('hex')}`

/** Shares everything in a thread of the console, asks, judges the answer, and leaves an upload unsent. */
async function converse(group: string) {
  const threadId = randomUUID()
  const { planted, canary, files } = await plant(group)
  const uploads = await Promise.all(files.map(({ name, content }) => client().upload(name, content)))
  const asked = await client().send(threadId, `What is here? ${canary('question')}`, uploads)
  await killAndStart()
  const reply = await client().reply(threadId, asked.turnId, 40_000)
  const again = await client().send(threadId, `And ${canary('again')}?`)
  await client().reply(threadId, again.turnId, 40_000)
  const comment = JSON.stringify({ comment: canary('comment') })
  const json = { 'content-type': 'application/json' }
  await client().call('POST', `/console/turns/${again.turnId}/bad`, comment, json)
  await client().send(threadId, `/templates save ${canary('template')} ${canary('saved')}`)
  return { threadId, planted, files, reply }
}

it('nothing is left of what was deleted, wherever it had been', { timeout: 150_000 }, async () => {
  const byThread = await converse('thread')
  const byFile = await converse('file')
  const byPerson = await converse('person')
  const unsent = await plant('unsent')
  for (const { name, content } of unsent.files.slice(0, 4)) await client().upload(name, content)
  const throughApi = await askThroughApi()
  const everything = [byThread, byFile, byPerson, unsent, throughApi].flatMap(({ planted }) => planted)
  expect(everything.length).toBeGreaterThanOrEqual(200)

  // The search finds what is there; and reading made what it should have made.
  expect((await found(byThread.planted)).length).toBeGreaterThan(20)
  expect(byThread.reply.receipt.attachments?.map(({ outcome }) => outcome)).toContain('skipped')

  // By file, one after the other: their names and contents go, what was said stays.
  for (const { name } of byFile.files) {
    const forget = () => client().send(byFile.threadId, `/forget file "${name}" --yes`)
    if (name.endsWith('.txt')) await client().send(byFile.threadId, `/forget file "${name}"`)
    await (name.endsWith('.pdf') ? throughKill(forget) : forget())
  }
  await collected()
  const left = new Set((await found(byFile.planted)).map(({ canary }) => canary.replace(/[0-9a-f]{12}$/, '')))
  expect([...left].sort()).toEqual(['canaryfileagain', 'canaryfilequestion', 'canaryfilesaved', 'canaryfiletemplate'])

  // By thread, killed while it is deleted.
  await throughKill(() => client().call('DELETE', `/console/threads/${byThread.threadId}`))
  await collected()
  expect(await found(byThread.planted.filter((canary) => !/saved|template/.test(canary)))).toEqual([])

  // By person: with the uploads that were never sent.
  await throughKill(() => client().send(byPerson.threadId, '/forget me --yes'))
  await command(`forget user:api/api/${throughApi.key} --yes`)
  await killAndStart()
  await collected()
  expect(await found(everything)).toEqual([])
  logs.push(parley.log())
  expect(everything.filter((canary) => logs.some((log) => log.includes(canary)))).toEqual([])
  expect(await blobFiles()).toEqual([])
})

async function command(text: string): Promise<string> {
  const body = JSON.stringify({ id: randomUUID(), text })
  const response = await client().call('POST', '/console/commands', body, { 'content-type': 'application/json' })
  const answer = (await response.json()) as { text: string; failed: boolean }
  if (answer.failed) throw new Error(answer.text)
  return answer.text
}

async function askThroughApi() {
  const made = await command('keys create canaries 20 month')
  const secret = /`(parley-[\w-]{43})`/.exec(made)?.[1] ?? ''
  const { planted, canary, files } = await plant('api')
  const content = [
    { type: 'text', text: `What is here? ${canary('question')}` },
    ...files.map(({ name, content: data }) => ({
      type: 'file',
      file: {
        filename: name,
        file_data: `data:application/octet-stream;base64,${Buffer.from(data).toString('base64')}`,
      },
    })),
  ]
  const messages = [
    { role: 'system', content: canary('system') },
    { role: 'user', content: canary('past') },
    { role: 'assistant', content: canary('answered') },
    { role: 'user', content },
  ]
  const response = await fetch(`${parley.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'parley', messages }),
  })
  expect(await response.text()).toContain('canaryapi')
  expect(response.status).toBe(200)
  const [row] = await rowsOf<{ id: string }>(`select id from api_key where name = 'canaries'`)
  return { planted, key: row?.id ?? '' }
}

/** Where canaries are: in every column of every table of every schema, bytes as text. */
async function found(canaries: string[]): Promise<{ canary: string; at: string }[]> {
  const tables = await rowsOf<{ name: string; columns: string[] }>(`
    select format('%I.%I', n.nspname, c.relname) as name,
      array_agg(case a.atttypid when 'bytea'::regtype then format('encode(%I, ''escape'')', a.attname)
        else format('%I::text', a.attname) end) as columns
    from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
    where c.relkind in ('r', 'm', 'p') and a.attnum > 0 and not a.attisdropped
      and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
    group by 1`)
  const places: { canary: string; at: string }[] = []
  for (const { name, columns } of tables) {
    const rows = await rowsOf<{ text: string }>(
      `select concat_ws(' ', ${columns.join(', ')}) as text from ${name} where concat_ws(' ', ${columns.join(', ')}) like '%canary%'`,
    )
    for (const { text } of rows)
      places.push(...canaries.filter((canary) => text.includes(canary)).map((canary) => ({ canary, at: name })))
  }
  for (const file of await filesIn(home)) {
    const text = await readFile(file, 'latin1').catch(() => '')
    places.push(...canaries.filter((canary) => text.includes(canary)).map((canary) => ({ canary, at: file })))
  }
  return places
}

async function rowsOf<Row extends pg.QueryResultRow>(sql: string): Promise<Row[]> {
  const database = new pg.Client({ host: join(home, 'postgres/run'), user: 'parley', database: 'parley', port: 5432 })
  await database.connect()
  try {
    return (await database.query<Row>(sql)).rows
  } finally {
    await database.end()
  }
}

/** All of Parley's own: what PostgreSQL's pages hold of deleted rows until they are written over is not looked at. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return files.filter((file) => !file.startsWith(join(home, 'postgres')))
}

const blobFiles = () => filesIn(join(home, 'blobs'))

/** The collector has been through everything. */
async function collected(): Promise<void> {
  await expect.poll(async () => await rowsOf('select from blob_released'), { timeout: 20_000 }).toEqual([])
}
