/**
 * Questions that share no word with their answers are found by the other words that a model says, among 240 paragraphs of other subjects;
 * and what nobody has shared anything about finds nothing.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { missingParagraphs, paraphrases, xquad } from '../../test/fixtures/asked-paragraphs.ts'
import { heldOutOfNothing, heldOutParaphrases } from '../../test/fixtures/held-out-words.ts'
import { saidOfNothing, saidOtherWords } from '../../test/fixtures/other-words.ts'
import { answerByQuoting, quotesOf } from '../../test/models/quoting.ts'
import { spender } from '../../test/share-files.ts'
import { audienceIn, openPlaces, shareInPlaces } from '../../test/share-in-places.ts'
import { wordsIn } from '../answer/other-words.ts'
import { silentLog } from '../core/log.ts'
import type { Part } from '../models/model.ts'
import { type Database, openDatabase } from '../store/database.ts'
import { createMemory, isSure, type Memory, memoryFloor, merged } from './memory.ts'
import type { RankedPassage } from './passages.ts'
import { createPlaceReaders } from './places.ts'
import { createPlaceRows } from './providers/places-postgres.ts'
import { createPassageIndex } from './providers/postgres.ts'
import { subjectTerms } from './terms.ts'

let server: TestServer
let database: Database
let memory: Memory
beforeAll(async () => {
  server = await startTestDatabase()
  database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  const places = createPlaceReaders({
    rows: createPlaceRows(database.lasting),
    places: () => undefined,
    log: silentLog,
  })
  memory = createMemory({ retriever: createPassageIndex(database.lasting), places })
  if (missingParagraphs !== '') return
  await openPlaces(database, { one: ['ann'] })
  const texts = [...xquad('en').paragraphs, ...[...paraphrases(), ...heldOutParaphrases].map(({ answer }) => answer)]
  await shareInPlaces(
    database,
    texts.map((text, at) => ({ channelId: 'one', title: `${at}.txt`, texts: [text] })),
  )
})
afterAll(async () => {
  await database?.close()
  await server?.dispose()
})

/** As src/answer/gather-memory.ts does it. */
async function find(question: string, said: string): Promise<RankedPassage[]> {
  const ask = (words: string, floor: number) =>
    memory.find(words, {
      audience: audienceIn('dm-ann', 'ann'),
      except: [],
      floor,
      signal: AbortSignal.timeout(30_000),
      spender,
    })
  if (subjectTerms(question).length === 0) return []
  const own = await ask(question, memoryFloor.alone)
  const found = own.some(isSure(question)) ? own : merged(own, await ask(wordsIn(said).join(' '), memoryFloor.alone))
  return found.slice(0, 5)
}

it.skipIf(missingParagraphs !== '')(`paraphrases are found by other words${missingParagraphs}`, async () => {
  const missed: string[] = []
  for (const { question, answer } of paraphrases()) {
    const found = await find(question, saidOtherWords[question] ?? '')
    if (!found.some(({ text }) => text === answer)) missed.push(question)
  }
  expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(5)
})

it.skipIf(missingParagraphs !== '').each(Object.entries(saidOfNothing))(
  `nothing is quoted for what nobody shared: %s${missingParagraphs}`,
  async (question, said) => {
    const given = (await find(question, said)).filter(isSure(question)).map(({ text, at }, n): Part => {
      return { type: 'passage', source: `${n + 1}:p1`, title: 'file.txt', at, text }
    })
    expect(quotesOf(await answerByQuoting(given, question))).toEqual([])
  },
)

it.skipIf(missingParagraphs !== '')(`the held-out half, by which nothing was chosen${missingParagraphs}`, async () => {
  const missed: string[] = []
  for (const { question, answer, said } of heldOutParaphrases)
    if (!(await find(question, said)).some(({ text }) => text === answer)) missed.push(question)
  const quoted: string[] = []
  for (const [question, said] of Object.entries(heldOutOfNothing)) {
    const given = (await find(question, said)).filter(isSure(question)).map(({ text, at }, n): Part => {
      return { type: 'passage', source: `${n + 1}:p1`, title: 'file.txt', at, text }
    })
    if (quotesOf(await answerByQuoting(given, question)).length > 0) quoted.push(question)
  }
  // As measured, without a change for it: docs/search.md.
  expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(2)
  expect(quoted.length, quoted.join('\n')).toBeLessThanOrEqual(2)
})
