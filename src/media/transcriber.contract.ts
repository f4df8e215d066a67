/** Tests that every transcriber must pass, whichever server it talks to. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recordingWording } from '../wording/recordings.ts'
import type { Transcriber } from './transcriber.ts'

export interface TranscriberRig {
  transcriber: Transcriber
  /** The transcript that the server returns for every recording. */
  says(segments: { text: string; start: number; end: number }[]): void
  /** The server answers the next requests with these statuses. */
  fails(...statuses: number[]): void
  /** Holds every answer back until the rig closes. */
  hangs(): void
  /** How many requests the server received. */
  requestCount(): number
  /** Stops the server. */
  goes(): Promise<void>
  close(): Promise<void>
}

export function transcriberContract(name: string, openRig: () => Promise<TranscriberRig>): void {
  describe(`transcriber: ${name}`, () => {
    let rig: TranscriberRig
    const signal = new AbortController().signal
    const recording = { bytes: new Uint8Array(2_000), name: 'recording.ogg', mediaType: 'audio/ogg', durationMs: 4_000 }

    beforeEach(async () => {
      rig = await openRig()
    })
    afterEach(() => rig?.close())

    it('a transcript has its times in milliseconds and its language', async () => {
      rig.says([
        { text: ' Good morning.', start: 0.5, end: 1.25 },
        { text: ' Where is the key?', start: 1.5, end: 3 },
      ])
      expect(await rig.transcriber.transcribe(recording, { signal })).toEqual({
        segments: [
          { text: 'Good morning.', fromMs: 500, toMs: 1_250 },
          { text: 'Where is the key?', fromMs: 1_500, toMs: 3_000 },
        ],
        language: 'en',
        durationMs: 4_000,
      })
    })

    it('silence gives no segments', async () => {
      rig.says([])
      expect((await rig.transcriber.transcribe(recording, { signal })).segments).toEqual([])
    })

    it('a busy server is asked again', async () => {
      rig.says([{ text: 'Hello.', start: 0, end: 1 }])
      rig.fails(429, 503)
      expect((await rig.transcriber.transcribe(recording, { signal })).segments).toHaveLength(1)
      expect(rig.requestCount()).toBe(3)
    })

    it.each([
      [429, 'transcriber_busy', 3],
      [500, 'transcriber_unreachable', 3],
      [401, 'transcriber_refused_key', 1],
      [413, 'transcriber_rejected', 1],
    ])('status %i becomes %s after %i tries', async (status, code, tries) => {
      rig.fails(...Array.from({ length: 10 }, () => status))
      await expect(rig.transcriber.transcribe(recording, { signal })).rejects.toMatchObject({ code })
      expect(rig.requestCount()).toBe(tries)
    })

    it('a missing server is unreachable, and the message says what to check', async () => {
      await rig.goes()
      const unreachable = { code: 'transcriber_unreachable', userMessage: recordingWording.serverUnreachable }
      await expect(rig.transcriber.transcribe(recording, { signal })).rejects.toMatchObject(unreachable)
      await expect(rig.transcriber.check(signal)).rejects.toMatchObject(unreachable)
    })

    it('abort ends the wait with its reason', async () => {
      rig.hangs()
      const stop = new AbortController()
      const transcribing = rig.transcriber.transcribe(recording, { signal: stop.signal })
      setTimeout(() => stop.abort(new Error('enough')), 20)
      await expect(transcribing).rejects.toThrow('enough')
    })

    it("`check` names the server's address", async () => {
      expect(await rig.transcriber.check(signal)).toMatch(/127\.0\.0\.1:\d+/)
    })
  })
}
