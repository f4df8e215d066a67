/** What the SDKs would do by themselves: read the environment, send what the machine is, print to the console. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { silentLog } from '../../core/log.ts'
import { collect, never, textOf } from '../model.contract.rig.ts'
import type { ModelRequest } from '../model.ts'
import { createAnthropicProvider } from './anthropic.ts'
import { createOllamaProvider } from './ollama.ts'
import { createOpenAiProvider } from './openai.ts'
import { createOpenAiResponsesProvider } from './openai-responses.ts'

const creates = {
  'chat completions': createOpenAiProvider,
  responses: createOpenAiResponsesProvider,
  anthropic: createAnthropicProvider,
  ollama: createOllamaProvider,
} as const

const planted = {
  OPENAI_API_KEY: 'planted-key',
  OPENAI_BASE_URL: 'http://planted.test/v1',
  OPENAI_ORG_ID: 'planted-organisation',
  OPENAI_PROJECT_ID: 'planted-project',
  OPENAI_CUSTOM_HEADERS: 'x-planted: planted-header',
  OPENAI_LOG: 'debug',
  ANTHROPIC_API_KEY: 'planted-key',
  ANTHROPIC_AUTH_TOKEN: 'planted-token',
  ANTHROPIC_BASE_URL: 'http://planted.test',
  ANTHROPIC_CUSTOM_HEADERS: 'x-planted: planted-header',
  ANTHROPIC_LOG: 'debug',
  OLLAMA_API_KEY: 'planted-key',
  OLLAMA_HOST: 'http://planted.test',
}

const request: ModelRequest = {
  // One of which the SDK says on the console that it is to retire.
  model: 'claude-sonnet-4-5',
  system: '',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'hello' }] }],
  maxOutputTokens: 50,
}

describe('the SDKs', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.restoreAllMocks()
  })

  it.for(
    Object.entries(creates).flatMap(([name, create]) => [
      { name, create, apiKey: undefined },
      { name, create, apiKey: 'configured-key' },
    ]),
  )(
    '$name with the key $apiKey: nothing of the environment or the machine goes out',
    async ({ create, apiKey, name }) => {
      for (const [variable, value] of Object.entries(planted)) vi.stubEnv(variable, value)
      const sent: { url: string; headers: Headers }[] = []
      // Of all addresses, this one makes the Ollama SDK look for a key.
      const baseUrl = 'https://ollama.com'
      const provider = create({
        name,
        baseUrl,
        backoffMs: 0,
        log: silentLog,
        apiKey,
        async fetch(input, init) {
          sent.push({ url: String(input), headers: new Headers(init?.headers) })
          return new Response('{"error":{"message":"no"}}', { status: 400 })
        },
      })
      await collect(provider.stream(request, never)).catch(() => {})
      await provider.models(never).catch(() => {})
      expect(sent.length).toBeGreaterThan(1)
      for (const { url, headers } of sent) {
        expect(url.startsWith(baseUrl)).toBe(true)
        const all = [...headers].map((header) => header.join(': ')).join('\n')
        expect(all).not.toMatch(/planted|stainless/)
        expect(all.includes('configured-key')).toBe(apiKey !== undefined && name !== 'ollama')
      }
    },
  )

  it.for(Object.entries(creates))('%s prints nothing, whatever comes back', async ([name, create]) => {
    const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
      vi.spyOn(console, method).mockImplementation(() => {}),
    )
    const bodies = [
      new Response('<html>secret words</html>', { status: 500 }),
      new Response('not json: secret words\n', { headers: { 'content-type': 'application/x-ndjson' } }),
      new Response('{"half": "secret', { status: 429, headers: { 'content-type': 'application/json' } }),
    ]
    const provider = create({
      name,
      baseUrl: 'http://model.test',
      backoffMs: 0,
      log: silentLog,
      fetch: async () => bodies.shift() ?? Response.json({}),
    })
    const events = await collect(provider.stream(request, never)).catch(() => [])
    expect(textOf(events)).not.toContain('html')
    expect(spies.flatMap((spy) => spy.mock.calls)).toEqual([])
  })
})
