/** How well people's questions find their paragraphs, by the statement that answers are given with; src/search/quality.test.ts is the short form. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestDatabase, type TestServer } from '../../test/database.ts'
import { type AskedParagraphs, jaquad, missingParagraphs, xquad } from '../../test/fixtures/asked-paragraphs.ts'
import { ndcgOf } from '../../test/ndcg.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestDatabase()
})
afterAll(() => server?.dispose())

const sets: [name: string, least: number, read: () => AskedParagraphs][] = [
  ['en', 0.94, () => xquad('en')],
  ['zh', 0.95, () => xquad('zh')],
  ['th', 0.95, () => xquad('th')],
  ['ar', 0.92, () => xquad('ar')],
  ['de', 0.93, () => xquad('de')],
  ['ru', 0.94, () => xquad('ru')],
  ['ja', 0.9, jaquad],
]

it.skipIf(missingParagraphs !== '').each(sets)(
  `nDCG@10 of all questions: %s${missingParagraphs}`,
  async (language, least, read) => {
    const ndcg = await ndcgOf(server, read())
    console.log(`${language}: nDCG@10 over all places ${ndcg.toFixed(4)}`)
    expect(ndcg).toBeGreaterThanOrEqual(least)
  },
)
