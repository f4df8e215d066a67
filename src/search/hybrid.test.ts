/** Finding in files by meaning: what is found, what is left out, and what happens when the model or the server changes. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type EmbeddingsRigOptions, embeddingsRig } from '../../test/embeddings-rig.ts'
import { message } from '../../test/fakes/message.ts'
import { type EmbeddingsServer, startEmbeddings } from '../../test/servers/embeddings.ts'
import { spender } from '../../test/share-files.ts'
import { silentLog } from '../core/log.ts'
import { conversationKey } from '../core/message.ts'
import { placeKey } from '../core/place.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createMemory, memoryFloor } from './memory.ts'
import type { Audience, Retrieval } from './passages.ts'
import { artifactOf } from './retriever.contract.ts'

let server: TestServer
let database: Database
let embeddings: EmbeddingsServer

beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())
beforeEach(async () => {
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  embeddings = await startEmbeddings('openai', {
    sameMeaning: { car: 'automobile', fixes: 'repairs', instruction: 'order' },
  })
})
afterEach(async () => {
  await database.close()
  await embeddings.close()
})

const rigOf = (options?: EmbeddingsRigOptions) => embeddingsRig(database, embeddings, options)
type Rig = ReturnType<typeof rigOf>

function audienceOf(channelId: string): Audience {
  const { conversation } = message({ channelId })
  return { conversation: conversationKey(conversation), place: placeKey(conversation) }
}

const find = (rig: Rig, question: string, more: Partial<Retrieval> = {}, channelId = 'general') =>
  rig.retriever.retrieve(question, {
    audience: audienceOf(channelId),
    limit: 10,
    signal: AbortSignal.timeout(30_000),
    spender,
    ...more,
  })

/** Pages about different things, so that something is usual. */
const pages = [
  'Pets are allowed in the garden of the house.',
  'Automobile repairs need a written order by the shift lead.',
  'The canteen serves soup on Tuesdays and fish on Fridays.',
  'Holidays are requested two weeks ahead in the calendar.',
  'Invoice numbers begin with the letters INV and the year.',
  'Windows on the third floor stay closed during storms.',
  'Visitors sign in at the gate and wear a badge.',
  'Batteries of the forklift are charged overnight.',
  'Fire drills take place every spring and every autumn.',
  'Safety shoes are replaced once a year without questions.',
  'Printers in the hallway take both sizes of paper.',
  'Keys are returned on the last working day.',
  'Heating is turned down between ten and five.',
  'Bicycles belong into the shed behind the workshop.',
  'Music is welcome as long as nobody minds.',
  'Parcels wait at the reception until noon.',
]
/** Of the second page, without a word of it. */
const question = 'Which instruction for car fixes?'
const handbook = artifactOf('handbook', pages)

const states = async (rig: Rig) =>
  (await rig.rows.models()).map(({ model, width, state }) => `${model} ${width} ${state}`)

describe('finding by meaning', () => {
  it('finds what has no word in common with the question', async () => {
    const rig = rigOf()
    await rig.share('general', handbook)
    await rig.fill()
    expect(
      (
        await rig.lexical.retrieve(question, {
          audience: audienceOf('general'),
          limit: 5,
          signal: AbortSignal.timeout(30_000),
          spender,
        })
      ).length,
    ).toBe(0)
    const [first] = await find(rig, question)
    expect(first).toMatchObject({ text: pages[1], close: true, at: { kind: 'page', page: 2 } })
  })

  it('in memory, what means nearly the same is given, and what only shares a few letters is not', async () => {
    const rig = rigOf()
    await rig.share('general', handbook)
    await rig.fill()
    const memory = createMemory({
      retriever: rig.retriever,
      places: { refresh: async () => {}, holdsAny: async () => true, names: async () => new Map() },
    })
    const remember = async (question: string) =>
      (
        await memory.find(question, {
          audience: audienceOf('general'),
          except: [],
          floor: memoryFloor.alone,
          signal: AbortSignal.timeout(30_000),
          spender,
        })
      ).map(({ text, share }) => ({ text, title: share?.title }))
    expect(await remember(question)).toEqual([{ text: pages[1], title: 'file-0.pdf' }])
    for (const other of ['Who painted the Mona Lisa?', 'quantum chromodynamics', 'zzz', 'Wann fährt der Zug?'])
      expect(await remember(other)).toEqual([])
  })

  it('shows nobody what they may not see', async () => {
    const rig = rigOf()
    await rig.share('secrets', handbook)
    await rig.share('general', artifactOf('open', ['Soup is served on Mondays.']))
    await rig.fill()
    for (const within of ['conversation', 'places'] as const) {
      expect((await find(rig, question, { within })).map(({ text }) => text)).not.toContain(pages[1])
      expect((await find(rig, question, { within }, 'secrets'))[0]?.text).toBe(pages[1])
    }
    const among = [{ contentHash: handbook.contentHash, engine: handbook.engine }]
    expect(await find(rig, question, { among })).toEqual([])
  })

  it('a passage with a number of the question stays among the first', async () => {
    const rig = rigOf({ settings: { weight: 1 } })
    const codes = Array.from(
      { length: 12 },
      (_, i) => `The error code table of the pump explains code ERR-${4000 + i}.`,
    )
    await rig.share('general', artifactOf('codes', codes))
    await rig.fill()
    const found = await find(rig, 'error code table of the pump explains ERR-4007')
    expect(found.slice(0, 3).map(({ text }) => text)).toContain(codes[7])
    expect(found.every(({ score }, at) => score <= (found[at - 1]?.score ?? score))).toBe(true)
  })

  it('a passage whose text changes is embedded again', async () => {
    const rig = rigOf()
    const before = artifactOf('draft', ['Automobile repairs.', ...pages.slice(2)])
    await rig.share('general', before)
    await rig.fill()
    const [segment, ...rest] = before.segments
    await rig.lexical.add({
      ...before,
      segments: [{ ...(segment ?? before.segments[0]), text: 'Soup recipes.' } as never, ...rest],
    })
    const [{ id } = { id: 0 }] = await rig.rows.models()
    expect(await rig.rows.fill(id, [])).toEqual({ passages: 15, embedded: 14 })
    await rig.fill()
    expect(await rig.rows.fill(id, [])).toEqual({ passages: 15, embedded: 15 })
    expect((await find(rig, question))[0]?.text).not.toBe('Soup recipes.')
  })
})

describe('words alone are enough', () => {
  it.each([
    ['is away', () => embeddings.close()],
    ['is busy', () => embeddings.answers({ status: 429 })],
    ['answers with a web page', () => embeddings.answers({ status: 200, body: '<html></html>' })],
    ['answers in another width', () => embeddings.models.set('embed-small', 100)],
    ['does not answer in time', () => embeddings.hangs(true)],
  ])('while the server for embeddings %s, and a note says so', async (_what, breaks) => {
    const rig = rigOf({ settings: { waitMs: 300 } })
    await rig.share('general', handbook)
    await rig.fill()
    await breaks()
    const notes: string[] = []
    const found = await find(rig, 'automobile repairs order', { note: (sentence) => notes.push(sentence) })
    expect(found[0]?.text).toBe(pages[1])
    expect(notes).toEqual([expect.stringMatching(/^The server for embeddings .*\.$/)])
    // Nothing was missed where there is nothing.
    const none: string[] = []
    expect(await find(rig, 'automobile', { note: (sentence) => none.push(sentence) }, 'empty')).toEqual([])
    expect(none).toEqual([])
  })

  it('while much of a view has no vector yet', async () => {
    const rig = rigOf()
    await rig.share('general', handbook)
    await rig.fill()
    await rig.share(
      'general',
      artifactOf(
        'new',
        pages.map((text) => `New: ${text}`),
      ),
    )
    expect(await find(rig, question, { within: 'places' })).toEqual([])
    await rig.fill()
    expect(await find(rig, question, { within: 'places' })).not.toEqual([])
  })

  it('where questions must not leave the network', async () => {
    const rig = rigOf({ local: false })
    await rig.share('general', handbook)
    await rig.fill()
    const asked = embeddings.asked.length
    expect(await find(rig, question, { localOnly: true })).toEqual([])
    expect(embeddings.asked).toHaveLength(asked)
    expect(await find(rig, question)).not.toEqual([])
  })
})

describe('embedding what is shared', () => {
  it('sends nothing of places whose content must not leave the network, and nothing that nobody can find', async () => {
    const rig = rigOf({ local: false, localOnlyPlaces: async () => [audienceOf('secrets').place] })
    await rig.share('secrets', artifactOf('secret', ['The heron flies at dawn.']))
    await rig.share('general', handbook)
    await rig.fill()
    const sent = embeddings.asked.flatMap(({ texts }) => texts)
    expect(sent).toEqual(expect.arrayContaining(pages))
    expect(sent.join(' ')).not.toContain('heron')
    expect(await states(rig)).toEqual(['embed-small 256 active'])
  })

  it('asks for each passage once, and for the same question once', async () => {
    const rig = rigOf()
    await rig.share('general', handbook)
    await rig.fill()
    await rig.fill()
    await Promise.all([find(rig, question), find(rig, question, { within: 'places' })])
    const sent = embeddings.asked.flatMap(({ texts }) => texts)
    expect(sent.filter((text) => text === pages[0])).toHaveLength(1)
    expect(sent.filter((text) => text === question)).toHaveLength(1)
  })

  it('a text that is too long for the model is embedded by its beginning, and keeps no other from its vector', async () => {
    const rig = rigOf()
    const long = 'word '.repeat(700)
    embeddings.changes((vectors) => vectors)
    await rig.share('general', artifactOf('long', [long, ...pages]))
    const { asked } = embeddings
    // As Text Embeddings Inference refuses a batch in which one text is too long.
    embeddings.refuses((texts) => texts.some((text) => text.length > 1_000))
    await rig.fill()
    const [{ id } = { id: 0 }] = await rig.rows.models()
    const fill = await rig.rows.fill(id, [])
    expect(fill.embedded).toBe(fill.passages)
    expect(asked.length).toBeLessThan(40)
  })

  it('goes on where a process died, as soon as its lease has run out', async () => {
    const rig = rigOf()
    await rig.share('general', handbook)
    await rig.fill()
    const [{ id } = { id: 0 }] = await rig.rows.models()
    await rig.share('general', artifactOf('new', ['The heron flies at dawn.']))
    expect(await rig.rows.claim(id, 'the dead', 60_000)).toBe(true)
    await rig.fill()
    expect(await rig.rows.fill(id, [])).toEqual({ passages: 17, embedded: 16 })
    await database.pool.query(`update embedding_model set lease_until = now() - interval '1 ms'`)
    await rig.fill()
    expect(await rig.rows.fill(id, [])).toEqual({ passages: 17, embedded: 17 })
  })
})

describe('another model', () => {
  it('is filled beside the one in use, then takes its place at once; the old one goes after a day', async () => {
    embeddings.models.set('embed-large', 384)
    const [before, after] = [rigOf({ model: 'embed-small' }), rigOf({ model: 'embed-large' })]
    await before.share('general', handbook)
    await before.fill()
    embeddings.answers({ status: 503 })
    await after.fill()
    embeddings.answers(undefined)
    expect(await states(after)).toEqual(['embed-small 256 active'])
    await after.rows.want({ provider: 'embeddings', model: 'embed-large', width: 384 })
    expect(await states(after)).toEqual(['embed-large 384 filling', 'embed-small 256 active'])
    expect((await find(after, question))[0]?.text).toBe(pages[1])
    expect(embeddings.asked.at(-1)).toMatchObject({ model: 'embed-small', texts: [question] })
    await after.fill()
    expect(await states(after)).toEqual(['embed-large 384 active'])
    const later = rigOf()
    expect((await find(later, 'automobile'))[0]?.text).toBe(pages[1])
    expect(embeddings.asked.at(-1)).toMatchObject({ model: 'embed-large', texts: ['automobile'] })
    const left = async () =>
      (await database.pool.query('select distinct model_id from embedding order by 1')).rows.length
    expect(await left()).toBe(2)
    await database.pool.query(`update embedding_model set changed_at = now() - interval '25 hours'`)
    await later.rows.dropOld()
    expect(await left()).toBe(1)
  })

  it('is never compared with vectors of another one, not even of the same width', async () => {
    embeddings.models.set('embed-other', 256)
    const rig = rigOf({ model: 'embed-small' })
    await rig.share('general', handbook)
    await rig.fill()
    await rig.rows.want({ provider: 'embeddings', model: 'embed-other', width: 256 })
    const [other, small] = await rig.rows.models()
    const options = {
      audience: audienceOf('general'),
      among: undefined,
      within: 'places',
      limit: 5,
      signal: AbortSignal.timeout(30_000),
    } as const
    const vector = Float32Array.from({ length: 256 }, (_, i) => Math.sin(i))
    expect(await rig.vectors.nearest({ id: other?.id ?? 0, width: 256 }, vector, options)).toEqual({
      found: [],
      share: 0,
    })
    expect((await rig.vectors.nearest({ id: small?.id ?? 0, width: 256 }, vector, options)).found).toHaveLength(5)
    await expect(
      rig.vectors.nearest({ id: small?.id ?? 0, width: 100 }, vector.slice(0, 100), options),
    ).rejects.toThrow()
  })
})
