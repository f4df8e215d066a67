/** What every search engine must do, whichever service it talks to. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SearchServer } from '../../test/servers/search.ts'
import type { WebSearch } from './web.ts'

export interface WebSearchRig {
  engine: WebSearch
  /** The same with a key that the service does not know; absent where there are no keys. */
  wrongKey?: WebSearch
  server: SearchServer
}

export function webSearchContract(name: string, openRig: () => Promise<WebSearchRig>): void {
  describe(`web search: ${name}`, () => {
    let rig: WebSearchRig
    const signal = new AbortController().signal
    const search = (query = 'heat pump noise', limit = 8) => rig.engine.search(query, { limit, signal })

    beforeEach(async () => {
      rig = await openRig()
    })
    afterEach(() => rig?.server.close())

    it('gives pages with title, text and date, and sends the query as it is', async () => {
      rig.server.finds(
        {
          url: 'https://a.example/pumps',
          title: 'Pumps & noise',
          snippet: 'A pump makes 40 dB.',
          published: '2026-03-02',
        },
        { url: 'https://b.example/', title: 'B', snippet: '' },
      )
      const query = 'Wärmepumpe "40 dB" & 噪音?'
      expect(await search(query)).toEqual([
        {
          url: 'https://a.example/pumps',
          title: 'Pumps & noise',
          snippet: 'A pump makes 40 dB.',
          published: '2026-03-02',
        },
        { url: 'https://b.example/', title: 'B', snippet: '', published: undefined },
      ])
      expect(rig.server.asked).toEqual([query])
    })

    it('gives no more than were asked for, and none that has no web address', async () => {
      const pages = [
        'ftp://c.example/',
        'javascript:alert(1)',
        'https://1.example/',
        'https://2.example/',
        'https://3.example/',
      ]
      rig.server.finds(...pages.map((url) => ({ url, title: url, snippet: '' })))
      expect((await search('pumps', 2)).map(({ url }) => url)).toEqual(['https://1.example/', 'https://2.example/'])
    })

    it('gives nothing where nothing fits', async () => {
      expect(await search()).toEqual([])
    })

    it('says when it may be asked again', async () => {
      rig.server.answers({ status: 429, headers: { 'retry-after': '7' } })
      const thrown = await search().catch((error: unknown) => error)
      expect(thrown).toMatchObject({ code: 'search_busy' })
      if (rig.engine.name !== 'searxng') expect(thrown).toMatchObject({ retryAfterMs: 7_000 })
    })

    it.each([
      ['a server that fails', { status: 503 }, 'search_unreachable'],
      ['HTML instead of JSON', { status: 200, body: '<!doctype html><title>Hello</title>' }, 'search_rejected'],
      ['JSON of another shape', { status: 200, body: '{"results":7,"web":7,"data":7}' }, 'search_rejected'],
      ['JSON that is cut off', { status: 200, body: '{"results":[' }, 'search_rejected'],
      ['an answer of 5 MB', { status: 200, body: `{"results":["${'x'.repeat(5_000_000)}"]}` }, 'search_rejected'],
      ['a redirect', { status: 302, headers: { location: 'https://elsewhere.example/' } }, 'search_rejected'],
    ])('%s is an error with a sentence, and the query is not in it', async (_what, answer, code) => {
      rig.server.answers(answer)
      const thrown = await search('secret words').catch((error: unknown) => error)
      expect(thrown).toMatchObject({ code, userMessage: expect.stringMatching(/^[A-Z].*\.$/) })
      expect(String(thrown)).not.toContain('secret')
    })

    it('an engine that does not answer is left when nobody waits any more', async () => {
      rig.server.hangs()
      const gone = new AbortController()
      const searching = rig.engine.search('pumps', { limit: 8, signal: gone.signal })
      await rig.server.reached()
      gone.abort(new Error('enough'))
      await expect(searching).rejects.toThrow('enough')
    })

    it('an engine that is not there is an error with a sentence', async () => {
      await rig.server.close()
      await expect(search()).rejects.toMatchObject({ code: 'search_unreachable' })
    })

    it('a wrong key is named by its setting', async () => {
      if (rig.wrongKey === undefined) return
      await expect(rig.wrongKey.search('pumps', { limit: 8, signal })).rejects.toMatchObject({
        code: 'search_refused_key',
        userMessage: expect.stringMatching(/_API_KEY|search\.headers/),
      })
    })
  })
}
