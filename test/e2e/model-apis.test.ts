/** A shared file answered from end to end by Anthropic's Messages and by Ollama's own API, each at its stand-in. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startScriptedAnthropic } from '../servers/anthropic.ts'
import { type ScriptedOllama, startScriptedOllama } from '../servers/ollama.ts'
import type { ReceivedRequest, ScriptedReply, ScriptedServer } from '../servers/scripted.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

const report = 'Quarterly report\n\nRevenue rose to 4,711 thousand euros in the third quarter.\n'

/** Answers with the label of the passage that was sent. */
function cites({ body }: ReceivedRequest): ScriptedReply {
  const label = /source=\\?"(1:[^"\\]+)/.exec(JSON.stringify(body))?.[1] ?? 'none'
  return { reasoning: ['It stands in line 3.'], tokens: ['It rose to ', `4,711 thousand euros [${label}].`] }
}

describe.each(['anthropic', 'ollama'] as const)('%s', (name) => {
  let home: string
  let parley: ParleyProcess
  let server: ScriptedServer | ScriptedOllama

  beforeAll(async () => {
    home = await temporaryHome()
    server =
      name === 'anthropic'
        ? await startScriptedAnthropic({ script: cites, models: [{ id: 'served-by-vllm', max_input_tokens: 200_000 }] })
        : await startScriptedOllama({ script: cites, models: { 'llama3.1:8b': {} } })
    const address: Record<string, string> =
      name === 'anthropic' ? { ANTHROPIC_BASE_URL: server.origin } : { OLLAMA_HOST: server.origin }
    parley = await startParley(home, address)
  })
  afterAll(async () => {
    await parley?.[Symbol.asyncDispose]()
    await server?.close()
    if (home) await removeHome(home)
  })

  it('answers from a shared file, cites it, and its receipt counts what the server counted', async () => {
    const client = new ConsoleClient(parley.url)
    const file = await client.upload('report.txt', Buffer.from(report), 'text/plain')
    const reply = await client.ask('How much was the revenue of the third quarter?', [file])
    expect(reply.receipt.notices).toEqual([])
    expect(reply.text).toBe('It rose to 4,711 thousand euros [1].')
    expect(reply.citations[0]).toMatchObject({ n: 1, source: { title: 'report.txt' } })
    expect(reply.receipt).toMatchObject({ provider: name, usage: { source: 'provider', output: 2 } })
    expect(reply.text).not.toContain('line 3')
  })
})
