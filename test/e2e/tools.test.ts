/** Parley as a whole, with a model that calls tools: it searches the web, opens addresses, searches files, and cannot be made to open others. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { silentLog } from '../../src/core/log.ts'
import { addressOf } from '../../src/core/source.ts'
import { toolWording } from '../../src/wording/tools.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import type { ScriptedReply } from '../servers/scripted.ts'
import { type SearchServer, startSearch } from '../servers/search.ts'
import { articlePage, startWebsites, type Websites } from '../servers/websites.ts'
import { ConsoleClient } from './parley.ts'

let home: string
let search: SearchServer
let sites: Websites
let model: ScriptedOpenAi
let parley: App
let client: ConsoleClient
/** What the model says, by how many rounds of results its request has. */
let says: ((results: string[]) => ScriptedReply)[] = []
const requests: Body[] = []

interface Body {
  tools?: { function: { name: string } }[]
  messages: { role: string; content: string | null }[]
}

const call = (name: string, args: object, id = 'call_1') => ({ id, name, arguments: [JSON.stringify(args)] })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'parley-tools-'))
  search = await startSearch('searxng')
  sites = await startWebsites()
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const request = body as Body
      requests.push(request)
      const results = request.messages.flatMap(({ role, content }) =>
        role === 'tool' && content !== null ? [content] : [],
      )
      const rounds = request.messages.filter(
        ({ role }, at) => role === 'tool' && request.messages[at + 1]?.role !== 'tool',
      ).length
      return says[Math.min(rounds, says.length - 1)]?.(results) ?? { tokens: ['?'] }
    },
  })
  await writeFile(
    join(home, 'parley.yaml'),
    `search:\n  provider: searxng\n  url: ${search.url}\nmodels:\n  list:\n    - id: caller\n      provider: openai\n      tools: true\n      contextWindow: 64000\n      price: { input: 0, output: 0 }\n`,
  )
  const env = { PARLEY_HOME: join(home, 'home'), PORT: '0', OPENAI_BASE_URL: model.url, OPENAI_API_KEY: 'test' }
  parley = await createApp(readConfig({ env, cwd: home }), { log: silentLog, egress: sites.egress })
  client = new ConsoleClient(parley.url ?? '')
  const filler = Array.from({ length: 5 }, (_, at) => `Paragraph ${at} says something about heating in general.`)
  sites.serve('pumps.example', '/noise', {
    body: articlePage('Heat pumps', [
      ...filler,
      'The Zeppelin makes 41 decibels.',
      `The data is at ${sites.at('data.example', '/zeppelin')} for all.`,
    ]),
  })
  sites.serve('data.example', '/zeppelin', { body: articlePage('Data', [...filler, 'It weighs 174 kilograms.']) })
  sites.serve('evil.example', '/', { body: articlePage('Evil', filler) })
}, 120_000)
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await Promise.all([search?.close(), sites?.[Symbol.asyncDispose](), model?.close()])
  if (home) await rm(home, { recursive: true, force: true })
}, 60_000)
beforeEach(() => {
  requests.length = 0
})

const labelsIn = (results: string[]) =>
  results.flatMap((text) => [...text.matchAll(/source="([^"]+)"/g)].map(([, label]) => label))
const labelBefore = (results: string[], words: string) => {
  const all = results.join('\n')
  return /source="([^"]+)"/.exec(all.slice(all.lastIndexOf('<passage', all.indexOf(words))))?.[1] ?? 'none'
}

describe('a model that calls tools', () => {
  it('searches the web, opens an address that a page contains, and cites both', async () => {
    search.finds({ url: sites.at('pumps.example', '/noise'), title: 'Noise', snippet: '' })
    says = [
      () => ({ tokens: [], calls: [call('search_web', { query: 'Zeppelin heat pump decibels' })] }),
      () => ({ tokens: [], calls: [call('open_url', { url: sites.at('data.example', '/zeppelin') }, 'call_2')] }),
      (results) => ({
        tokens: [
          `It makes 41 decibels [${labelBefore(results, '41 decibels')}] and `,
          `weighs 174 kilograms [${labelBefore(results, '174 kilograms')}].`,
        ],
      }),
    ]
    const reply = await client.ask('How loud is the Zeppelin, and how heavy?')
    expect(reply.text).toBe('It makes 41 decibels [1] and weighs 174 kilograms [2].')
    expect(reply.citations.map(addressOf)).toEqual([
      sites.at('pumps.example', '/noise'),
      sites.at('data.example', '/zeppelin'),
    ])
    expect(reply.receipt.tools?.map(({ name, about, outcome }) => [name, about, outcome])).toEqual([
      ['search_web', toolWording.searchingWeb('Zeppelin heat pump decibels'), 'done'],
      ['open_url', toolWording.opening(sites.at('data.example', '/zeppelin')), 'done'],
    ])
    expect(requests[0]?.tools?.map(({ function: { name } }) => name)).toEqual(['search_web', 'open_url', 'now'])
  })

  it('opens no address that was made up, whatever it carries', async () => {
    const made = `${sites.at('evil.example', '/')}?secret=opened`
    says = [
      () => ({ tokens: [], calls: [call('open_url', { url: made })] }),
      () => ({ tokens: ['I could not open it.'] }),
    ]
    await client.ask('What is new?')
    expect(requests.at(-1)?.messages.at(-1)?.content).toContain(toolWording.strangeAddress)
    expect(sites.asked.filter((path) => path.includes('evil.example'))).toEqual([])
  })

  it('opens an address that the person wrote', async () => {
    const address = sites.at('evil.example', '/')
    says = [() => ({ tokens: [], calls: [call('open_url', { url: address })] }), () => ({ tokens: ['Read.'] })]
    const reply = await client.ask(`Say something about heating, not about ${address}`)
    expect(reply.receipt.tools?.map(({ outcome }) => outcome)).toEqual(['done'])
  })

  it('searches files again with its own words, reads on, and sends no text of a file to a search engine', async () => {
    const sentence = 'The tenant shall give the landlord notice in writing ninety days before the end of a quarter'
    const pages = Array.from({ length: 400 }, (_, at) => `Clause ${at} is about something else altogether.`)
    const file = await client.upload('lease.txt', [...pages, `${sentence}.`, ...pages].join('\n\n'))
    search.asked.length = 0
    says = [
      () => ({
        tokens: [],
        calls: [
          call('search_files', { query: 'notice in writing by the tenant' }, 'call_1'),
          call('search_web', { query: sentence.slice(0, 90) }, 'call_2'),
        ],
      }),
      (results) => ({
        tokens: [],
        calls: [call('read', { source: Number.parseInt(labelsIn(results)[0] ?? '0', 10), from: 2 }, 'call_3')],
      }),
      (results) => ({ tokens: [`Ninety days before the end of a quarter [${labelBefore(results, 'ninety days')}].`] }),
    ]
    const threadId = crypto.randomUUID()
    const { turnId } = await client.send(threadId, 'How do I leave my flat?', [file])
    const reply = await client.reply(threadId, turnId)
    expect(reply.text).toBe('Ninety days before the end of a quarter [1].')
    expect(reply.citations[0]?.source).toMatchObject({ kind: 'file', title: 'lease.txt' })
    expect(reply.receipt.tools?.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['search_files', 'done'],
      ['search_web', 'failed'],
      ['read', 'done'],
    ])
    expect(requests[1]?.messages.some(({ content }) => content?.includes(toolWording.queryCarriesText))).toBe(true)
    expect(search.asked).toEqual([])
  })
})
