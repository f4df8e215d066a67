import { afterEach, describe, expect, it } from 'vitest'
import { dialects, scriptedRig } from '../../../test/models/dialects.ts'
import type { ScriptedOpenAi } from '../../../test/servers/openai.ts'
import { startScriptedResponses } from '../../../test/servers/responses.ts'
import type { Script } from '../../../test/servers/scripted.ts'
import { silentLog } from '../../core/log.ts'
import { collect, never, textOf } from '../model.contract.rig.ts'
import { modelContract } from '../model.contract.ts'
import type { ModelRequest } from '../model.ts'
import { isOpenAi } from './openai-client.ts'
import { createOpenAiResponsesProvider } from './openai-responses.ts'

modelContract('responses', scriptedRig(dialects.responses))

describe('responses', () => {
  let server: ScriptedOpenAi | undefined
  afterEach(() => server?.close())

  const request: ModelRequest = {
    model: 'gpt-5-mini',
    system: 'Be brief.',
    messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello' }] }],
    maxOutputTokens: 50,
  }

  async function start(script: Script) {
    server = await startScriptedResponses({ script })
    return createOpenAiResponsesProvider({ name: 'openai', baseUrl: server.url, backoffMs: 5, log: silentLog })
  }

  it.for([
    [
      "Unsupported parameter: 'temperature' is not supported with this model.",
      'temperature',
      { reasoning: { summary: 'auto' } },
    ],
    ['Your organization must be verified to generate reasoning summaries.', 'reasoning.summary', { temperature: 0.5 }],
  ] as const)('leaves out what it is refused, and remembers: %s', async ([message, param, kept]) => {
    const [word = ''] = param.split('.')
    const provider = await start(({ body }) =>
      word in (body as object) ? { status: 400, error: { message, param } } : { tokens: ['fine'] },
    )
    for (let n = 0; n < 2; n++) {
      expect(textOf(await collect(provider.stream({ ...request, temperature: 0.5 }, never)))).toBe('fine')
    }
    expect(server?.requests.length).toBe(3)
    expect(server?.requests[2]?.body).toMatchObject(kept)
    expect(server?.requests[2]?.body).not.toHaveProperty(word)
  })

  it('asks models that do not reason for no summary, and is never kept there', async () => {
    const provider = await start([{ tokens: ['fine'] }])
    for (const model of ['gpt-4o-mini', 'gpt-5-chat-latest', 'o4-mini']) {
      await collect(provider.stream({ ...request, model }, never))
    }
    const bodies = server?.requests.map(({ body }) => body as { reasoning?: unknown; store: boolean })
    expect(bodies?.map(({ reasoning, store }) => [reasoning, store])).toEqual([
      [undefined, false],
      [undefined, false],
      [{ summary: 'auto' }, false],
    ])
  })

  it('is spoken at OpenAI’s own addresses and nowhere else', () => {
    expect(
      [undefined, 'https://api.openai.com/v1', 'https://eu.api.openai.com/v1'].map((url) => isOpenAi(url)),
    ).toEqual([true, true, true])
    const others = ['http://vllm:8000/v1', 'https://mine.openai.azure.com/openai/v1', 'https://notopenai.com/v1']
    expect(others.map((url) => isOpenAi(url))).toEqual([false, false, false])
  })
})
