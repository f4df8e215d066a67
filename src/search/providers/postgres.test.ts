import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'
import { message } from '../../../test/fakes/message.ts'
import { knowBlobs } from '../../../test/fixtures/blobs.ts'
import { shareFiles, spender } from '../../../test/share-files.ts'
import type { Artifact, Position } from '../../core/artifact.ts'
import { silentLog } from '../../core/log.ts'
import { conversationKey } from '../../core/message.ts'
import { type Database, openDatabase } from '../../store/database.ts'
import type { PassageIndex, Retriever } from '../passages.ts'
import { createPassageIndex } from './postgres.ts'

let server: TestServer
let database: Database
let index: PassageIndex & Retriever
const conversation = conversationKey(message().conversation)

// One database for all: each test searches its own files, as each conversation does.
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog, connections: 4 })
  const bare = createPassageIndex(database.lasting)
  index = {
    ...bare,
    async add(file) {
      await knowBlobs(database.pool, file.contentHash)
      await bare.add(file)
    },
  }
})
afterAll(async () => {
  await database.close()
  await server.dispose()
})

function artifact(
  name: string,
  texts: string[],
  at: (i: number) => Position = (i) => ({ kind: 'page', page: i + 1 }),
): Artifact {
  const segments = texts.map((text, i) => ({ text, at: at(i), tokens: Math.ceil(text.length / 4) }))
  const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0)
  const contentHash = createHash('sha256').update(name).digest('hex')
  return { contentHash, engine: 'pdf-1', mediaType: 'application/pdf', segments, tokens, problems: [] }
}

/** Two hundred pages of a manual that differ only in their numbers, but for page 137. */
function manual(): string[] {
  return Array.from({ length: 200 }, (_, i) => {
    const page = i + 1
    const own =
      page === 137
        ? 'The relief valve of the condensate pump must be replaced after 4,200 operating hours, or at once when error ERR-4711 is shown.'
        : `The inspection of pump ${page} is recorded in the log. Operating hours are counted by the control unit and shown on the display.`
    return `Maintenance manual, chapter ${Math.ceil(page / 10)}, page ${page}. The pump and its valves are inspected every month by the shift lead.
${own} The valve of line ${page} closes before the pump starts. See section ${page % 12} for the error list and the hours of service.`
  })
}

/** In a conversation in which all of these were shared. */
async function find(question: string, among: Artifact[], limit: number) {
  await shareFiles(database, among)
  const signal = AbortSignal.timeout(30_000)
  return await index.retrieve(question, {
    audience: { conversation, place: conversation },
    among,
    limit,
    signal,
    spender,
  })
}

async function first(question: string, ...among: Artifact[]) {
  return (await find(question, among, 5))[0]
}

describe('finding a fact', () => {
  test.each([
    'After how many operating hours must the relief valve be replaced?',
    'What does ERR-4711 mean?',
    'replacement of the condensate pump valve',
    'Which valve has to be replaced after 4200 hours?',
  ])('on page 137 of 200 similar pages: %s', async (question) => {
    const file = artifact('manual', manual())
    await index.add(file)
    expect((await first(question, file))?.at).toEqual({ kind: 'page', page: 137 })
  })

  const contracts = artifact('contracts', [
    '§ 11 Lieferung. Die Ware wird innerhalb von 30 Tagen an die Hauptverwaltung geliefert. Der Preis beträgt 1.299,00 €.',
    '§ 12 Laufzeit. Die Kündigungsfrist beträgt drei Monate zum Quartalsende. Kündigungen bedürfen der Schriftform.',
    '第五条 付款。甲方应在收到发票后三十日内付款。',
    '第六条 违约责任。本合同约定的违约金为合同总额的百分之五。',
    '第7条 秘密保持。本契約の終了後も、秘密保持義務は五年間存続する。',
    '第8条 支払。代金は翌月末日までに銀行振込で支払うものとする。',
    'المادة ١٢: مدة العقد سنتان وتجدد تلقائيا ما لم يخطر أحد الطرفين الآخر.',
    'المادة ١٣: غرامة التأخير عن كل يوم هي واحد بالمئة من قيمة العقد.',
    'Contact: Anna Lee, anna.lee@example.com, extension 5512. Invoices above $12,500.00 need two signatures.',
    'Contact: Ben Ode, ben.ode@example.com, extension 5513. Invoices are paid within 14 days.',
  ])

  test.each([
    ['Wie lang ist die Kündigungsfrist?', 2],
    ['Wie kann ich den Vertrag kündigen? Kündigung', 2],
    ['Was steht in § 12?', 2],
    ['Was kostet 1299 Euro?', 1],
    ['合同的违约金是多少？', 4],
    ['什么时候付款？', 3],
    ['秘密保持義務は何年間ですか', 5],
    ['支払期限はいつですか', 6],
    ['ما هي غرامة التأخير؟', 8],
    ['ما هي مدة العقد؟', 7],
    ['Whose address is anna.lee@example.com?', 9],
    ['extension 5513', 10],
    ['Which invoices above 12500 dollars need signatures?', 9],
  ])('%s', async (question, page) => {
    await index.add(contracts)
    expect((await first(question, contracts))?.at).toEqual({ kind: 'page', page })
  })

  test('a passage that says it often comes before one that says it once, a short one before a long one', async () => {
    const file = artifact('often', [
      `The turbine. ${'Other words fill this page with nothing of interest. '.repeat(8)}`,
      `The turbine drives the turbine shaft; turbine and shaft. ${'Other words fill this page with nothing. '.repeat(9)}`,
      'The turbine of interest.',
      ...Array.from({ length: 20 }, (_, i) => `Page ${i} speaks about pumps.`),
    ])
    await index.add(file)
    const found = await find('turbine', [file], 10)
    const places = found.map(({ ordinal }) => ordinal)
    expect(places).toHaveLength(3)
    expect(places.indexOf(1)).toBeLessThan(places.indexOf(0))
    expect(places.indexOf(2)).toBeLessThan(places.indexOf(0))
    expect(found.every(({ score }, i) => score > 0 && score <= (found[i - 1]?.score ?? score))).toBe(true)
  })
})

describe('the files at hand', () => {
  test('nothing is found in a file that was not asked about, nor in another reading of the same file', async () => {
    const asked = artifact('asked', ['The price is 10 euros.'])
    const other = artifact('other', ['The price is 20 euros.'])
    const reread = { ...asked, engine: 'pdf-2' }
    for (const file of [asked, other, reread]) await index.add(file)
    const found = await find('price', [asked], 10)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      contentHash: asked.contentHash,
      engine: 'pdf-1',
      ordinal: 0,
      text: 'The price is 10 euros.',
    })
    expect(await find('price', [asked, other, reread], 10)).toHaveLength(3)
  })

  test('many files are searched as few are, and still only those', async () => {
    const files = Array.from({ length: 12 }, (_, i) =>
      artifact(`many ${i}`, [`Clause ${i}: the deposit is ${i}00 euros.`, 'Nothing.']),
    )
    for (const file of files) await index.add(file)
    const asked = files.slice(0, 8)
    const found = await find('How much is the deposit of clause 5?', asked, 20)
    expect(found[0]?.contentHash).toBe(files[5]?.contentHash)
    expect(new Set(found.map(({ contentHash }) => contentHash))).toEqual(
      new Set(asked.map(({ contentHash }) => contentHash)),
    )
    const few = await find('How much is the deposit of clause 5?', asked.slice(4), 20)
    expect(few[0]?.contentHash).toBe(files[5]?.contentHash)
    expect(few).toHaveLength(4)
  })

  test('what is rare in these files counts, however common it is in others', async () => {
    const asked = artifact('asked', ['Alpha beta.', 'Alpha gamma.', 'Alpha delta.', 'Alpha epsilon.'])
    const others = artifact(
      'others',
      Array.from({ length: 50 }, () => 'Gamma everywhere.'),
    )
    await index.add(asked)
    await index.add(others)
    expect((await first('alpha gamma', asked))?.ordinal).toBe(1)
  })

  test('adding again, even at the same time, changes nothing', async () => {
    const file = artifact('again', manual())
    await Promise.all([index.add(file), index.add(file), index.add(file)])
    await index.add(file)
    const { rows } = await database.pool.query('select count(*)::int as count from passage where content_hash = $1', [
      file.contentHash,
    ])
    expect(rows[0].count).toBe(200)
  })

  test('a file that is followed while it is read is found whole, whatever earlier readings left', async () => {
    const bare = createPassageIndex(database.lasting)
    const pages = Array.from({ length: 800 }, (_, at) => `Page ${at} tells of item ${at * 7}.`)
    const whole = artifact('followed', pages)
    const cut = { ...whole, segments: whole.segments.filter((_, at) => at % 2 === 1) }
    await knowBlobs(database.pool, whole.contentHash)
    const texts = async () => {
      const { rows } = await database.pool.query(
        'select text from passage where content_hash = $1 and engine = $2 order by ordinal',
        [whole.contentHash, whole.engine],
      )
      return rows.map(({ text }) => text)
    }
    // A reading that broke off and left other passages.
    const left = bare.follow(whole)
    left.add(cut.segments)
    await left.finish({ ...cut, engine: `${cut.engine}/attachment` })
    expect(await texts()).toEqual(cut.segments.slice(0, 256).map(({ text }) => text))
    const follow = async (parts: number) => {
      const writer = bare.follow(whole)
      for (let at = 0; at < parts; at += 1) writer.add(whole.segments.slice(at * 80, at * 80 + 80))
      await writer.finish(whole)
    }
    await Promise.all([follow(10), follow(3), follow(0)])
    expect(await texts()).toEqual(whole.segments.map(({ text }) => text))
    // A later reading that is cut short takes nothing away.
    const late = bare.follow(whole)
    late.add(cut.segments)
    await late.finish({ ...cut, engine: `${cut.engine}/other` })
    expect(await texts()).toEqual(whole.segments.map(({ text }) => text))
  })

  test('a position comes back as it was', async () => {
    const at: Position = { kind: 'rows', sheet: "Budget '26 \\ Q1", from: 2, to: 9 }
    const file = artifact('rows', ['Total: 12'], () => at)
    await index.add(file)
    expect((await first('total', file))?.at).toEqual(at)
  })

  test('nothing is found for a question without words, in no files, or for what does not occur', async () => {
    const file = artifact('empty', ['Some text.'])
    await index.add(file)
    await index.add(artifact('blank', [' ']))
    expect(await find('???', [file], 5)).toEqual([])
    expect(await find('text', [], 5)).toEqual([])
    expect(await find('zebra', [file], 5)).toEqual([])
  })
})

describe('whatever a file or a question holds', () => {
  test.each([
    "it's O'Brien's",
    String.raw`C:\temp\new`,
    "a'b\\c:* & | ! <-> ''",
    'x'.repeat(5000),
    '§§§ 12',
    'a\0b',
    '😀 \ud800 lone',
    `${"l'a-b ".repeat(3000)}`,
  ])('is stored and asked without harm: %j', async (text) => {
    const file = artifact(text, [`${text} needle`])
    await index.add(file)
    expect((await first(`${text.slice(0, 200)} needle`, file))?.at).toEqual({ kind: 'page', page: 1 })
  })

  test('a question of ten thousand words is answered', async () => {
    const file = artifact('long', ['The needle is here.'])
    await index.add(file)
    const question = `${Array.from({ length: 10_000 }, (_, i) => `w${i}`).join(' ')} needle`
    expect(await find(question, [file], 5)).toBeDefined()
  })
})

test('a long file is added in statements of a bounded size, and the whole of it once however often it is added', async () => {
  const file = artifact(
    'two thousand pages',
    Array.from({ length: 2_000 }, (_, i) => `Page ${i + 1} tells of item number ${100_000 + i}.`),
  )
  const sizes: number[] = []
  const counting = createPassageIndex({
    query(text, values) {
      sizes.push(values.flatMap((value) => (Array.isArray(value) ? [value.length] : []))[0] ?? 0)
      return database.lasting.query(text, values)
    },
  })
  await knowBlobs(database.pool, file.contentHash)
  await counting.add(file)
  expect(sizes.length).toBeGreaterThan(4)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(256)
  await counting.add(file)
  const { rows } = await database.pool.query(
    'select count(*)::int as count, max(ordinal) as last from passage where content_hash = $1',
    [file.contentHash],
  )
  expect(rows).toEqual([{ count: 2_000, last: 1_999 }])
  for (const page of [1, 257, 2_000])
    expect((await first(`item ${100_000 + page - 1}`, file))?.at).toEqual({ kind: 'page', page })
})
