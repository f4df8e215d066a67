/** Laws that only the whole can show: what is logged, what is said while work goes on, what is left when models are away. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConsoleEvent } from '../../adapters/console/api.ts'
import { noticeWording } from '../../src/wording/answers.ts'
import { makeManual } from '../fixtures/make-pdf.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { ConsoleClient, type ParleyProcess, removeHome, startParley, temporaryHome } from './parley.ts'

const key = 'sk-test-5f2b9c'
let home: string
let model: ScriptedOpenAi
let parley: ParleyProcess
let client: ConsoleClient

beforeAll(async () => {
  home = await temporaryHome()
  model = await startScriptedOpenAi({
    script: ({ body }) => {
      const text = questionTextOf(body)
      if (text.includes('BREAK')) return { tokens: ['Half an answer '], cut: { after: 1, how: 'reset' } }
      if (text.includes('REFUSE')) return { status: 401, error: { message: `bad key ${key}` } }
      return { tokens: ['An ', 'answer ', 'about ', 'periwinkles.'], everyMs: 10 }
    },
  })
  parley = await startParley(home, { OPENAI_BASE_URL: model.url, OPENAI_API_KEY: key, LOG_LEVEL: 'debug' })
  client = new ConsoleClient(parley.url)
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await model?.close()
  if (home) await removeHome(home)
})

describe('message text is not logged, secrets are never printed', () => {
  it('not for a good answer, a broken one, a refused key or a bad file', async () => {
    await client.ask('Where do marmosets sleep?', [
      await client.upload('hornbeam.txt', 'The quokka sleeps under the sassafras.'),
    ])
    await client.ask('BREAK the zucchini')
    const refused = await client.ask('REFUSE the zucchini')
    await client.ask('What about the aardwolf?', [await client.upload('broken.pdf', '%PDF-1.7 aardwolf')])
    const log = parley.log()
    expect(log).toContain('turn ended')
    for (const word of ['marmosets', 'quokka', 'sassafras', 'periwinkles', 'zucchini', 'aardwolf', key])
      expect(log).not.toContain(word)
    expect(refused.state).toBe('failed')
    expect(refused.text).toMatch(/key/i)
    expect(refused.text).not.toContain(key)
  })
})

describe('nothing is silently partial', () => {
  it('an answer that broke off twice says that it is incomplete', async () => {
    const reply = await client.ask('BREAK')
    expect(reply).toMatchObject({ state: 'done', text: 'Half an answer' })
    expect(reply.receipt.notices.join(' ')).toMatch(/incomplete.*Regenerate/)
  })
})

describe('when models are out of reach', () => {
  it('the files are quoted, and the reply says that it is so and why', async () => {
    const files = [await client.upload('note.txt', 'The cellar key hangs behind the boiler.\n\nREFUSE nothing.')]
    const reply = await client.ask('REFUSE: Where does the cellar key hang?', files)
    expect(reply.text).toContain('behind the boiler')
    expect(reply.receipt).toMatchObject({ provider: 'extractive', costNanoUsd: '0' })
    expect(reply.receipt.notices.join(' ')).toContain(noticeWording.quotedInstead('the key and its permissions.'))
  })
})

describe('progress', () => {
  it('is visible, names what happens, and does not outlive the turn', async () => {
    const manual = await makeManual({ pages: 400, facts: {} })
    const thread = randomUUID()
    const upload = await client.upload('manual.pdf', manual)
    const events: ConsoleEvent[] = []
    const aborted = new AbortController()
    const response = await fetch(`${parley.url}/console/events?thread=${thread}`, { signal: aborted.signal })
    const { turnId } = await client.send(thread, 'What does it say?', [upload])
    let rest = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const records = (rest + chunk).split('\n\n')
      rest = records.pop() ?? ''
      for (const record of records) {
        if (record.startsWith('data:')) events.push(JSON.parse(record.slice(5)) as ConsoleEvent)
      }
      if (events.some((event) => event.type === 'status' && event.status === null)) break
    }
    aborted.abort()
    const statuses = events.flatMap((event) => (event.type === 'status' && event.status ? [event.status.text] : []))
    expect(statuses.some((text) => /^Reading manual\.pdf, page \d+ of 400$/.test(text))).toBe(true)
    const reply = await client.reply(thread, turnId)
    expect(reply.state).toBe('done')
    const known = await client.thread(thread)
    expect(known.thread.busy).toBe(false)
  })
})

describe('a thread', () => {
  it('that is deleted takes its files along, unless another thread has them', async () => {
    const [kept, gone] = [randomUUID(), randomUUID()]
    const shared = 'The shared note.'
    const first = await client.send(kept, 'One?', [await client.upload('shared.txt', shared)])
    await client.reply(kept, first.turnId)
    const uploads = [
      await client.upload('shared.txt', shared),
      await client.upload('own.txt', 'The note of this thread alone.'),
    ]
    const second = await client.send(gone, 'Two?', uploads)
    const reply = await client.reply(gone, second.turnId)
    const [sharedHash, ownHash] = reply.receipt.attachments.map((each) => each.contentHash)
    await client.call('DELETE', `/console/threads/${gone}`)
    await expect(client.thread(gone)).rejects.toThrow(/404/)
    expect((await client.call('GET', `/console/files/${sharedHash}/text?from=1&to=1`)).status).toBe(200)
    await expect(client.call('GET', `/console/files/${ownHash}/text?from=1&to=1`)).rejects.toThrow(/404/)
  })

  it('quick follow-ups join the turn that waits for a file', async () => {
    const thread = randomUUID()
    const upload = await client.upload('manual.pdf', await makeManual({ pages: 500, facts: {} }))
    const first = await client.send(thread, '', [upload])
    const second = await client.send(thread, 'Who countersigns?')
    expect(second.turnId).toBe(first.turnId)
    await client.reply(thread, first.turnId)
    const { messages } = await client.thread(thread)
    expect(messages.map(({ role }) => role)).toEqual(['user', 'user', 'parley'])
  })
})
