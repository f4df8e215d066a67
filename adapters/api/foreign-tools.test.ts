/** Clients that others wrote run their own tools: each is asked, calls its function, and answers with what that gave. */

import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Anthropic } from '@anthropic-ai/sdk'
import { HumanMessage, ToolMessage } from '@langchain/core/messages'
import { tool as langchainTool } from '@langchain/core/tools'
import { ChatOpenAI } from '@langchain/openai'
import { Agent, tool as agentTool, Runner } from '@openai/agents-core'
import { OpenAIProvider } from '@openai/agents-openai'
import { generateText, isStepCount, streamText, tool } from 'ai'
import { OpenAI } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { endAll, type Script, secret, setUp, used } from '../../test/servers/api-rig.ts'

afterEach(endAll)

const question = 'How is the weather in Kobe?'
const description = 'The weather of a city.'
const City = z.object({ city: z.string() })
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }

/** Calls the function first, and says what it gave. */
const asksForWeather: Script = async (write, message) => {
  const results = (message.program?.after ?? []).flatMap(({ results: given = [] }) => given)
  if (message.program?.tools === undefined || results.length > 0) {
    const text = `It is ${results[0]?.text ?? 'unknown'} there.`
    await write.text('It is')
    await write.end({ text }, { model: 'scripted', usage: used })
    return
  }
  const calls = [{ id: 'call_1', name: 'get_weather', arguments: '{"city":"Kobe"}' }]
  await write.end({ text: '' }, { model: 'scripted', usage: used, finish: 'tool', calls })
}

interface At {
  url: string
  apiKey: string
  /** Runs the function. */
  weather(input: { city: string }): string
}

interface Client {
  whole(): Promise<string>
  streamed(): Promise<string>
  /** Without tools. */
  plain(): Promise<string>
}

/** THE table of clients that call functions. */
const clients: Record<string, (at: At) => Client> = {
  'openai, chat'({ url, apiKey, weather }) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: question }]
    const run = {
      type: 'function' as const,
      function: {
        name: 'get_weather',
        description,
        parameters: schema,
        parse: (text: string) => City.parse(JSON.parse(text)),
        function: weather,
      },
    }
    return {
      whole: async () =>
        (await client.chat.completions.runTools({ model: 'scripted', messages, tools: [run] }).finalContent()) ?? '',
      streamed: async () =>
        (await client.chat.completions
          .runTools({ model: 'scripted', messages, tools: [run], stream: true })
          .finalContent()) ?? '',
      plain: async () =>
        (await client.chat.completions.create({ model: 'scripted', messages })).choices[0]?.message.content ?? '',
    }
  },

  'openai, responses'({ url, apiKey, weather }) {
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
    const tools = [{ type: 'function' as const, name: 'get_weather', description, parameters: schema, strict: true }]
    async function converse(ask: (input: OpenAI.Responses.ResponseInput) => Promise<OpenAI.Responses.Response>) {
      const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: question }]
      for (;;) {
        const response = await ask(input)
        const called = response.output.filter((item) => item.type === 'function_call')
        if (called.length === 0) return response.output_text
        input.push(...called)
        for (const { call_id, arguments: given } of called)
          input.push({ type: 'function_call_output', call_id, output: weather(City.parse(JSON.parse(given))) })
      }
    }
    return {
      whole: () => converse((input) => client.responses.create({ model: 'scripted', input, tools })),
      streamed: () => converse((input) => client.responses.stream({ model: 'scripted', input, tools }).finalResponse()),
      plain: async () => (await client.responses.create({ model: 'scripted', input: question })).output_text,
    }
  },

  'ai with @ai-sdk/openai-compatible'({ url, apiKey, weather }) {
    const model = createOpenAICompatible({ name: 'parley', baseURL: `${url}/v1`, apiKey })('scripted')
    const tools = { get_weather: tool({ description, inputSchema: City, execute: async (input) => weather(input) }) }
    const ask = { model, prompt: question, maxRetries: 0 }
    return {
      whole: async () => (await generateText({ ...ask, tools, stopWhen: isStepCount(3) })).text,
      streamed: async () => await streamText({ ...ask, tools, stopWhen: isStepCount(3) }).text,
      plain: async () => (await generateText(ask)).text,
    }
  },

  '@langchain/openai'({ url, apiKey, weather }) {
    const client = new ChatOpenAI({ model: 'scripted', apiKey, maxRetries: 0, configuration: { baseURL: `${url}/v1` } })
    const bound = client.bindTools([
      langchainTool(async (input) => weather(City.parse(input)), { name: 'get_weather', description, schema: City }),
    ])
    async function converse(
      ask: (
        messages: (HumanMessage | ToolMessage | Awaited<ReturnType<typeof bound.invoke>>)[],
      ) => Promise<Awaited<ReturnType<typeof bound.invoke>>>,
    ) {
      const messages: Parameters<typeof ask>[0] = [new HumanMessage(question)]
      for (;;) {
        const answer = await ask(messages)
        messages.push(answer)
        if ((answer.tool_calls ?? []).length === 0) return answer.text
        for (const { id = '', args } of answer.tool_calls ?? [])
          messages.push(new ToolMessage({ tool_call_id: id, content: weather(City.parse(args)) }))
      }
    }
    return {
      whole: () => converse((messages) => bound.invoke(messages)),
      streamed: () =>
        converse(async (messages) => {
          let all: Awaited<ReturnType<typeof bound.invoke>> | undefined
          for await (const chunk of await bound.stream(messages)) all = all === undefined ? chunk : all.concat(chunk)
          if (all === undefined) throw new Error('nothing came')
          return all
        }),
      plain: async () => (await client.invoke([new HumanMessage(question)])).text,
    }
  },

  '@openai/agents'({ url, apiKey, weather }) {
    const openAIClient = new OpenAI({ baseURL: `${url}/v1`, apiKey, maxRetries: 0 })
    const runner = new Runner({ modelProvider: new OpenAIProvider({ openAIClient }), tracingDisabled: true })
    const tools = [
      agentTool({ name: 'get_weather', description, parameters: City, execute: async (input) => weather(input) }),
    ]
    const agent = (more: object = {}) =>
      new Agent({ name: 'forecaster', model: 'scripted', instructions: 'Be short.', ...more })
    return {
      whole: async () => String((await runner.run(agent({ tools }), question)).finalOutput),
      async streamed() {
        const result = await runner.run(agent({ tools }), question, { stream: true })
        let text = ''
        for await (const piece of result.toTextStream()) text += piece
        await result.completed
        return text
      },
      plain: async () => String((await runner.run(agent(), question)).finalOutput),
    }
  },

  '@anthropic-ai/sdk'({ url, apiKey, weather }) {
    const client = new Anthropic({ baseURL: url, apiKey, maxRetries: 0 })
    const ask = { model: 'scripted', max_tokens: 500 }
    const tools = [{ name: 'get_weather', description, input_schema: { ...schema, type: 'object' as const } }]
    const textOf = ({ content }: Anthropic.Message) =>
      content.map((block) => (block.type === 'text' ? block.text : '')).join('')
    async function converse(send: (messages: Anthropic.MessageParam[]) => Promise<Anthropic.Message>) {
      const messages: Anthropic.MessageParam[] = [{ role: 'user', content: question }]
      for (;;) {
        const message = await send(messages)
        if (message.stop_reason !== 'tool_use') return textOf(message)
        messages.push({ role: 'assistant', content: message.content })
        messages.push({
          role: 'user',
          content: message.content.flatMap((block) =>
            block.type === 'tool_use'
              ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: weather(City.parse(block.input)) }]
              : [],
          ),
        })
      }
    }
    return {
      whole: () => converse((messages) => client.messages.create({ ...ask, messages, tools })),
      streamed: () => converse((messages) => client.messages.stream({ ...ask, messages, tools }).finalMessage()),
      plain: async () =>
        textOf(await client.messages.create({ ...ask, messages: [{ role: 'user', content: question }] })),
    }
  },
}

describe.each(Object.entries(clients))('%s', (_name, create) => {
  async function use(script: Script = asksForWeather, apiKey = secret) {
    const rig = await setUp(script)
    const asked: string[] = []
    const weather = ({ city }: { city: string }) => {
      asked.push(city)
      return 'sunny'
    }
    return { ...rig, asked, own: create({ url: rig.url, apiKey, weather }) }
  }

  test('gets a text', async () => {
    const { own } = await use()
    expect(await own.plain()).toBe('It is unknown there.')
  })

  test.each(['whole', 'streamed'] as const)('runs its function once and answers with it, %s', async (how) => {
    const { own, asked, received } = await use()
    expect(await own[how]()).toBe('It is sunny there.')
    expect(asked).toEqual(['Kobe'])
    expect(received.map(({ program }) => program?.tools?.[0]?.name)).toEqual(['get_weather', 'get_weather'])
    expect(received.at(-1)).toMatchObject({
      text: question,
      program: { after: [{ role: 'assistant' }, { role: 'user', results: [{ name: 'get_weather', text: 'sunny' }] }] },
    })
  })

  test.each<[string, number]>([
    ['budget_exhausted', 429],
    ['model_format_broken', 502],
  ])('is told %s as %i, with the sentence', async (error, status) => {
    const { own } = await use((write) => write.end({ text: 'Not now. Try later.', state: 'failed' }, { error }))
    const thrown: unknown = await own.plain().catch((reason: unknown) => reason)
    const said = {
      status: Reflect.get(Object(thrown), 'status') ?? Reflect.get(Object(thrown), 'statusCode'),
      message: String(thrown),
    }
    expect(said).toEqual({ status, message: expect.stringContaining('Not now. Try later.') })
  })

  test('is told about a key that is none', async () => {
    const { own } = await use(asksForWeather, 'parley-wrong-key-1')
    const thrown: unknown = await own.plain().catch((reason: unknown) => reason)
    expect(Reflect.get(Object(thrown), 'status') ?? Reflect.get(Object(thrown), 'statusCode')).toBe(401)
  })
})
