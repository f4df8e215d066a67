/** How each API is told what may be called, and what form the answer has to have. */
import { describe, expect, it } from 'vitest'
import { startScriptedOpenAi } from '../../../test/servers/openai.ts'
import { silentLog } from '../../core/log.ts'
import type { ModelRequest } from '../model.ts'
import { anthropicBody } from './anthropic-request.ts'
import { ollamaBody } from './ollama.ts'
import { chatBody, createOpenAiProvider } from './openai.ts'
import { responsesBody } from './openai-responses.ts'

const schema = { type: 'object', properties: { days: { type: 'integer' } } }
const request = (more: Partial<ModelRequest>): ModelRequest => ({
  model: 'm',
  system: 'Be short.',
  messages: [{ role: 'user', parts: [{ type: 'text', text: 'Hello' }] }],
  maxOutputTokens: 100,
  ...more,
})
const tools = [
  { name: 'f', description: '', schema, strict: true },
  { name: 'g', description: '', schema },
]
const none = new Set<never>()
const bodies = (more: Partial<ModelRequest>) => ({
  chat: chatBody(request(more), 'max_tokens', none),
  responses: responsesBody(request(more), none),
  anthropic: anthropicBody(request(more), true, none),
  ollama: ollamaBody(request(more), 8192),
})

describe('what is to be called', () => {
  it('one function by name', () => {
    const { chat, responses, anthropic, ollama } = bodies({ tools, toolChoice: { name: 'g' }, parallelCalls: false })
    expect(chat).toMatchObject({
      tool_choice: { type: 'function', function: { name: 'g' } },
      parallel_tool_calls: false,
      tools: [{ function: { name: 'f', strict: true } }, { function: { name: 'g' } }],
    })
    expect(responses).toMatchObject({
      tool_choice: { type: 'function', name: 'g' },
      parallel_tool_calls: false,
      tools: [{ strict: true }, { strict: false }],
    })
    expect(anthropic.tool_choice).toEqual({ type: 'tool', name: 'g', disable_parallel_tool_use: true })
    expect(ollama.tools?.map(({ function: { name } }) => name)).toEqual(['g'])
    expect(ollama.messages[0]?.content).toContain('Call the function g now.')
  })

  it('any function, or none', () => {
    const must = bodies({ tools, toolChoice: 'required' })
    expect(must.chat.tool_choice).toBe('required')
    expect(must.responses.tool_choice).toBe('required')
    expect(must.anthropic.tool_choice).toEqual({ type: 'any' })
    expect(must.ollama.messages[0]?.content).toContain('Call at least one function now.')
    const not = bodies({ tools, toolChoice: 'none' })
    expect(not.chat.tool_choice).toBe('none')
    expect(not.responses.tool_choice).toBe('none')
    expect(not.anthropic.tool_choice).toEqual({ type: 'none' })
    expect(not.ollama.tools).toBeUndefined()
  })

  it('nothing is said where the model may choose', () => {
    for (const body of Object.values(bodies({ tools }))) expect(body).not.toHaveProperty('tool_choice')
  })
})

describe('the form of the answer', () => {
  const format = { type: 'schema', name: 'notice', schema, strict: true } as const

  it('a schema, in the parameter that each API has for it', () => {
    const { chat, responses, anthropic, ollama } = bodies({ format })
    expect(chat.response_format).toEqual({ type: 'json_schema', json_schema: { name: 'notice', schema, strict: true } })
    expect(responses.text).toEqual({ format: { type: 'json_schema', name: 'notice', schema, strict: true } })
    expect(anthropic.output_config).toEqual({ format: { type: 'json_schema', schema } })
    expect(ollama.format).toEqual(schema)
    expect(JSON.stringify(chat.messages)).not.toContain('JSON Schema')
  })

  it('any object, which Anthropic’s API has no parameter for', () => {
    const { chat, responses, anthropic, ollama } = bodies({ format: { type: 'json' } })
    expect(chat.response_format).toEqual({ type: 'json_object' })
    expect(responses.text).toEqual({ format: { type: 'json_object' } })
    expect(ollama.format).toBe('json')
    expect(anthropic).not.toHaveProperty('output_config')
    expect(JSON.stringify(anthropic.system)).toContain('one JSON value and nothing else')
  })

  it('is said in words to a server that refused the parameter', () => {
    const chat = chatBody(request({ format }), 'max_tokens', new Set(['response_format']))
    expect(chat).not.toHaveProperty('response_format')
    expect(JSON.stringify(chat.messages[0])).toContain('fits this JSON Schema')
    const responses = responsesBody(request({ format }), new Set(['text.format']))
    expect(responses.instructions).toContain('fits this JSON Schema')
    const anthropic = anthropicBody(request({ format }), true, new Set(['output_config.format']))
    expect(anthropic).not.toHaveProperty('output_config')
    expect(JSON.stringify(anthropic.system)).toContain('fits this JSON Schema')
  })
})

it('arguments that only Python can parse become JSON', async () => {
  const calls = [{ id: 'call_1', name: 'f', arguments: ['{"days": ', 'NaN}'] }]
  await using server = await startScriptedOpenAi({ script: [{ tokens: [], calls, finish: 'tool_calls' }] })
  const provider = createOpenAiProvider({ name: 'openai', baseUrl: server.url, log: silentLog })
  const given: unknown[] = []
  for await (const event of provider.stream(request({ tools }), new AbortController().signal))
    if (event.type === 'toolCall') given.push(JSON.parse(event.arguments))
  expect(given).toEqual([{ days: null }])
})
