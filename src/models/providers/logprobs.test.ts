/** How likely tokens were: asked for in the words of Chat Completions, and read from its stream. */
import { expect, it } from 'vitest'
import { startScriptedOpenAi } from '../../../test/servers/openai.ts'
import { silentLog } from '../../core/log.ts'
import type { ModelEvent } from '../model.ts'
import { createOpenAiProvider } from './openai.ts'

const chunk = (content: string, logprobs: unknown, finish: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, logprobs, finish_reason: finish }] })}\n\n`
const likely = (token: string, logprob: number) => ({ token, logprob, bytes: [...Buffer.from(token)] })

it('are asked for with so many others, and come with the text', async () => {
  await using server = await startScriptedOpenAi({
    script: [
      {
        raw: [
          chunk('Thir', {
            content: [{ ...likely('Thir', -0.1), top_logprobs: [likely('Thir', -0.1), likely('Four', -2)] }],
          }),
          chunk('ty', { content: [{ token: 'ty', logprob: 0, top_logprobs: [] }] }),
          chunk('', null, 'stop'),
          'data: [DONE]\n\n',
        ],
      },
    ],
  })
  const provider = createOpenAiProvider({ name: 'openai', baseUrl: server.url, log: silentLog })
  const events: ModelEvent[] = []
  const request = {
    model: 'scripted',
    system: '',
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'How long?' }] }],
    maxOutputTokens: 100,
    sampling: { logprobs: 2 },
  }
  for await (const event of provider.stream(request, new AbortController().signal)) events.push(event)
  expect(server.requests[0]?.body).toMatchObject({ logprobs: true, top_logprobs: 2 })
  expect(events.flatMap((event) => (event.type === 'logprobs' ? event.tokens : []))).toEqual([
    { ...likely('Thir', -0.1), top: [likely('Thir', -0.1), likely('Four', -2)] },
    { token: 'ty', logprob: 0, bytes: null, top: [] },
  ])
  expect(events.flatMap((event) => (event.type === 'text' ? event.delta : [])).join('')).toBe('Thirty')
  expect(events.at(-1)).toEqual({ type: 'finish', reason: 'stop' })
})
