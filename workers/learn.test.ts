/** What Parley is told to know without a question: read by workers, on a real database, from real sites on this machine. */
import { Readable } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createBlobs, createCollector } from '../src/blobs/blobs.ts'
import { createLocalBlobs } from '../src/blobs/local.ts'
import type { Blobs } from '../src/core/blobs.ts'
import type { Collections, NewSource, SourceAbout } from '../src/core/collections.ts'
import { ParleyError } from '../src/core/errors.ts'
import { silentLog } from '../src/core/log.ts'
import type { Attachment } from '../src/core/message.ts'
import { comparedAddress } from '../src/core/page-address.ts'
import type { PlaceAddress, PlaceFiles, PostedFile } from '../src/core/place.ts'
import { createEgress } from '../src/egress/egress.ts'
import { agentName } from '../src/egress/guard.ts'
import { createFilesPosted } from '../src/intake/learning.ts'
import { listenForStops } from '../src/intake/stop.ts'
import { createReader } from '../src/media/create-reader.ts'
import type { Reader } from '../src/media/reader.ts'
import { createLocalChannel } from '../src/queue/channel.ts'
import type { Job, JobContext, Queue } from '../src/queue/queue.ts'
import { newestVersions } from '../src/search/memory.ts'
import { createPlaceRows } from '../src/search/providers/places-postgres.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { createAttachments } from '../src/store/attachments.ts'
import { createBlobReferences } from '../src/store/blob-references.ts'
import { createCollections } from '../src/store/collections.ts'
import { type Database, openDatabase } from '../src/store/database.ts'
import { createForget } from '../src/store/forget.ts'
import { createLearnedSources, type LearnedSources } from '../src/store/learned-sources.ts'
import { createTurns } from '../src/store/turns-postgres.ts'
import { createWebPages } from '../src/store/web-pages.ts'
import { createPageReader, forPages } from '../src/web/page-reader.ts'
import { createRobots } from '../src/web/robots.ts'
import { createSites } from '../src/web/site.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'
import { file, message } from '../test/fakes/message.ts'
import { createFakePlatform, type FakePlatform } from '../test/fakes/platform.ts'
import { articlePage, startWebsites, type Websites } from '../test/servers/websites.ts'
import { createExtract } from './extract.ts'
import { createIsolation } from './isolation.ts'
import { createLearn } from './learn.ts'
import { createLearnSweep } from './sweep.ts'

let server: TestServer
let sites: Websites
let reader: Reader
let database: Database
let collections: Collections
let learned: LearnedSources
let blobs: Blobs
let fake: FakePlatform
/** What the queue was given and has not run. */
let jobs: Job[]
/** How often text was read out of bytes. */
let readings: number
let paced: string[]

beforeAll(async () => {
  server = await startTestDatabase()
  reader = createReader()
})
afterAll(async () => {
  await reader?.close()
  await server?.dispose()
})
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  sites = await startWebsites()
  collections = createCollections(database)
  learned = createLearnedSources(database)
  blobs = createBlobs(createLocalBlobs(server.home), createBlobReferences(database))
  fake = createFakePlatform()
  jobs = []
  readings = 0
  paced = []
  return async () => {
    await database.close()
    await sites[Symbol.asyncDispose]()
  }
})

const by = { id: 'test/team/ann', via: 'command' } as const
const spender = { platform: 'test', workspaceId: 'team', channelId: 'general', userId: 'ann' }
const place: PlaceAddress = { platform: 'test', workspaceId: 'team', channelId: 'general' }
const queue = {
  async add(job: Job) {
    jobs.push(job)
  },
  states: async (refs: readonly unknown[]) => refs.map(() => 'unknown' as const),
} as Partial<Queue> as Queue
const context = (signal = new AbortController().signal, last = true): JobContext => ({
  id: 'job',
  attempt: 1,
  last,
  signal,
})

async function workers() {
  const counting: Reader = {
    ...reader,
    read(request, options) {
      readings += 1
      return reader.read(request, options)
    },
  }
  const egress = createEgress(sites.egress, forPages)
  const robots = createRobots(egress, agentName)
  const attachments = createAttachments(database)
  const web = createWebPages(database)
  const pages = createPageReader({ egress, robots, reader: counting, blobs, artifacts: attachments, pages: web })
  const index = createPassageIndex(database.lasting)
  const learn = createLearn({
    storage: { blobs, index, learned },
    messaging: { platform: () => fake.platform, queue },
    learning: {
      pages,
      sites: createSites({
        egress,
        robots,
        pages,
        pace: async (host, everyMs) => void paced.push(`${host} ${everyMs}`),
      }),
    },
    isolation: createIsolation(),
    owner: 'worker',
    log: silentLog,
  })
  const extract = createExtract({
    storage: { attachments, blobs, index },
    messaging: {
      platform: () => fake.platform,
      progress: { open: () => ({ update() {}, async close() {} }) },
      stops: await listenForStops(createLocalChannel()),
    },
    money: { paying: () => (_recording, transcribe) => transcribe() },
    reader: counting,
    limits: { fileBytes: 1e6 },
    readers: 2,
    owner: 'worker',
    log: silentLog,
    isolation: createIsolation(),
  })
  return { learn, extract }
}

/** Runs what the queue has, and what that adds. */
async function runJobs() {
  const { learn, extract } = await workers()
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    if (job.name === 'learn') await learn(job.payload, context())
    else if (job.name === 'extract') await extract(job.payload, context())
  }
}

async function teach(source: NewSource, name = 'Handbook') {
  const known = (await collections.list()).find((each) => each.name === name)
  const { id } = known ?? (await collections.create(name, 'all', by))
  for (const { sourceId, attachmentId, dispatch } of await collections.add(id, source, { by, spender }))
    jobs.push(
      attachmentId === undefined
        ? { name: 'learn', id: `learn-${dispatch}`, payload: { v: 1, sourceId } }
        : { name: 'extract', id: `extract-${dispatch}`, payload: { v: 1, attachmentId } },
    )
  return id
}

const link = (address: string): NewSource => ({
  kind: 'link',
  key: comparedAddress(new URL(address)),
  address,
  title: address,
  refreshHours: 24,
})
const site = (address: string, pages: number): NewSource => ({
  kind: 'site',
  key: comparedAddress(new URL(address)),
  address,
  title: address,
  refreshHours: undefined,
  pages,
})

async function refresh(id: string) {
  for (const { sourceId, dispatch } of await collections.refresh(id))
    jobs.push({ name: 'learn', id: `learn-${dispatch}`, payload: { v: 1, sourceId } })
  await runJobs()
}

async function sourceOf(id: string): Promise<SourceAbout> {
  const source = (await collections.find(id))?.sources[0]
  if (source === undefined) throw new Error('no source')
  return source
}

async function found(question: string, where: PlaceAddress = place) {
  const key = `${where.platform}/${where.workspaceId}/${where.channelId}`
  const passages = await createPassageIndex(database.lasting).retrieve(question, {
    audience: { conversation: key, place: key },
    within: 'places',
    limit: 10,
    signal: AbortSignal.timeout(10_000),
    spender,
  })
  return newestVersions(passages).map(({ share }) => share?.title)
}

const rows = async (table: string) =>
  Number((await database.pool.query<{ count: string }>(`select count(*) from ${table}`)).rows[0]?.count)

async function leftBehind() {
  await createCollector(createLocalBlobs(server.home), createBlobReferences(database)).collect()
  const counts: Record<string, number> = {}
  for (const table of [
    'share',
    'learned_source',
    'turn_attachment',
    'blob_ref',
    'blob',
    'artifact',
    'passage',
    'passage_total',
  ])
    counts[table] = await rows(table)
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

const prose = (subject: string) => [
  `${subject} is described here at length, so that nobody takes this page for a wall of cookies or a sign-in.`,
  `Everything that people ask about ${subject} has its answer in this paragraph, and then some more words follow it.`,
]
const page = (title: string, links: readonly string[] = []) =>
  articlePage(title, [
    ...prose(title),
    ...links.map((each) => `See <a href="${each}">${each}</a> for more of it.`),
  ]).replace(/<nav>.*?<\/nav>/s, '')

/** Read without a process of its own, so that tests are quick. */
const plain = (subject: string) => ({ type: 'text/plain', body: prose(subject).join('\n') })

describe('a link', () => {
  it('is read once, found by its words, and opens its address', async () => {
    sites.serve('docs.example', '/expenses', { body: page('Travel expenses') })
    const id = await teach(link(sites.at('docs.example', '/expenses')))
    await runJobs()
    expect(await sourceOf(id)).toMatchObject({ state: 'read', found: 1, problems: [] })
    expect(await found('travel expenses')).toContain('Travel expenses')
    const { rows: shares } = await database.pool.query('select link from share')
    expect(shares).toEqual([{ link: sites.at('docs.example', '/expenses') }])
  })

  it('is not read again while its content is the same, and is replaced when it changed', async () => {
    sites.serve('docs.example', '/expenses', plain('Travel expenses'))
    const id = await teach(link(sites.at('docs.example', '/expenses')))
    await runJobs()
    await refresh(id)
    expect(readings).toBe(1)
    expect(sites.asked.filter((each) => each.endsWith('/expenses'))).toHaveLength(2)
    sites.serve('docs.example', '/expenses', plain('Hotel receipts'))
    await refresh(id)
    expect(readings).toBe(2)
    expect(await found('travel expenses')).toEqual([])
    expect(await found('hotel receipts')).toContain('expenses.txt')
    expect(await rows('share')).toBe(1)
  })

  it('keeps what it had when its site fails, and says so; a page that is gone goes', async () => {
    sites.serve('docs.example', '/expenses', plain('Travel expenses'))
    const id = await teach(link(sites.at('docs.example', '/expenses')))
    await runJobs()
    sites.serve('docs.example', '/expenses', (_, response) => void response.writeHead(500).end())
    await refresh(id)
    expect(await sourceOf(id)).toMatchObject({
      state: 'failed',
      found: 1,
      problems: ['The site answered with status 500.'],
    })
    expect(await found('travel expenses')).toContain('expenses.txt')
    sites.serve('docs.example', '/expenses', (_, response) => void response.writeHead(404).end())
    await refresh(id)
    expect(await sourceOf(id)).toMatchObject({ state: 'read', found: 0 })
    expect(await found('travel expenses')).toEqual([])
  })

  it('leaves nothing behind when its collection is removed', async () => {
    sites.serve('docs.example', '/expenses', plain('Travel expenses'))
    const id = await teach(link(sites.at('docs.example', '/expenses')))
    await runJobs()
    expect(await leftBehind()).not.toEqual({})
    await collections.remove(id, by)
    expect(await leftBehind()).toEqual({})
    expect(await rows('place')).toBe(0)
  })

  it('is read again when its hours have passed, by the sweep', async () => {
    sites.serve('docs.example', '/expenses', plain('Travel expenses'))
    await teach(link(sites.at('docs.example', '/expenses')))
    await runJobs()
    const sweep = createLearnSweep({ learned, queue, log: silentLog })
    expect(await sweep(6_000)).toBe(0)
    await database.pool.query(`update learned_source set tried_at = now() - interval '25 hours'`)
    expect(await sweep(6_000)).toBe(1)
    await runJobs()
    expect(sites.asked.filter((each) => each.endsWith('/expenses'))).toHaveLength(2)
    expect(await sweep(6_000)).toBe(0)
  })
})

describe('a site', () => {
  beforeEach(() => {
    sites.serve('docs.example', '/guide/', {
      body: page('Guide', ['start', 'deep/', '/blog/news', 'hidden', 'logo.png']),
    })
    sites.serve('docs.example', '/guide/start', { body: page('First steps', ['./', 'more?utm_source=x']) })
    sites.serve('docs.example', '/guide/deep/', plain('Deep water'))
    sites.serve('docs.example', '/guide/more', plain('More steps'))
    sites.serve('docs.example', '/guide/hidden', plain('Hidden treasure'))
    sites.serve('docs.example', '/guide/listed', plain('Listed only'))
    sites.serve('docs.example', '/blog/news', plain('News'))
    sites.serve('docs.example', '/robots.txt', {
      type: 'text/plain',
      body: `User-agent: *\nDisallow: /guide/hidden\nCrawl-delay: 2\nSitemap: ${sites.at('docs.example', '/map.xml')}`,
    })
    sites.serve('docs.example', '/map.xml', {
      type: 'application/xml',
      body: `<urlset><url><loc>${sites.at('docs.example', '/guide/listed')}</loc></url><url><loc>${sites.at('docs.example', '/blog/news')}</loc></url></urlset>`,
    })
  })
  const titles = async () =>
    (await database.pool.query<{ title: string }>('select title from share order by title collate "C"')).rows.map(
      ({ title }) => title,
    )

  it('is read below its folder, by links and its list, as robots.txt allows and at its pace', async () => {
    const id = await teach(site(sites.at('docs.example', '/guide/'), 50))
    await runJobs()
    expect(await titles()).toEqual(['First steps', 'Guide', 'deep.txt', 'listed.txt', 'more.txt'])
    const { state, problems, found: pages } = await sourceOf(id)
    expect({ state, pages }).toEqual({ state: 'read', pages: 5 })
    expect(problems).toEqual([expect.stringMatching(/guide\/hidden: .*robots\.txt/)])
    expect(sites.asked).not.toContain('docs.example/blog/news')
    expect(sites.asked).not.toContain('docs.example/guide/hidden')
    expect(sites.asked).not.toContain('docs.example/guide/logo.png')
    expect(new Set(paced.slice(2))).toEqual(new Set([`${new URL(sites.at('docs.example', '/')).host} 2000`]))
  })

  it('has pages with one title, which are no versions of one another', async () => {
    sites.serve('docs.example', '/guide/deep/', plain('Deep water'))
    sites.serve('docs.example', '/guide/start/deep', plain('Deep valley'))
    sites.serve('docs.example', '/guide/', { body: page('Guide', ['deep/', 'start/deep']) })
    await teach(site(sites.at('docs.example', '/guide/'), 50))
    await runJobs()
    expect((await found('deep water valley')).filter((title) => title === 'deep.txt')).toHaveLength(2)
  })

  it('stops at its limit, and says so', async () => {
    const id = await teach(site(sites.at('docs.example', '/guide/'), 2))
    await runJobs()
    expect(await sourceOf(id)).toMatchObject({
      state: 'read',
      found: 2,
      problems: [expect.stringMatching(/^Stopped at the limit of 2/)],
    })
  })

  it('loses pages that are no longer there, and keeps those that fail', async () => {
    const id = await teach(site(sites.at('docs.example', '/guide/'), 50))
    await runJobs()
    const read = readings
    sites.serve('docs.example', '/guide/deep/', (_, response) => void response.writeHead(410).end())
    sites.serve('docs.example', '/guide/start', (_, response) => void response.writeHead(503).end())
    await refresh(id)
    expect(await titles()).toEqual(['First steps', 'Guide', 'listed.txt'])
    expect(readings).toBe(read)
    expect((await sourceOf(id)).problems).toContainEqual(
      expect.stringMatching(/guide\/start: .*503.* What was read before stays\.$/),
    )
  })

  it('goes on after its process was killed, without asking for the pages again', async () => {
    const killed = new AbortController()
    let asked = 0
    sites.serve('docs.example', '/guide/start', (_, response) => {
      asked += 1
      // The first time the process dies here: nothing answers, and nobody gives the lease back.
      if (asked === 1) killed.abort()
      else response.writeHead(200, { 'content-type': 'text/html' }).end(page('First steps', ['more']))
    })
    const id = await teach(site(sites.at('docs.example', '/guide/'), 50))
    const { learn } = await workers()
    const job = jobs.shift()
    if (job?.name !== 'learn') throw new Error('no job')
    const release = learned.release
    learned.release = async () => {}
    await expect(learn(job.payload, context(killed.signal))).rejects.toThrow()
    learned.release = release
    expect(await sourceOf(id)).toMatchObject({ state: 'reading', found: 1 })
    const sweep = createLearnSweep({ learned, queue, log: silentLog })
    expect(await sweep(0)).toBe(0)
    await database.pool.query(`update learned_source set lease_until = now() - interval '1 second'`)
    expect(await sweep(0)).toBe(1)
    await runJobs()
    expect(await titles()).toEqual(['First steps', 'Guide', 'deep.txt', 'listed.txt', 'more.txt'])
    expect(sites.asked.filter((each) => each === 'docs.example/guide/')).toHaveLength(1)
  })

  it('ends soon after it was removed', async () => {
    const id = await teach(site(sites.at('docs.example', '/guide/'), 50))
    sites.serve('docs.example', '/guide/start', (_, response) => {
      void collections
        .remove(id, by)
        .then(() => response.writeHead(200, { 'content-type': 'text/html' }).end(page('Late')))
    })
    await runJobs()
    expect(await leftBehind()).toEqual({})
  })
})

function forgetting() {
  const { collect } = createCollector(createLocalBlobs(server.home), createBlobReferences(database))
  return createForget({ database, collect, log: silentLog })
}

async function shareFile(name: string, content: string) {
  const held = await blobs.put(Readable.from([Buffer.from(content)]), { maxBytes: 1e6 })
  const attachment: Attachment = { ...file(name), mediaType: 'text/plain', blob: held.hash }
  const sent = { ...message({ id: 'm1', attachments: [attachment] }), kind: 'mention' as const }
  const { dispatch, turnId } = await createTurns(database).accept(sent)
  for (const attachmentId of dispatch.attachmentIds)
    jobs.push({ name: 'extract', id: attachmentId, payload: { v: 1, turnId, attachmentId } })
  await runJobs()
  await held[Symbol.asyncDispose]()
  await database.pool.query(`update turn set state = 'done'`)
  return await collections.sharedFile('test/team/general', 'test/team/general', name.toUpperCase())
}

describe('a file that was shared here', () => {
  const elsewhere = { ...place, channelId: 'sales' }

  it('is found elsewhere without being read again, until its message is deleted', async () => {
    const share = await shareFile('prices.txt', 'The Falcon costs 200 euros in the new price list.')
    if (share === null) throw new Error('not found')
    expect(await found('falcon price', elsewhere)).toEqual([])
    await teach({ kind: 'file', share })
    expect(await found('falcon price', elsewhere)).toEqual(['prices.txt'])
    expect(readings).toBe(1)
    await createTurns(database).withdraw('test', ['m1'])
    expect(await found('falcon price', elsewhere)).toEqual([])
    expect(await leftBehind()).toEqual({})
  })

  it('keeps its bytes by itself, and goes when the original is forgotten', async () => {
    const share = await shareFile('prices.txt', 'The Falcon costs 200 euros in the new price list.')
    if (share === null) throw new Error('not found')
    const id = await teach({ kind: 'file', share })
    expect((await database.pool.query(`select 1 from blob_ref where owner_kind = 'share'`)).rows).toHaveLength(1)
    await forgetting().forgetFile({ ...place, name: 'prices.txt' }, 'ann')
    expect((await collections.find(id))?.sources).toEqual([])
    expect(await leftBehind()).toEqual({})
  })
})

const posted = (name: string, more: Partial<PostedFile> = {}): PostedFile => {
  fake.files.set(name, Buffer.from(`${name} says that the Osprey flies at noon.`))
  return {
    attachment: { ...file(name), mediaType: 'text/plain', locator: name, link: `https://chat.example/${name}` },
    messageId: `of ${name}`,
    account: 'bob',
    by: 'Bob',
    at: '2026-11-20T10:00:00Z',
    ...more,
  }
}
const platformHas = (files: Partial<PlaceFiles>) => Object.assign(fake.platform, { placeFiles: files })

describe('the pinned files of a channel', () => {
  const elsewhere = { ...place, channelId: 'sales' }

  it('are read, and follow the channel at each refresh', async () => {
    let pinned = [posted('rules.txt'), posted('map.txt')]
    platformHas({ pinned: async () => pinned })
    const id = await teach({ kind: 'pins', place, title: 'Pinned files', refreshHours: 24 })
    await runJobs()
    expect(await sourceOf(id)).toMatchObject({ state: 'read', found: 2, waiting: 0 })
    expect((await found('osprey noon', elsewhere)).toSorted()).toEqual(['map.txt', 'rules.txt'])
    pinned = [posted('rules.txt'), posted('plan.txt')]
    const before = readings
    await refresh(id)
    expect(readings).toBe(before + 1)
    expect((await found('osprey noon', elsewhere)).toSorted()).toEqual(['plan.txt', 'rules.txt'])
  })

  it('go with their message, with the file, and with Parley', async () => {
    platformHas({ pinned: async () => [posted('rules.txt'), posted('map.txt'), posted('plan.txt')] })
    const id = await teach({ kind: 'pins', place, title: 'Pinned files', refreshHours: 24 })
    await runJobs()
    await createTurns(database).withdraw('test', ['of rules.txt'])
    expect((await found('osprey noon', elsewhere)).toSorted()).toEqual(['map.txt', 'plan.txt'])
    const placeRows = createPlaceRows(database.lasting)
    await placeRows.change({ kind: 'fileDeleted', platform: 'test', workspaceId: 'team', attachmentId: 'map.txt' })
    expect(await found('osprey noon', elsewhere)).toEqual(['plan.txt'])
    await placeRows.change({ kind: 'removed', place })
    expect((await collections.find(id))?.sources).toEqual([])
    expect(await leftBehind()).toEqual({})
  })

  it('stay when the platform does not answer, and a file that cannot be fetched is named', async () => {
    platformHas({ pinned: async () => [posted('rules.txt'), { ...posted('lost.txt'), attachment: file('lost.txt') }] })
    const id = await teach({ kind: 'pins', place, title: 'Pinned files', refreshHours: 24 })
    await runJobs()
    expect(await sourceOf(id)).toMatchObject({ found: 1, problems: [expect.stringMatching(/^lost\.txt: /)] })
    platformHas({
      pinned: async () => {
        throw new ParleyError('platform_unreachable', 'The platform does not answer.')
      },
    })
    await refresh(id)
    expect(await sourceOf(id)).toMatchObject({ state: 'failed', found: 1 })
  })
})

describe('a channel whose files are read', () => {
  const filesPosted = (at: PlaceAddress, ...files: PostedFile[]) =>
    createFilesPosted({ learned, queue, log: silentLog })(at, async () => files)

  async function watch() {
    for (const { sourceId } of await collections.watch(place, { by, spender }))
      jobs.push({ name: 'learn', id: 'watch', payload: { v: 1, sourceId } })
    await runJobs()
  }

  /** Answers what is stored of a channel without files. */
  async function watchWithFiles(...files: PostedFile[]) {
    platformHas({ recent: async () => [] })
    await watch()
    const before = await leftBehind()
    await filesPosted(place, ...files)
    await runJobs()
    return before
  }

  it('is off until somebody switches it on; then recent files are read, and those that follow', async () => {
    platformHas({ recent: async (_, { limit }) => (limit === 50 ? [posted('old.txt')] : []) })
    await createFilesPosted({ learned, queue, log: silentLog })(place, () => Promise.reject(new Error('looked up')))
    expect(jobs).toEqual([])
    expect(await rows('turn_attachment')).toBe(0)
    await watch()
    expect(await collections.isWatched(place)).toBe(true)
    await filesPosted(place, posted('new.txt'))
    await filesPosted(place, posted('new.txt'))
    await filesPosted({ ...place, threadId: 'secret' }, posted('private.txt'))
    await runJobs()
    expect((await found('osprey noon')).toSorted()).toEqual(['new.txt', 'old.txt'])
    const { rows: shares } = await database.pool.query(`select shared_by, link from share where title = 'new.txt'`)
    expect(shares).toEqual([{ shared_by: 'Bob', link: 'https://chat.example/new.txt' }])
  })

  it('loses a file with its message, what a person posted with them, and all of it when it is switched off', async () => {
    platformHas({ recent: async () => [posted('one.txt'), posted('two.txt'), posted('three.txt', { account: 'cem' })] })
    await watch()
    await createTurns(database).withdraw('test', ['of one.txt'])
    expect((await found('osprey noon')).toSorted()).toEqual(['three.txt', 'two.txt'])
    const forget = forgetting()
    const cem = { platform: 'test', workspaceId: 'team', userId: 'cem' }
    expect(await forget.look(cem, 'cem')).toMatchObject({ files: 1 })
    await forget.forget(cem, 'cem')
    expect(await found('osprey noon')).toEqual(['two.txt'])
    await collections.unwatch(place, by)
    expect(await found('osprey noon')).toEqual([])
    expect(await leftBehind()).toEqual({})
  })

  it('loses what a person posted with them, also where they never asked anything', async () => {
    const before = await watchWithFiles(posted('one.txt', { account: 'cem' }))
    await database.pool.query(`insert into person (id, name) values ('00000000-0000-4000-8000-000000000001', 'Cem')`)
    await database.pool.query(
      `insert into identity (provider, issuer, subject, person_id) values ('test', 'test', 'cem', '00000000-0000-4000-8000-000000000001')`,
    )
    expect(await leftBehind()).toMatchObject({
      share: 1,
      passage: 1,
      blob: 1,
      artifact: 1,
      blob_ref: expect.any(Number),
    })
    const forget = forgetting()
    const accounts = await forget.accountsOf('00000000-0000-4000-8000-000000000001')
    expect(accounts).toEqual([{ platform: 'test', workspaceId: 'team', userId: 'cem' }])
    for (const each of accounts) await forget.forget(each, 'cem')
    expect(await leftBehind()).toEqual(before)
  })

  it('has its files read although the queue was away', async () => {
    platformHas({ recent: async () => [] })
    await watch()
    const source = (await learned.watching(place)) ?? ''
    await learned.keepFiles(source, [{ ...posted('new.txt'), place }], { complete: false })
    await database.pool.query(`update turn_attachment set dispatched_at = now() - interval '1 minute'`)
    expect(await createLearnSweep({ learned, queue, log: silentLog })(6_000)).toBe(1)
    await runJobs()
    expect(await found('osprey noon')).toEqual(['new.txt'])
  })
})

it('a file from the page is read once and goes with its source', async () => {
  const held = await blobs.put(Readable.from([Buffer.from('The Kestrel hovers over the field.')]), { maxBytes: 1e6 })
  const id = await teach({
    kind: 'upload',
    attachment: { ...file('birds.txt'), mediaType: 'text/plain', blob: held.hash },
  })
  await held[Symbol.asyncDispose]()
  await runJobs()
  expect(await found('kestrel field')).toEqual(['birds.txt'])
  await collections.removeSource(id, (await sourceOf(id)).id, by)
  expect(await leftBehind()).toEqual({})
})
