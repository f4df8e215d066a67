/** What a program gets at the endpoint where a model's server does what servers in the field do. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { done, event, said, stop } from '../models/field-cases.ts'
import { type ScriptedOpenAi, type ScriptedReply, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { environment, type ParleyProcess, removeHome, run, startParley, temporaryHome } from './parley.ts'

let home: string
let server: ScriptedOpenAi
let parley: ParleyProcess
let client: OpenAI

const whole = { raw: [said('Thirty ', 'days.'), stop, done] }
/** By a word of the question: what the first model does, and the second one where it does not answer. */
const ways: Record<string, { first: ScriptedReply; second?: ScriptedReply }> = {
  lone: { first: { raw: [said('so it is 30', '\n</think>\n\n', 'Thirty ', 'days.'), stop, done] } },
  pings: { first: { raw: ['data: ping\n\n', said('Thirty '), 'data: : keepalive\n\n', said('days.'), stop, done] } },
  empty: { first: { raw: [stop, done] }, second: { raw: [event({ reasoning: 'a plan' }), stop, done] } },
  blank: { first: { raw: [done] } },
  broken: { first: { raw: [said('Thir'), event({}, 'network_error'), done] } },
  page: { first: { raw: ['<!DOCTYPE html><html><body>Log in</body></html>'] } },
  flagged: { first: { status: 403, error: { message: 'Your input was flagged for "violence"', code: null } } },
  long: {
    first: { status: 400, error: { message: 'Exceeded max input tokens: 9000 > 8192' } },
    second: { status: 413, error: { message: 'Payload Too Large' } },
  },
}

beforeAll(async () => {
  home = await temporaryHome()
  server = await startScriptedOpenAi({
    script: ({ body }) => {
      const { first, second = whole } = ways[/\b(\w+)\?/.exec(questionTextOf(body))?.[1] ?? ''] ?? { first: whole }
      return (body as { model: string }).model === 'first' ? first : second
    },
    models: [{ id: 'first' }, { id: 'second' }],
  })
  const models = ['first', 'second'].map((id) => `{ id: ${id}, provider: openai, price: { input: 1, output: 1 } }`)
  await writeFile(join(home, 'parley.yaml'), `models: { default: first, list: [${models.join(', ')}] }\n`)
  parley = await startParley(home, { OPENAI_BASE_URL: server.url }, home)
  const { stdout } = await run(['src/cli.ts', 'admin', 'keys', 'create', 'program', '5', 'month'], environment(home))
  const apiKey = /parley-[\w-]{20,}/.exec(stdout)?.[0] ?? ''
  client = new OpenAI({ baseURL: `${parley.url}/v1`, apiKey, maxRetries: 0 })
}, 60_000)
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await server?.close()
  if (home) await removeHome(home)
})

const asked = () => server.requests.map(({ body }) => (body as { model: string }).model)
async function ask(word: string) {
  const before = asked().length
  const { model, choices } = await client.chat.completions.create({
    model: 'parley',
    messages: [{ role: 'user', content: `Is it ${word}?` }],
  })
  return { model, content: choices[0]?.message.content, asked: asked().slice(before) }
}
async function refusal(word: string): Promise<{ status?: number; code?: string; asked: string[] }> {
  const before = asked().length
  const thrown: unknown = await ask(word).then(
    () => undefined,
    (error: unknown) => error,
  )
  const { status, code } = thrown as { status?: number; code?: string }
  return { status, code, asked: asked().slice(before) }
}

describe('a program', () => {
  it('gets an answer without thoughts and keep-alives', async () => {
    for (const word of ['lone', 'pings'])
      expect(await ask(word)).toMatchObject({ model: 'first', content: 'Thirty days.', asked: ['first'] })
  })

  it('gets what it caused as a fault of its own: a filtered question, and one that is too long', async () => {
    expect(await refusal('flagged')).toEqual({ status: 400, code: 'content_filter', asked: ['first'] })
    expect(await refusal('long')).toEqual({
      status: 400,
      code: 'context_length_exceeded',
      asked: ['first', 'second'],
    })
  })

  it('gets the next model’s answer where one breaks off, is empty or sends a page', async () => {
    for (const word of ['broken', 'blank', 'page']) {
      const answer = await ask(word)
      expect([word, answer.model, answer.asked]).toEqual([word, 'second', ['first', 'second']])
      expect(answer.content).toMatch(/^Thirty days\./)
    }
  })

  it('gets an error where every answer is empty, after each model was asked twice at most', async () => {
    const { status, code, asked: models } = await refusal('empty')
    expect([status, code]).toEqual([502, 'model_empty'])
    expect(models.length).toBeLessThanOrEqual(4)
  })
})
