/** How far a request came, seen from what real sockets and the real SDK throw. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { startScriptedOpenAi } from '../../test/servers/openai.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import { silentLog } from '../core/log.ts'
import { deliveryOf } from './delivery.ts'
import { createOpenAiProvider } from './providers/openai.ts'

async function failureAt(baseUrl: string): Promise<ParleyError> {
  const timers = { connectMs: 300, idleMs: 300, totalMs: 5_000 }
  const provider = createOpenAiProvider({
    name: 'openai',
    baseUrl,
    apiKey: 'key',
    timers,
    backoffMs: 1,
    log: silentLog,
  })

  try {
    const stream = provider.stream(
      {
        model: 'm',
        system: '',
        messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }],
        maxOutputTokens: 10,
      },
      new AbortController().signal,
    )
    for await (const _ of stream);
  } catch (thrown) {
    return asParleyError(thrown)
  }
  throw new Error('it did not fail')
}

describe('a request that failed', () => {
  it('came nowhere when nothing listens', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    server.close()
    await once(server, 'close')
    const error = await failureAt(`http://127.0.0.1:${port}/v1`)
    expect([error.code, deliveryOf(error)]).toEqual(['model_unreachable', 'nowhere'])
  })

  it('came nowhere when the name is not known', async () => {
    const error = await failureAt('http://no-such-host.invalid/v1')
    expect([error.code, deliveryOf(error)]).toEqual(['model_unreachable', 'nowhere'])
  })

  it.for([401, 429, 500, 503])('was refused by the status %i', async (status) => {
    await using server = await startScriptedOpenAi({ script: [{ status }] })
    expect(deliveryOf(await failureAt(server.url))).toBe('refused')
  })

  it('may have been worked on when the line broke after it was sent', async () => {
    const server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const error = await failureAt(`http://127.0.0.1:${port}/v1`)
    server.close()
    expect([error.code, deliveryOf(error)]).toEqual(['model_unreachable', 'taken'])
  })

  it('may have been worked on when the server fell silent', async () => {
    await using server = await startScriptedOpenAi({ script: [{ headersAfterMs: 60_000 }] })
    const error = await failureAt(server.url)
    expect([error.code, deliveryOf(error)]).toEqual(['model_stalled', 'taken'])
  })

  it('may have been worked on when nothing is known of it', () => {
    expect(deliveryOf(new ParleyError('internal', 'It failed.'))).toBe('taken')
  })
})
