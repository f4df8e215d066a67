/** Bad input costs only itself: each a clear sentence with a next step, nothing lost, the process alive. */

import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { consoleWording } from '../../src/wording/page.ts'
import { accessWording } from '../../src/wording/requests.ts'
import { configurationWording, startWording } from '../../src/wording/startup.ts'
import { makeManual, makePdf } from '../fixtures/make-pdf.ts'
import {
  ConsoleClient,
  environment,
  type ParleyProcess,
  removeHome,
  run,
  startParley,
  temporaryHome,
} from './parley.ts'

/** The status and the sentence of a refused request. */
const refusal = (status: number, sentence: string) =>
  new RegExp(`${status}.*${sentence.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`)

const main = new URL('../../src/main.ts', import.meta.url).pathname

describe('files', () => {
  let home: string
  let parley: ParleyProcess
  let client: ConsoleClient

  beforeAll(async () => {
    home = await temporaryHome()
    await writeFile(`${home}/parley.yaml`, 'limits:\n  fileMegabytes: 20\n')
    parley = await startParley(home, {}, home)
    client = new ConsoleClient(parley.url)
  }, 60_000)
  afterAll(async () => {
    await parley?.[Symbol.asyncDispose]()
    if (home) await removeHome(home)
  })

  const onePage = (options = {}) =>
    makePdf((doc) => {
      doc.addPage().text('The vault code is 4711.')
    }, options)

  interface Bad {
    name: string
    content: () => Promise<Uint8Array | string> | Uint8Array | string
    outcome: 'skipped' | 'partly' | 'read'
    /** In the summary or a problem, and in the reply where nothing else can be said. */
    userMessage: RegExp
  }
  const bad: Record<string, Bad> = {
    'an encrypted PDF': {
      name: 'secret.pdf',
      content: () => onePage({ userPassword: 'hush', ownerPassword: 'boss' }),
      outcome: 'skipped',
      userMessage: /secret\.pdf.*password.*(?:without|unprotected|remove)/i,
    },
    'a truncated PDF': {
      name: 'torn.pdf',
      content: async () => (await makeManual({ pages: 20, facts: { 2: 'The vault code is 4711.' } })).subarray(0, 9000),
      outcome: 'partly',
      userMessage: /torn\.pdf.*(?:damaged|cut off|incomplete)/i,
    },
    'an empty PDF': { name: 'empty.pdf', content: () => '', outcome: 'skipped', userMessage: /empty\.pdf.*empty/i },
    'a PDF of garbage': {
      name: 'noise.pdf',
      content: () => `%PDF-1.7\n${'garbage '.repeat(500)}`,
      outcome: 'skipped',
      userMessage: /noise\.pdf.*(?:damaged|not a)/i,
    },
    'a program that calls itself a PDF': {
      name: 'invoice.pdf',
      content: () => Buffer.concat([Buffer.from('7f454c46020101000000000000000000', 'hex'), Buffer.alloc(4000, 1)]),
      outcome: 'skipped',
      userMessage: /invoice\.pdf.*program/i,
    },
    'a PDF that calls itself a text': {
      name: 'notes.txt',
      content: () => onePage(),
      outcome: 'read',
      userMessage: /notes\.txt.*PDF/i,
    },
    'ten megabytes in one line': {
      name: 'line.txt',
      content: () => `${'lorem ipsum dolor '.repeat(580_000)} The vault code is 4711.`,
      outcome: 'read',
      userMessage: /./,
    },
    'text that is not valid UTF-8': {
      name: 'latin.txt',
      content: () => Buffer.from('Der Schl\xfcssel liegt unter der Matte. The vault code is 4711.', 'latin1'),
      outcome: 'partly',
      userMessage: /latin\.txt.*(?:Windows-1252|UTF-8)/i,
    },
  }

  it.each(Object.entries(bad))('%s', async (_, { name, content, outcome, userMessage }) => {
    const upload = await client.upload(name, await content())
    const reply = await client.ask('What is the vault code?', [upload])
    expect(reply.state).toBe('done')
    const receipt = reply.receipt.attachments[0]
    expect(receipt).toMatchObject({ name, outcome })
    const told = [receipt?.summary, ...(receipt?.problems.map((problem) => problem.userMessage) ?? [])].join('\n')
    expect(told).toMatch(userMessage)
    if (outcome === 'skipped') expect(reply.text).toMatch(userMessage)
    else expect(reply.text).toContain('4711')
    expect((await client.call('GET', '/readyz')).status).toBe(200)
  })

  it('one bad file among good ones costs only itself', async () => {
    const uploads = [
      await client.upload('good.pdf', await onePage()),
      await client.upload('noise.pdf', '%PDF-1.7 nothing'),
    ]
    const reply = await client.ask('What is the vault code?', uploads)
    expect(reply.text).toContain('4711')
    expect(reply.receipt.attachments.map((each) => each.outcome)).toEqual(['read', 'skipped'])
  })

  it('a file over the limit is refused with the limit', async () => {
    await expect(client.upload('huge.bin', Buffer.alloc(20_000_001))).rejects.toThrow(
      refusal(413, consoleWording.fileTooLarge('huge.bin', 20)),
    )
    expect((await client.call('GET', '/readyz')).status).toBe(200)
  })

  it('an empty message, a broken body and an address that is none are refused, each with a sentence', async () => {
    const thread = '00000000-0000-4000-8000-000000000001'
    await expect(client.send(thread, '   ')).rejects.toThrow(consoleWording.messageEmpty)
    await expect(client.call('POST', `/console/threads/${thread}/messages`, '{"id"', {})).rejects.toThrow(
      refusal(400, consoleWording.messageInvalid),
    )
    await expect(client.call('POST', '/console/threads/nonsense/messages', '{}')).rejects.toThrow(
      refusal(400, consoleWording.addressIncomplete),
    )
    await expect(client.send(thread, 'x'.repeat(100_001))).rejects.toThrow(
      consoleWording.messageTooLong(100_001, 100_000),
    )
  })

  it('another site can neither read nor write', async () => {
    const evil = { origin: 'https://evil.example', 'content-type': 'text/plain' }
    await expect(
      client.call('POST', '/console/threads/00000000-0000-4000-8000-000000000001/messages', '{}', evil),
    ).rejects.toThrow(/403/)
    const rebound = await run(
      [
        '-e',
        `require('http').get({host:'127.0.0.1',port:${new URL(parley.url).port},path:'/console/threads',headers:{host:'evil.example'}},r=>{console.log(r.statusCode);process.exit()})`,
      ],
      environment(home),
    )
    expect(rebound.stdout.trim()).toBe('403')
  })
})

describe('set-up that cannot work ends at once, non-zero, with one clear text', () => {
  async function fails(env: Record<string, string>, yaml?: string): Promise<string> {
    const home = await temporaryHome()
    try {
      if (yaml !== undefined) await writeFile(`${home}/parley.yaml`, yaml)
      const { code, stderr } = await run([main], environment(home, { LOG_LEVEL: 'silent', ...env }), { cwd: home })
      expect(code).toBe(1)
      expect(stderr).not.toMatch(/^\s+at /m)
      return stderr
    } finally {
      await removeHome(home)
    }
  }

  it('a parley.yaml with a word that is none of its settings', async () => {
    expect(await fails({}, 'limmits: {}\n')).toContain(
      configurationWording.unknownSetting(configurationWording.inFile('limmits')),
    )
  })

  it('a parley.yaml that is not YAML', async () => {
    expect(await fails({}, 'limits: [1\n')).toMatch(/not valid YAML \(line/)
  })

  it('a busy port', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    try {
      expect(await fails({ PORT: String(port) })).toContain(startWording.portInUse(port))
    } finally {
      server.close()
    }
  })

  it.each([
    ['a server that is not there', 'postgres://parley:hunter2@127.0.0.1:1/parley'],
    ['a host that is not there', 'postgres://parley:hunter2@nowhere.invalid/parley'],
    ['no database address at all', 'mysql://hunter2'],
  ])('a wrong DATABASE_URL: %s', async (_, url) => {
    const userMessage = await fails({ DATABASE_URL: url })
    expect(userMessage).toMatch(/DATABASE_URL/)
    expect(userMessage).not.toContain('hunter2')
  })

  it('a queue that is not there', async () => {
    expect(await fails({ REDIS_URL: 'redis://127.0.0.1:1' })).toMatch(/REDIS_URL|queue/i)
  })

  it('a second Parley on the same home', async () => {
    const home = await temporaryHome()
    const first = await startParley(home)
    try {
      const { code, stderr } = await run([main], environment(home, { LOG_LEVEL: 'silent' }))
      expect(code).toBe(1)
      expect(stderr).toMatch(new RegExp(`${first.pid}`))
      expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
    } finally {
      await first[Symbol.asyncDispose]()
      await removeHome(home)
    }
  })

  it('on an address that others can reach, the page offers to make the first account and shows no data', async () => {
    const home = await temporaryHome()
    const parley = await startParley(home, { HOST: '0.0.0.0' })
    try {
      const { port } = new URL(parley.url)
      expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200)
      const threads = await fetch(`http://127.0.0.1:${port}/console/threads`)
      expect(threads.status).toBe(401)
      expect(await threads.text()).toContain(accessWording.setUpNeeded)
      const state = await (await fetch(`http://127.0.0.1:${port}/console/session`)).json()
      expect(state).toMatchObject({ setUp: false, local: false, person: null })
    } finally {
      await parley[Symbol.asyncDispose]()
      await removeHome(home)
    }
  })
})
