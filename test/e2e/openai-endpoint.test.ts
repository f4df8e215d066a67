/** OpenAI's own client against Parley as people run it: routing, files, budgets and crashes behind `/v1`. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { makeManual } from '../fixtures/make-pdf.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

let home: string
let model: ScriptedOpenAi
let parley: ParleyProcess
let secret: string

beforeAll(async () => {
  home = await temporaryHome()
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const text = questionTextOf(body)
      if (text.includes('Say JSON')) return { tokens: ['{"a"', ':1}'], usage }
      if (text.includes('Think aloud'))
        return { reasoning: ['First ', 'the lease.'], tokens: ['Thirty', ' days.'], usage }
      if (text.includes('Fenced')) return { tokens: [' ```js\nlet a', ' = 1\n \n'], usage }
      if (JSON.stringify(body).includes('Count to')) return { tokens: ['1\n', '2\n', '3'], usage }
      const label = /\[?(\d+:p\d+)/.exec(text)?.[1]
      return {
        tokens: label === undefined ? ['Thirty ', 'days.'] : ['Every ', `ninety days [${label}].`],
        everyMs: 5,
        usage,
      }
    },
    models: [{ id: 'house' }, { id: 'lab/small' }, { id: 'off' }],
  })
  await writeYaml()
  parley = await startParley(home, { OPENAI_BASE_URL: model.url }, home)
  secret = await createKey('website', '5', 'month')
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await model?.close()
  if (home) await removeHome(home)
})

const usage = { prompt_tokens: 1_000_000, completion_tokens: 100 }

/** A dollar for a million tokens. */
async function writeYaml(): Promise<void> {
  await writeFile(
    join(home, 'parley.yaml'),
    [
      'models:',
      '  default: house',
      '  list:',
      '    - { id: house, provider: openai, contextWindow: 2000000, price: { input: 1, output: 1 } }',
      '    - { id: lab/small, provider: openai, contextWindow: 4096, vision: false, price: { input: 1, output: 1 } }',
      '    - { id: off, provider: openai, contextWindow: 4096, price: { input: 1, output: 1 } }',
      '',
    ].join('\n'),
  )
}

async function createKey(...words: string[]): Promise<string> {
  const { stdout, stderr } = await run(['src/cli.ts', 'admin', 'keys', 'create', ...words], environment(home))
  const [found] = /parley-[\w-]{20,}/.exec(stdout) ?? []
  if (found === undefined) throw new Error(`no key was made: ${stdout}${stderr}`)
  return found
}

const client = (apiKey = secret) => new OpenAI({ baseURL: `${parley.url}/v1`, apiKey, maxRetries: 0 })
const asking = (content: string) => ({ model: 'parley', messages: [{ role: 'user' as const, content }] })

describe('any client of OpenAI', () => {
  it('gets an answer, complete or streamed, from the model that the routing chose', async () => {
    const whole = await client().chat.completions.create(asking('How long is the notice period?'))
    expect(whole).toMatchObject({ model: 'house', choices: [{ message: { content: 'Thirty days.' } }] })
    const stream = await client().chat.completions.create({ ...asking('And in winter?'), stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe('Thirty days.')
  })

  it('gets what the model thinks beside its answer, complete or streamed', async () => {
    const whole = await client().chat.completions.create(asking('Think aloud: how long?'))
    expect(whole.choices[0]?.message).toMatchObject({ content: 'Thirty days.', reasoning_content: 'First the lease.' })
    const stream = await client().chat.completions.create({ ...asking('Think aloud again.'), stream: true })
    let [text, thoughts] = ['', '']
    for await (const { choices } of stream) {
      text += choices[0]?.delta.content ?? ''
      thoughts += Reflect.get(choices[0]?.delta ?? {}, 'reasoning_content') ?? ''
    }
    expect([thoughts, text]).toEqual(['First the lease.', 'Thirty days.'])
  })

  it('sends a file and gets citations with places', async () => {
    const pdf = Buffer.from(await makeManual({ pages: 3 })).toString('base64')
    const answer = await client().chat.completions.create({
      model: 'house',
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What does page 2 say?' },
            { type: 'file', file: { filename: 'manual.pdf', file_data: `data:application/pdf;base64,${pdf}` } },
          ],
        },
      ],
    })
    expect(answer.choices[0]?.message.content).toBe('Every ninety days [1].')
    expect(answer).toMatchObject({
      parley: {
        sources: [{ n: 1, title: 'manual.pdf', place: expect.stringMatching(/^p\. \d/) }],
        files: [{ name: 'manual.pdf', outcome: 'read' }],
      },
    })
  })

  it('sends history and instructions with each request', async () => {
    await client().chat.completions.create({
      model: 'parley',
      temperature: 0.1,
      messages: [
        { role: 'system', content: 'Speak like a pirate.' },
        { role: 'user', content: 'My name is Mary.' },
        { role: 'assistant', content: 'Ahoy Mary.' },
        { role: 'user', content: 'What is my name?' },
      ],
    })
    const sent = JSON.stringify(model.requests.at(-1)?.body)
    for (const words of [
      'Speak like a pirate.',
      'My name is Mary.',
      'Ahoy Mary.',
      'What is my name?',
      '"temperature":0.1',
    ])
      expect(sent).toContain(words)
  })

  it('that repeats a request with its Idempotency-Key pays once', async () => {
    const before = model.requests.length
    const options = { headers: { 'idempotency-key': 'invoice-4711' } }
    const first = await client().chat.completions.create(asking('Once only?'), options)
    const second = await client().chat.completions.create(asking('Once only?'), options)
    expect(second.choices).toEqual(first.choices)
    expect(model.requests.length).toBe(before + 1)
  })

  it('gets an error that names the used-up budget and its reset', async () => {
    const poor = client(await createKey('poor', '0.002', 'day'))
    // The model's server counts a million tokens for each: booked at the most that the question can have had.
    let refused: unknown
    for (let n = 0; n < 20 && refused === undefined; n += 1)
      await poor.chat.completions.create(asking(`Question ${n}?`)).catch((thrown: unknown) => {
        refused = thrown
      })
    expect(refused).toMatchObject({ status: 429, code: 'budget_exhausted', type: 'insufficient_quota' })
    expect((refused as Error).message).toMatch(/budget.*\$0\.002.*reset/is)
    const asked = model.requests.length
    await expect(poor.chat.completions.create(asking('Once more?'))).rejects.toMatchObject({ status: 429 })
    expect(model.requests.length).toBe(asked)
  })

  const admin = async (...words: string[]) => (await run(['src/cli.ts', 'admin', ...words], environment(home))).stdout
  const sentBody = () => model.requests.at(-1)?.body as { messages: { role: string; content: unknown }[] }

  it('that names a model gets its own prompt to it, and nothing of Parley’s', async () => {
    await admin('persona', 'instructions', 'everywhere', 'Always rhyme.')
    const messages = [
      { role: 'system' as const, content: 'Reply only with JSON. Never use Markdown.' },
      { role: 'user' as const, content: 'Say JSON' },
    ]
    const answer = await client().chat.completions.create({ model: 'house', messages })
    expect(sentBody().messages).toEqual(messages)
    expect(JSON.parse(answer.choices[0]?.message.content ?? '')).toEqual({ a: 1 })
    await client().chat.completions.create({ model: 'parley', messages })
    expect(JSON.stringify(sentBody().messages[0])).toMatch(/You are Parley.*Always rhyme.*Reply only with JSON/)
  })

  it('sends a long conversation whole: the first message reaches the model, too', async () => {
    const filler = 'All work and no play makes a dull day in the office of the county clerk. '.repeat(60)
    const before = Array.from({ length: 30 }, (_, n) => ({
      role: n % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: n === 0 ? `The code word is heron. ${filler}` : filler,
    }))
    const messages = [...before, { role: 'user' as const, content: 'What is the code word?' }]
    const answer = await client().chat.completions.create({ model: 'house', messages })
    expect(sentBody().messages).toEqual(messages)
    expect(answer).toMatchObject({ parley: { notices: [] } })
  })

  it('learns what does not fit: a refusal, or what was left out', async () => {
    const filler = 'All work and no play makes a dull day in the office of the county clerk. '.repeat(40)
    const messages = Array.from({ length: 11 }, (_, n) => ({
      role: n % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: `${n} ${filler}`,
    }))
    const small = { model: 'lab/small', messages }
    await expect(client().chat.completions.create(small)).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
    })
    const { data, response } = await client()
      .chat.completions.create({ ...small, truncation: 'auto' } as typeof small)
      .withResponse()
    const cut = Number(response.headers.get('x-parley-cut-messages'))
    expect(cut).toBeGreaterThan(0)
    expect(sentBody().messages).toHaveLength(messages.length - cut)
    expect(data).toMatchObject({ model: 'lab/small', parley: { cut_messages: cut, notices: [expect.any(String)] } })
    // Parley itself chooses a model that takes all of it.
    const chosen = await client().chat.completions.create({ ...small, model: 'parley' })
    expect(chosen).toMatchObject({ model: 'house', parley: { notices: [] } })
  })

  it('is answered by the model that it named, or by none', async () => {
    await admin('budget', 'set', 'model:house', '0', 'day')
    try {
      const refused = client().chat.completions.create({ ...asking('By you alone?'), model: 'house' })
      await expect(refused).rejects.toMatchObject({ status: 429, type: 'insufficient_quota' })
      await expect(refused).rejects.not.toThrow(/\$/)
      const other = await client().chat.completions.create({
        ...asking('By anybody?'),
        model: 'house',
        route: 'fallback',
      } as ReturnType<typeof asking>)
      expect(other.model).not.toBe('house')
      const stream = await client().chat.completions.create({ ...asking('Streamed?'), stream: true })
      const models = new Set<string>()
      let text = ''
      for await (const chunk of stream) {
        models.add(chunk.model)
        text += chunk.choices[0]?.delta.content ?? ''
      }
      expect([...models]).toEqual([other.model])
      // What others spend is nobody's business here.
      expect(`${text} ${JSON.stringify(other)}`).not.toContain('$')
    } finally {
      await admin('budget', 'remove', 'model:house', 'day')
    }
  })

  it('is told of nobody else’s money when everybody’s budget is in the way', async () => {
    await admin('budget', 'set', 'everywhere', '0.0000001', 'day')
    try {
      for (const stream of [false, true]) {
        const refused = client().chat.completions.create({ ...asking(`Now? ${stream}`), stream })
        await expect(refused).rejects.toMatchObject({ status: 429, type: 'insufficient_quota' })
        await expect(refused).rejects.not.toThrow(/\$/)
      }
    } finally {
      await admin('budget', 'remove', 'everywhere', 'day')
    }
  })

  it('sets how words are picked, where to stop, and how the answer begins', async () => {
    const answer = await client().chat.completions.create({
      model: 'house',
      messages: [
        { role: 'user', content: 'Count to three.' },
        { role: 'assistant', content: '0\n' },
      ],
      top_p: 0.4,
      seed: 11,
      presence_penalty: 0.5,
      frequency_penalty: 0.25,
      stop: ['2'],
    })
    expect(sentBody()).toMatchObject({
      top_p: 0.4,
      seed: 11,
      presence_penalty: 0.5,
      frequency_penalty: 0.25,
      stop: ['2'],
    })
    expect(sentBody().messages.at(-1)).toEqual({ role: 'assistant', content: '0\n' })
    expect(answer.choices[0]).toMatchObject({ message: { content: '1\n' }, finish_reason: 'stop' })
  })

  it('gets the text exactly as the model wrote it: spaces, line breaks, and code that was cut off', async () => {
    const written = ' ```js\nlet a = 1\n \n'
    const whole = await client().chat.completions.create({ ...asking('Fenced'), model: 'house' })
    expect(whole.choices[0]?.message.content).toBe(written)
    const stream = await client().chat.completions.create({ ...asking('Fenced'), model: 'house', stream: true })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    expect(text).toBe(written)
    const stopped = await client().chat.completions.create({ ...asking('Fenced'), model: 'house', stop: [' '] })
    expect(stopped.choices[0]).toMatchObject({ message: { content: '' }, finish_reason: 'stop' })
  })

  it('does not see models that are disabled, and finds those whose names have slashes', async () => {
    await admin('models', 'disable', 'off')
    expect((await client().models.list()).data.map(({ id }) => id)).toEqual(['parley', 'house', 'lab/small'])
    await admin('models', 'enable', 'off')
    expect((await client().models.retrieve('lab/small')).id).toBe('lab/small')
  })

  it('hears how many requests it has left, and when to come again', async () => {
    const limited = await createKey('limited', '5', 'day')
    const id = /limited.*?\((\w+)\)/.exec(await admin('keys', 'list'))?.[1] ?? ''
    await admin('limits', 'set', 'rate', '2', `user:api/api/${id}`)
    const ask = (n: number) =>
      client(limited)
        .chat.completions.create(asking(`Limited ${n}?`))
        .withResponse()
    const first = await ask(1)
    expect(first.response.headers.get('x-ratelimit-limit-requests')).toBe('2')
    expect(first.response.headers.get('x-ratelimit-remaining-requests')).toBe('1')
    await ask(2)
    const refused = await ask(3).catch((thrown: unknown) => thrown as InstanceType<typeof OpenAI.APIError>)
    expect(refused).toMatchObject({ status: 429, type: 'rate_limit_error' })
    expect(Number((refused as { headers: Headers }).headers.get('retry-after'))).toBeGreaterThan(0)
  })

  it('is rejected at once when its key is revoked', async () => {
    const gone = await createKey('gone', '1', 'day')
    await run(['src/cli.ts', 'admin', 'keys', 'revoke', 'gone'], environment(home))
    await expect(client(gone).models.list()).rejects.toMatchObject({ status: 401 })
    expect((await client().models.list()).data.map(({ id }) => id)).toEqual(['parley', 'house', 'lab/small', 'off'])
  })
})
