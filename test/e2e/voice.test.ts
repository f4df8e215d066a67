/** Recordings as people send them: flite speaks, pocketsphinx hears, and what was said is the question or content. */
import { randomUUID } from 'node:crypto'
import { OpenAI } from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { generate, lacking, speak, voiceNote } from '../fixtures/speech.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import { questionTextOf } from '../servers/openai-wire.ts'
import { pocketsphinxTranscribes, startTranscriber, type TranscriberServer } from '../servers/transcriber.ts'
import {
  ConsoleClient,
  environment,
  type ParleyProcess,
  removeHome,
  run,
  startParley,
  temporaryHome,
} from './parley.ts'

const without = lacking('ffmpeg', 'flite', 'pocketsphinx_continuous')
const question = 'When does the meeting with the doctor start in the morning?'

describe.skipIf(without)(`a recording${without}`, () => {
  let home: string
  let parley: ParleyProcess
  let client: ConsoleClient
  let transcribes: TranscriberServer
  let model: ScriptedOpenAi
  let note: Buffer

  beforeAll(async () => {
    home = await temporaryHome()
    note = voiceNote(speak(question))
    transcribes = await startTranscriber({ transcribe: pocketsphinxTranscribes })
    model = await startScriptedOpenAi({
      script: ({ body }) => ({ tokens: [`You asked ${questionTextOf(body).length} characters. `, 'At nine.'] }),
    })
    parley = await startParley(home, { TRANSCRIBE_URL: transcribes.url, OPENAI_BASE_URL: model.url })
    client = new ConsoleClient(parley.url)
  })
  afterAll(async () => {
    await parley?.[Symbol.asyncDispose]()
    await transcribes?.close()
    await model?.close()
    if (home) await removeHome(home)
  })

  it('that the asker speaks is the question: the reply begins with what was heard, and answers it', async () => {
    const made = await run(['src/cli.ts', 'admin', 'keys', 'create', 'voice', '5', 'month'], environment(home))
    const [apiKey] = /parley-[\w-]{20,}/.exec(made.stdout) ?? []
    const openai = new OpenAI({ baseURL: `${parley.url}/v1`, apiKey, maxRetries: 0 })
    const data = Buffer.from(speak(question)).toString('base64')
    const { choices } = await openai.chat.completions.create({
      model: 'parley',
      messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data, format: 'wav' } }] }],
    })
    expect(choices[0]?.message.content).toMatch(/^> \*Heard:\* .*meeting.*morning.*\n\nYou asked/)
    expect(choices[0]?.message.content).toContain('At nine.')
    const asked = questionTextOf(model.requests.at(-1)?.body)
    expect(asked).toMatch(/meeting.*morning/)
    expect(asked).not.toContain('without a question')
  })

  it('that is attached without words is content, however short, because the speaker is unknown', async () => {
    const reply = await client.ask('', [await client.upload('voice.ogg', note, 'audio/ogg')])
    expect(reply.text).not.toContain('*Heard:*')
    expect(reply.receipt.attachments).toMatchObject([
      { outcome: 'read', summary: expect.stringMatching(/^0:0\d transcribed \(en\)$/), mediaType: 'audio/ogg' },
    ])
    const asked = questionTextOf(model.requests.at(-1)?.body)
    expect(asked).toMatch(/<passage[^>]*>[^<]*meeting.*morning[^<]*<\/passage>/s)
    expect(asked.trimEnd()).toMatch(/I sent these files without a question\.[^<]*$/)
  })

  it('beside a file is one of the files', async () => {
    const minutes = 'The meeting with the doctor is in room four.\n'
    const uploads = [
      await client.upload('voice.ogg', note, 'audio/ogg'),
      await client.upload('plan.txt', minutes, 'text/plain'),
    ]
    const reply = await client.ask('', uploads)
    expect(reply.receipt.attachments.map(({ outcome }) => outcome)).toEqual(['read', 'read'])
    expect(questionTextOf(model.requests.at(-1)?.body)).toContain('room four')
  })

  it('sent a second time is not heard a second time', async () => {
    const before = transcribes.asked.length
    const reply = await client.ask('', [await client.upload('again.ogg', note, 'audio/ogg')])
    expect(reply.receipt.attachments).toMatchObject([{ outcome: 'read' }])
    expect(transcribes.asked.length).toBe(before)
  })

  it('with a written question is what is asked about', async () => {
    const reply = await client.ask('What is said in this recording?', [
      await client.upload('call.ogg', note, 'audio/ogg'),
    ])
    expect(reply.text).not.toContain('*Heard:*')
    const asked = questionTextOf(model.requests.at(-1)?.body)
    expect(asked).toContain('What is said in this recording?')
    expect(asked).toMatch(/source="1:m0"|meeting/)
  })

  it('a playlist in the clothes of a recording reaches nothing', async () => {
    const before = transcribes.asked.length
    const list = `#EXTM3U\n#EXTINF:10.0,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n`
    const reply = await client.ask('What is in it?', [await client.upload('song.m3u8', list, 'audio/mpegurl')])
    expect(reply.state).toBe('done')
    expect(transcribes.asked.length).toBe(before)
  })

  it('the terminal hears a recording too, and the doctor tells what hears', async () => {
    const { writeFile } = await import('node:fs/promises')
    await writeFile(`${home}/voice.ogg`, note)
    const asked = await run(['src/cli.ts', 'ask', '--json', `${home}/voice.ogg`, 'What is asked?'], environment(home))
    expect(asked.code).toBe(0)
    expect(JSON.parse(asked.stdout).receipts[0].summary).toContain('transcribed')
    const doctor = await run(['src/cli.ts', 'doctor'], environment(home))
    expect(doctor.stdout).toMatch(/✓ ffmpeg: ffmpeg \d/)
    expect(doctor.stdout).toMatch(/✓ transcription: whisper-1 at 127\.0\.0\.1:\d+/)
  })
})

const withoutFfmpeg = lacking('ffmpeg')

describe.skipIf(withoutFfmpeg)(`where nothing hears${withoutFfmpeg}`, () => {
  it('a voice note gets a sentence with the next step, and the next turn works', async () => {
    const home = await temporaryHome()
    const parley = await startParley(home)
    try {
      const client = new ConsoleClient(parley.url)
      const tone = generate(['sine=duration=2'], [], 'voice.mp3')
      const thread = randomUUID()
      const { turnId } = await client.send(thread, '', [await client.upload('voice.mp3', tone, 'audio/mpeg')])
      const reply = await client.reply(thread, turnId)
      expect(reply.text).toMatch(/voice\.mp3 is a recording.*TRANSCRIBE_URL/)
      expect(reply.receipt.attachments).toMatchObject([{ outcome: 'skipped' }])
      const next = await client.ask('Where is the key?', [await client.upload('note.txt', 'The key is under the mat.')])
      expect(next.text).toContain('under the mat')
    } finally {
      await parley[Symbol.asyncDispose]()
      await removeHome(home)
    }
  })
})

describe.skipIf(withoutFfmpeg)(`a video in the console${withoutFfmpeg}`, () => {
  it('gives a model that sees its key frames and what is said, cited by its time', async () => {
    const home = await temporaryHome()
    const transcribes = await startTranscriber({
      transcribe: async () => ({
        segments: [{ text: 'The pump is behind the boiler.', start: 1, end: 3 }],
        language: 'en',
      }),
    })
    const model = await startScriptedOpenAi({
      models: [{ id: 'gpt-5-mini' }],
      script: () => ({ tokens: ['Behind the boiler [1:m1].'] }),
    })
    const parley = await startParley(home, { TRANSCRIBE_URL: transcribes.url, OPENAI_BASE_URL: model.url })
    try {
      const client = new ConsoleClient(parley.url)
      const sources = ['color=red:d=3:s=320x240', 'color=blue:d=3:s=320x240', 'sine=frequency=300:duration=6']
      const joined = ['-filter_complex', '[0][1]concat=n=2[v]', '-map', '[v]', '-map', '2:a']
      const video = generate(sources, joined, 'tour.mp4')
      const reply = await client.ask('Where is the pump?', [await client.upload('tour.mp4', video, 'video/mp4')])
      expect(reply.text).toBe('Behind the boiler [1].')
      expect(reply.citations).toMatchObject([
        { source: { title: 'tour.mp4' }, at: { kind: 'time', fromMs: 1_000, toMs: 3_000 } },
      ])
      expect(reply.receipt.attachments).toMatchObject([
        { outcome: 'read', summary: expect.stringMatching(/^0:06 transcribed \(en\), \d+ pictures$/) },
      ])
      const body = JSON.stringify(model.requests.at(-1)?.body)
      expect(body).toContain('The pump is behind the boiler.')
      expect(body.match(/data:image\/jpeg;base64,/g)?.length).toBeGreaterThanOrEqual(2)
    } finally {
      await parley[Symbol.asyncDispose]()
      await Promise.all([transcribes.close(), model.close()])
      await removeHome(home)
    }
  })
})
