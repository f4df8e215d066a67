/** Clients that others wrote, as their readers use them: chat whole and streamed, pictures, files, and errors in each one's shape. */
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { HumanMessage, SystemMessage } from '@langchain/core/messages'
import { ChatOpenAI } from '@langchain/openai'
import { OpenAI as LlamaIndexOpenAI } from '@llamaindex/openai'
import { APICallError, generateText, streamText } from 'ai'
import { OpenAI } from 'openai'
import { afterEach, describe, expect, test } from 'vitest'
import { answers, endAll, type Script, secret, setUp } from '../../test/servers/api-rig.ts'

afterEach(endAll)

const png = Buffer.from('89504e470d0a1a0a', 'hex')
const pdf = Buffer.from('%PDF-1.7')
const pngUrl = `data:image/png;base64,${png.toString('base64')}`
const system = 'Answer in one line.'
const question = 'How long is the notice period?'

interface Said {
  text: string
  input: number | undefined
  output: number | undefined
}

interface Client {
  whole(): Promise<Said>
  streamed(): Promise<string>
  /** With a picture and a PDF. */
  withFiles(): Promise<string>
  /** What a caller can tell a failure by. */
  failed(thrown: unknown): { status: unknown; message: string }
}

const failure = (thrown: unknown) => {
  const { status, message } = thrown as { status: number; message: string }
  return { status, message }
}

/** THE table of clients: each is made with an address, a key and a model. */
const clients: Record<string, (at: { baseURL: string; apiKey: string; model: string }) => Client> = {
  openai({ model, ...at }) {
    const client = new OpenAI({ ...at, maxRetries: 0 })
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: question },
    ]
    return {
      async whole() {
        const { choices, usage } = await client.chat.completions.create({ model, messages })
        const text = choices[0]?.message.content ?? ''
        return { text, input: usage?.prompt_tokens, output: usage?.completion_tokens }
      },
      async streamed() {
        let text = ''
        for await (const chunk of await client.chat.completions.create({ model, messages, stream: true }))
          text += chunk.choices[0]?.delta.content ?? ''
        return text
      },
      async withFiles() {
        const file = { filename: 'a.pdf', file_data: `data:application/pdf;base64,${pdf.toString('base64')}` }
        const { choices } = await client.chat.completions.create({
          model,
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: question },
                { type: 'image_url', image_url: { url: pngUrl } },
                { type: 'file', file },
              ],
            },
          ],
        })
        return choices[0]?.message.content ?? ''
      },
      failed: failure,
    }
  },

  'ai with @ai-sdk/openai-compatible'({ model: name, ...at }) {
    const model = createOpenAICompatible({ name: 'parley', ...at })(name)
    const ask = { model, system, prompt: question, maxRetries: 0 }
    return {
      async whole() {
        const { text, usage } = await generateText(ask)
        return { text, input: usage.inputTokens, output: usage.outputTokens }
      },
      streamed: async () => await streamText(ask).text,
      async withFiles() {
        const { text } = await generateText({
          model,
          maxRetries: 0,
          messages: [
            {
              role: 'user',
              content: [
                { type: 'text', text: question },
                { type: 'file', data: png, mediaType: 'image/png' },
                { type: 'file', data: pdf, mediaType: 'application/pdf', filename: 'a.pdf' },
              ],
            },
          ],
        })
        return text
      },
      failed(thrown) {
        if (!APICallError.isInstance(thrown)) throw thrown
        return { status: thrown.statusCode, message: thrown.message }
      },
    }
  },

  '@langchain/openai'({ model, apiKey, baseURL }) {
    const client = new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL } })
    const messages = [new SystemMessage(system), new HumanMessage(question)]
    return {
      async whole() {
        const { text, usage_metadata: usage } = await client.invoke(messages)
        return { text, input: usage?.input_tokens, output: usage?.output_tokens }
      },
      async streamed() {
        let text = ''
        for await (const chunk of await client.stream(messages)) text += chunk.text
        return text
      },
      async withFiles() {
        const file = { type: 'file', source_type: 'base64', mime_type: 'application/pdf', data: pdf.toString('base64') }
        const content = [
          { type: 'text', text: question },
          { type: 'image_url', image_url: { url: pngUrl } },
          { ...file, metadata: { filename: 'a.pdf' } },
        ]
        return (await client.invoke([new HumanMessage({ content })])).text
      },
      failed: failure,
    }
  },

  '@llamaindex/openai'({ model, ...at }) {
    const client = new LlamaIndexOpenAI({ model, ...at, maxRetries: 0 })
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: question },
    ]
    return {
      async whole() {
        const { message, raw } = await client.chat({ messages })
        const { usage } = raw as OpenAI.ChatCompletion
        return { text: String(message.content), input: usage?.prompt_tokens, output: usage?.completion_tokens }
      },
      async streamed() {
        let text = ''
        for await (const { delta } of await client.chat({ messages, stream: true })) text += delta
        return text
      },
      async withFiles() {
        const content = [
          { type: 'text' as const, text: question },
          { type: 'image_url' as const, image_url: { url: pngUrl } },
          { type: 'file' as const, mimeType: 'application/pdf', data: pdf.toString('base64') },
        ]
        return String((await client.chat({ messages: [{ role: 'user', content }] })).message.content)
      },
      failed: failure,
    }
  },
}

test('the AI SDK shows what the model thinks apart from its answer, whole and streamed', async () => {
  const thinks: Script = async (write) => {
    await write.think('A plan')
    await write.end({ text: 'Thirty days.' }, { thoughts: 'A plan' })
  }
  const { url } = await setUp(thinks)
  const model = createOpenAICompatible({ name: 'parley', baseURL: `${url}/v1`, apiKey: secret })('scripted')
  const whole = await generateText({ model, prompt: question, maxRetries: 0 })
  expect([whole.reasoningText, whole.text]).toEqual(['A plan', 'Thirty days.'])
  const streamed = streamText({ model, prompt: question, maxRetries: 0 })
  expect([await streamed.text, await streamed.reasoningText]).toEqual(['Thirty days.', 'A plan'])
})

describe.each(Object.entries(clients))('%s', (_name, open) => {
  const use = async (script = answers, { model = 'scripted', apiKey = secret } = {}) => {
    const rig = await setUp(script)
    return { ...rig, client: open({ baseURL: `${rig.url}/v1`, apiKey, model }) }
  }

  test('gets a whole answer with its usage, and the model gets its prompt', async () => {
    const { client, received } = await use()
    expect(await client.whole()).toEqual({ text: 'Thirty days [1].', input: 1200, output: 12 })
    expect(received[0]).toMatchObject({ text: question, instructions: system, program: { ownPrompt: true } })
  })

  test('gets a stream', async () => {
    const { client } = await use()
    expect(await client.streamed()).toBe('Thirty days [1].')
  })

  test('sends a picture and a file', async () => {
    const { client, received, contents } = await use()
    expect(await client.withFiles()).toBe('Thirty days [1].')
    expect(received[0]?.attachments.map(({ mediaType }) => mediaType)).toEqual(['image/png', 'application/pdf'])
    expect([...contents.values()]).toEqual([png, pdf])
  })

  test.each<[code: string, status: number]>([
    ['budget_exhausted', 429],
    ['rate_limited', 429],
    ['model_context_overflow', 400],
    ['model_unreachable', 503],
  ])('is told %s as %i, with the sentence', async (error, status) => {
    const { client } = await use((write) => write.end({ text: 'Not now. Try later.', state: 'failed' }, { error }))
    const thrown = await client.whole().catch((reason: unknown) => reason)
    expect(client.failed(thrown)).toEqual({ status, message: expect.stringContaining('Not now. Try later.') })
  })

  test('is told about a key that is none, and a model that is none', async () => {
    const wrongKey = await use(answers, { apiKey: 'parley-wrong-key-1' })
    expect(wrongKey.client.failed(await wrongKey.client.whole().catch((reason: unknown) => reason))).toMatchObject({
      status: 401,
    })
    const wrongModel = await use(answers, { model: 'gpt-99' })
    expect(wrongModel.client.failed(await wrongModel.client.whole().catch((reason: unknown) => reason))).toEqual({
      status: 404,
      message: expect.stringContaining('gpt-99'),
    })
  })
})
