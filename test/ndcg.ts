/** How high the paragraph that answers a question comes, over many questions: nDCG@10 of the index in PostgreSQL, over all places. */
import { silentLog } from '../src/core/log.ts'
import { createPassageIndex } from '../src/search/providers/postgres.ts'
import { openDatabase } from '../src/store/database.ts'
import type { TestServer } from './database.ts'
import type { AskedParagraphs } from './fixtures/asked-paragraphs.ts'
import { spender } from './share-files.ts'
import { audienceIn, openPlaces, shareInPlaces } from './share-in-places.ts'

/** Each paragraph is a file of its own, shared in one of a few channels that the asker reads. */
export async function ndcgOf(server: TestServer, { paragraphs, questions }: AskedParagraphs): Promise<number> {
  const database = openDatabase((await server.createDatabase()).connection, { log: silentLog })
  try {
    const channels = ['one', 'two', 'three']
    await openPlaces(database, Object.fromEntries(channels.map((channel) => [channel, ['ann']])))
    const files = paragraphs.map((text, at) => ({
      channelId: channels[at % channels.length] ?? '',
      title: `${at}.txt`,
      texts: [text],
    }))
    const places = new Map((await shareInPlaces(database, files)).map((hash, at) => [hash, at]))
    const index = createPassageIndex(database.lasting)
    let sum = 0
    const left = questions.values()
    const askAll = async () => {
      for (const { text, at } of left) {
        const gain = await gainOf(text, at)
        sum += gain
      }
    }
    async function gainOf(text: string, at: number): Promise<number> {
      const found = await index.retrieve(text, {
        audience: audienceIn('dm-ann', 'ann'),
        within: 'places',
        limit: 10,
        signal: AbortSignal.timeout(30_000),
        spender,
      })
      const rank = found.findIndex(({ contentHash }) => places.get(contentHash) === at)
      return rank < 0 ? 0 : 1 / Math.log2(rank + 2)
    }
    await Promise.all(Array.from({ length: 4 }, askAll))
    return sum / questions.length
  } finally {
    await database.close()
  }
}
