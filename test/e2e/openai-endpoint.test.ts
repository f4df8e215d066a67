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
      const label = /\[?(\d+:p\d+)/.exec(text)?.[1]
      return {
        tokens: label === undefined ? ['Thirty ', 'days.'] : ['Every ', `ninety days [${label}].`],
        everyMs: 5,
        usage: { prompt_tokens: 1_000_000, completion_tokens: 100 },
      }
    },
    models: [{ id: 'house' }],
  })
  await writeYaml()
  parley = await startParley(home, { OPENAI_BASE_URL: model.url }, home)
  secret = await createKey('website', '5', 'month')
}, 60_000)
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await model?.close()
  if (home) await removeHome(home)
})

/** A dollar for a million tokens. */
async function writeYaml(): Promise<void> {
  await writeFile(
    join(home, 'parley.yaml'),
    'models: { list: [{ id: house, provider: openai, contextWindow: 2000000, price: { input: 1, output: 1 } }] }\n',
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
    expect(answer.choices[0]?.message.content).toMatch(/^Every ninety days \[1\]\.\n\n\[1\] manual\.pdf, p\. \d/)
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
    const poor = client(await createKey('poor', '1', 'day'))
    await poor.chat.completions.create(asking('The first dollar?'))
    const asked = model.requests.length
    const refused = poor.chat.completions.create(asking('And the second?'))
    await expect(refused).rejects.toMatchObject({ status: 429, code: 'budget_exhausted', type: 'insufficient_quota' })
    await expect(refused).rejects.toThrow(/budget.*\$1.*reset/is)
    expect(model.requests.length).toBe(asked)
  })

  it('is rejected at once when its key is revoked', async () => {
    const gone = await createKey('gone', '1', 'day')
    await run(['src/cli.ts', 'admin', 'keys', 'revoke', 'gone'], environment(home))
    await expect(client(gone).models.list()).rejects.toMatchObject({ status: 401 })
    expect((await client().models.list()).data.map(({ id }) => id)).toEqual(['parley', 'house'])
  })
})
