/** All search engines keep the contract, each against a server with its documented answers. */
import { expect, it } from 'vitest'
import { startSearch } from '../../../test/servers/search.ts'
import { webSearchContract } from '../web.contract.ts'
import { createBrave } from './brave.ts'
import { createEndpoint } from './endpoint.ts'
import { createSearxng } from './searxng.ts'
import { createTavily } from './tavily.ts'

webSearchContract('SearXNG', async () => {
  const server = await startSearch('searxng')
  return { server, engine: createSearxng({ url: server.url }) }
})

webSearchContract('Brave', async () => {
  const server = await startSearch('brave', 'right')
  const open = (apiKey: string) => createBrave({ apiKey, url: server.url })
  return { server, engine: open('right'), wrongKey: open('wrong') }
})

webSearchContract('Tavily', async () => {
  const server = await startSearch('tavily', 'right')
  const open = (apiKey: string) => createTavily({ apiKey, url: server.url })
  return { server, engine: open('right'), wrongKey: open('wrong') }
})

webSearchContract('an endpoint of another kind', async () => {
  const server = await startSearch('endpoint', 'right')
  const open = (key: string) =>
    createEndpoint({
      url: `${server.url}/find?words={query}&most={limit}`,
      headers: { 'x-key': key },
      results: 'data.items',
      fields: { url: 'link', title: 'head.text', snippet: 'text', published: 'when' },
    })
  return { server, engine: open('right'), wrongKey: open('wrong') }
})

it('a SearXNG without the JSON format says what to set', async () => {
  await using server = await startSearch('searxng')
  server.answers({ status: 403, body: '<!doctype html><title>403 Forbidden</title>' })
  await expect(
    createSearxng({ url: `${server.url}/` }).search('pumps', { limit: 8, signal: new AbortController().signal }),
  ).rejects.toMatchObject({
    code: 'search_rejected',
    userMessage: expect.stringContaining('json to search.formats in its settings.yml'),
  })
})
