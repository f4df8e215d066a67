/** A recording of an hour whose worker is killed midway: what was transcribed stays, and only the rest is asked for. */
import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { generate, lacking } from '../fixtures/speech.ts'
import { startTranscriber } from '../servers/transcriber.ts'
import { ConsoleClient, removeHome, startParley, temporaryHome } from './parley.ts'

const without = lacking('ffmpeg')

it.skipIf(without)(
  `an hour that is transcribed when Parley is killed is not transcribed from the start${without}`,
  async () => {
    // The tone rises, so that no piece sounds like another.
    const hour = generate(
      ['aevalsrc=0.3*sin(2*PI*t*(200+0.05*t)):s=8000:d=3600'],
      ['-c:a', 'adpcm_ima_wav'],
      'hour.wav',
    )
    let mayAnswer = (piece: number) => piece <= 4
    const held = Promise.withResolvers<void>()
    const seventhAsked = Promise.withResolvers<void>()
    const transcriber = await startTranscriber({
      async transcribe(_, { name }) {
        const piece = Number(/\d+/.exec(name)?.[0])
        if (!mayAnswer(piece)) {
          if (piece >= 7) seventhAsked.resolve()
          await held.promise
        }
        return { segments: [{ text: `This is piece ${piece}.`, start: 10, end: 12 }], language: 'en' }
      },
    })
    const home = await temporaryHome()
    try {
      // Three pieces are asked for at once, so the seventh is asked for when four are stored.
      const first = await startParley(home, { TRANSCRIBE_URL: transcriber.url })
      const client = new ConsoleClient(first.url)
      const threadId = randomUUID()
      const { turnId } = await client.send(threadId, 'What is said?', [
        await client.upload('hour.wav', hour, 'audio/wav'),
      ])
      await seventhAsked.promise
      await first.kill('SIGKILL')
      const before = new Set(transcriber.asked.map(({ name }) => name))
      expect([...before].toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7].map((piece) => `piece-${piece}.wav`))
      transcriber.asked.length = 0
      mayAnswer = () => true
      held.resolve()
      await using second = await startParley(home, { TRANSCRIBE_URL: transcriber.url })
      const reply = await new ConsoleClient(second.url).reply(threadId, turnId, 120_000)
      const after = transcriber.asked.map(({ name }) => Number(/\d+/.exec(name)?.[0])).toSorted((a, b) => a - b)
      expect(after).toEqual(Array.from({ length: after.length }, (_, place) => place + 5))
      expect(after.length).toBeGreaterThan(6)
      expect(reply.receipt.attachments).toMatchObject([{ outcome: 'read', summary: '60 min transcribed (en)' }])
    } finally {
      await transcriber.close()
      await removeHome(home)
    }
  },
  240_000,
)
