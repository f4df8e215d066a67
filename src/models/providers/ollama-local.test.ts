import { afterEach, describe, expect, it } from 'vitest'
import { type ScriptedOllama, type ScriptedOllamaOptions, startScriptedOllama } from '../../../test/servers/ollama.ts'
import { asParleyError } from '../../core/errors.ts'
import { silentLog } from '../../core/log.ts'
import { modelErrorWording } from '../../wording/models.ts'
import type { LocalModels, PullProgress } from '../local-models.ts'
import { createOllamaModels } from './ollama-local.ts'

const never = new AbortController().signal

describe('local models', () => {
  let server: ScriptedOllama | undefined
  afterEach(() => server?.close())

  async function start(options: ScriptedOllamaOptions): Promise<LocalModels> {
    server = await startScriptedOllama(options)
    const timers = { connectMs: 5_000, idleMs: 300, totalMs: 60_000 }
    return createOllamaModels({ name: 'ollama', baseUrl: server.origin, timers, log: silentLog })
  }

  async function pulled(models: LocalModels, id: string, signal = never): Promise<PullProgress[]> {
    const events: PullProgress[] = []
    for await (const event of models.pull(id, signal)) events.push(event)
    return events
  }

  const layer = (digest: string, total: number, completed?: number) => ({
    status: `pulling ${digest}`,
    digest: `sha256:${digest}`,
    total,
    ...(completed === undefined ? {} : { completed }),
  })

  it('are pulled with progress over all their parts, and are there then', async () => {
    const lines = [
      { status: 'pulling manifest' },
      layer('aaaa', 900),
      ...Array.from({ length: 300 }, (_, n) => layer('aaaa', 900, n)),
      layer('aaaa', 900, 900),
      layer('bbbb', 100, 100),
      { status: 'verifying sha256 digest' },
      { status: 'writing manifest' },
      { status: 'success' },
    ]
    const models = await start({ models: {}, pulls: { 'qwen3:8b': { lines } } })
    const events = await pulled(models, 'qwen3:8b')
    expect(events[0]).toEqual({ status: 'pulling manifest', completed: 0, total: 0, done: false })
    expect(events).toContainEqual({ status: 'pulling bbbb', completed: 1_000, total: 1_000, done: false })
    expect(events.at(-1)).toEqual({ status: 'success', completed: 1_000, total: 1_000, done: true })
    expect(events.filter(({ done }) => done).length).toBe(1)
    // Only what is news is told: a step, or a percent.
    expect(events.length).toBeLessThan(50)
    expect(server?.names()).toEqual(['qwen3:8b'])
    expect(server?.log.at(-1)?.body).toMatchObject({ name: 'qwen3:8b', stream: true })
  })

  it.for([
    ['a name that nobody knows', undefined, 'model_rejected_request'],
    ['a full disk', [{ error: 'write /root/.ollama/blobs: no space left on device' }], 'model_unreachable'],
    ['a stream that ends early', [layer('aaaa', 900, 3)], 'model_unreachable'],
  ] as const)('%s is told with a next step', async ([, lines, code]) => {
    const models = await start({ models: {}, pulls: lines ? { 'qwen3:8b': { lines: [...lines] } } : {} })
    const error = asParleyError(await pulled(models, 'qwen3:8b').catch((thrown: unknown) => thrown))
    expect(error.code).toBe(code)
    expect(error.userMessage).toMatch(/^[^\n]+\. [A-Z][^\n]+\.$/)
    expect(error.userMessage).not.toContain('/root')
  })

  it('a silent pull fails, and a stopped one ends without being done', async () => {
    const lines = [layer('aaaa', 900, 3), layer('aaaa', 900, 90), { status: 'success' }]
    const models = await start({ models: {}, pulls: { slow: { lines, everyMs: 2_000 } } })
    const error = asParleyError(await pulled(models, 'slow').catch((thrown: unknown) => thrown))
    expect(error.code).toBe('model_stalled')
    const stop = new AbortController()
    const events: PullProgress[] = []
    for await (const event of models.pull('slow', stop.signal)) {
      events.push(event)
      stop.abort()
    }
    expect(events).toEqual([{ status: 'pulling aaaa', completed: 3, total: 900, done: false }])
    const wire = server?.log.filter(({ path }) => path === '/api/pull').map(({ closed }) => closed)
    expect(await Promise.all(wire ?? [])).toEqual(['aborted', 'aborted'])
  })

  it('are listed, shown and deleted', async () => {
    const models = await start({ models: { 'llama3.1:8b': { size: 4_920_753_328 }, old: { size: 1 } } })
    expect(await models.list(never)).toEqual([
      {
        id: 'llama3.1:8b',
        bytes: 4_920_753_328,
        modifiedAt: new Date('2026-10-01T07:30:00.123Z'),
        parameters: '8.0B',
        quantization: 'Q4_K_M',
      },
      expect.objectContaining({ id: 'old', bytes: 1 }),
    ])
    expect(await models.show('llama3.1:8b', never)).toMatchObject({
      info: { id: 'llama3.1:8b', contextWindow: 131_072, tools: true, vision: false },
      family: 'llama',
      license: expect.stringContaining('LLAMA 3 COMMUNITY'),
    })
    await models.delete('old', never)
    expect(server?.names()).toEqual(['llama3.1:8b'])
    await expect(models.delete('old', never)).rejects.toMatchObject({ code: 'model_rejected_request' })
    await expect(models.show('old', never)).rejects.toMatchObject({
      code: 'model_rejected_request',
      userMessage: modelErrorWording.notOffered('ollama', 'old'),
    })
    await server?.close()
    await expect(models.list(never)).rejects.toMatchObject({ code: 'model_unreachable' })
  })
})
