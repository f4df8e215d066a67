/** Long recordings: cut at quiet moments, heard side by side, joined so that no word is doubled or lost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recordingRig } from '../../test/fixtures/recording-rig.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { encode, lacking, voiceNote } from '../../test/fixtures/speech.ts'
import { sayTones, transcribeTones } from '../../test/fixtures/tone-speech.ts'
import { startTranscriber, type Transcribed, type TranscriberServer } from '../../test/servers/transcriber.ts'
import { silentLog } from '../core/log.ts'
import { recordingWording } from '../wording/recordings.ts'
import { limitsFor } from './limits.ts'
import { createFfmpeg } from './providers/ffmpeg.ts'
import { createOpenAiTranscriber } from './providers/transcribe-openai.ts'
import type { ReadRequest } from './reader.ts'
import { recordings, recordingType } from './recordings.ts'
import { joinSpeech } from './speech.ts'
import type { Transcription } from './transcriber.ts'

const without = lacking('ffmpeg')

/** Few words, so that the same ones stand on both sides of every cut. */
const vocabulary = 'the valve must be closed before the pump starts and the pump must be stopped before no no no'.split(
  ' ',
)
const wordOf = (index: number) => vocabulary[(index * 7 + (index >> 3)) % vocabulary.length] ?? ''
/** Six minutes: sentences of 3 to 12 words. */
const sentences = Array.from({ length: 160 }, (_, place) => 3 + ((place * 5) % 10))
const total = sentences.reduce((sum, length) => sum + length, 0)
const script = Array.from({ length: total }, (_, index) => wordOf(index))
const starts = new Set(sentences.map((_, place) => sentences.slice(0, place).reduce((sum, each) => sum + each, 0)))

/** Hears in sentences; `round` tells times in whole seconds, as some servers do. */
function scripted(round: boolean) {
  return async (audio: Uint8Array): Promise<Transcribed> => {
    const segments: Transcribed['segments'] = []
    const seconds = (ms: number) => (round ? Math.round(ms / 1000) : ms / 1000)
    for (const { index, fromMs, toMs } of transcribeTones(audio)) {
      const last = segments.at(-1)
      const word = wordOf(index)
      if (last === undefined || starts.has(index))
        segments.push({ text: word[0]?.toUpperCase() + word.slice(1), start: seconds(fromMs), end: seconds(toMs) })
      else {
        last.text += ` ${word}`
        last.end = seconds(toMs)
      }
    }
    return { segments: segments.map((each) => ({ ...each, text: `${each.text}.` })), language: 'english' }
  }
}

const wordsIn = (texts: { text: string }[]) => texts.flatMap(({ text }) => text.toLowerCase().match(/[a-z]+/g) ?? [])

/** What the container says, even where the file is cut off. */
async function durationOf({ path, name, mediaType }: ReadRequest): Promise<number> {
  const format = recordings[recordingType(mediaType) ?? (name.endsWith('.ogg') ? 'audio/ogg' : 'audio/mp4')]
  const options = { signal: new AbortController().signal, limits: limitsFor('audio') }
  return (await createFfmpeg().probe({ path, name, format }, options)).durationMs ?? 0
}

describe.skipIf(without)(`a recording of six minutes${without}`, () => {
  let server: TranscriberServer
  let round = false
  let wav: Buffer

  beforeAll(async () => {
    wav = sayTones(sentences)
    server = await startTranscriber({ transcribe: (audio) => scripted(round)(audio) })
  })
  afterAll(() => server?.close())

  const transcriber = () => createOpenAiTranscriber({ baseUrl: server.url, model: 'whisper-1', log: silentLog })

  it.each([
    ['ten seconds', 10_000, false],
    ['ten seconds, times in whole seconds', 10_000, true],
    ['half a minute', 30_000, false],
    ['a minute, times in whole seconds', 60_000, true],
    ['five minutes', 300_000, false],
  ])('cut into pieces of %s has every word once, in order', async (_, pieceMs, rounded) => {
    round = rounded
    server.asked.length = 0
    using rig = recordingRig({ transcriber: transcriber(), plan: { pieceMs, overlapMs: 2_000 } })
    const watch = watched()
    // No server takes AIFF as it is: it is decoded and cut.
    const artifact = await rig.reader.read(rig.files.share('meeting.aiff', encode([wav], [], 'meeting.aiff')), watch)
    expect(wordsIn(artifact.segments)).toEqual(script)
    expect(artifact).toMatchObject({ language: 'en', problems: [] })
    expect(Math.abs((artifact.durationMs ?? 0) - 360_000)).toBeLessThan(5_000)
    expect(server.asked.length).toBeGreaterThan(1)
    expect(server.mostAtOnce()).toBeLessThanOrEqual(3)
    const last = watch.transcription.at(-1)
    expect(last).toMatchObject({ unit: 'second', done: last?.of })
  })

  it('keeps the time of every word', async () => {
    round = false
    using rig = recordingRig({ transcriber: transcriber(), plan: { pieceMs: 20_000, overlapMs: 2_000 } })
    const artifact = await rig.reader.read(rig.files.share('meeting.ogg', voiceNote(wav)), watched())
    expect(wordsIn(artifact.segments)).toEqual(script)
    let spoken = 0
    for (const { text, at } of artifact.segments) {
      if (at.kind !== 'time') throw new Error('a segment without a time')
      const before = sentences.findIndex(
        (_, place) => sentences.slice(0, place + 1).reduce((sum, each) => sum + each, 0) > spoken,
      )
      // 300 ms a word, 600 ms after each sentence.
      expect(Math.abs(at.fromMs - (spoken * 300 + before * 600))).toBeLessThan(500)
      expect(at.toMs - at.fromMs).toBeLessThanOrEqual(45_000)
      spoken += wordsIn([{ text }]).length
    }
    expect(artifact.segments.length).toBeLessThan(25)
  })

  it('that is cut off gives what is left and says what is missing', async () => {
    const mp4 = encode([wav], ['-c:a', 'aac', '-movflags', '+faststart'], 'meeting.m4a')
    using rig = recordingRig({ transcriber: transcriber(), plan: { pieceMs: 30_000, overlapMs: 2_000 } })
    const request = rig.files.share('meeting.m4a', mp4.subarray(0, mp4.length / 2))
    const artifact = await rig.reader.read(request, watched())
    const transcription = wordsIn(artifact.segments)
    expect(transcription.length).toBeGreaterThan(total * 0.4)
    expect(transcription).toEqual(script.slice(0, transcription.length))
    expect(artifact.problems).toMatchObject([
      {
        code: 'recording_cut_off',
        userMessage: recordingWording.shorterThanExpected('meeting.m4a', {
          durationMs: artifact.durationMs ?? 0,
          expectedMs: await durationOf(request),
        }),
      },
    ])
  })

  it('over the limit is transcribed up to the limit and says so', async () => {
    using rig = recordingRig({
      transcriber: transcriber(),
      limits: { audio: { minutes: 1 } },
      plan: { pieceMs: 25_000, overlapMs: 2_000 },
    })
    const request = rig.files.share('meeting.ogg', voiceNote(wav))
    const artifact = await rig.reader.read(request, watched())
    expect(artifact.truncated).toBe(recordingWording.timeLimit('meeting.ogg', 60_000, await durationOf(request)))
    expect(wordsIn(artifact.segments)).toEqual(script.slice(0, wordsIn(artifact.segments).length))
  })

  it('keeps the first part when the transcription server fails midway', async () => {
    let pieces = 0
    const failing = await startTranscriber({
      transcribe: scripted(false),
      fail: ({ name }) => (name !== 'piece-1.wav' && ++pieces > 0 ? { status: 400 } : undefined),
    })
    const deps = { baseUrl: failing.url, model: 'whisper-1', log: silentLog, backoffMs: 1 }
    using rig = recordingRig({
      transcriber: createOpenAiTranscriber(deps),
      plan: { pieceMs: 30_000, overlapMs: 2_000 },
    })
    const request = rig.files.share('meeting.ogg', voiceNote(wav))
    const artifact = await rig.reader.read(request, watched())
    const transcribedMs = artifact.durationMs ?? 0
    expect(Math.abs(transcribedMs - 25_000)).toBeLessThan(5_000)
    expect(artifact.truncated).toBe(recordingWording.brokeOff('meeting.ogg', transcribedMs, await durationOf(request)))
    expect(artifact.problems).toMatchObject([{ code: 'transcriber_rejected' }])
    expect(wordsIn(artifact.segments).length).toBeGreaterThan(30)
    await failing.close()
  })
})

describe.skipIf(without)(`a recording whose reading breaks off${without}`, () => {
  const pieces = (server: TranscriberServer) => server.asked.map(({ name }) => Number(/\d+/.exec(name)?.[0]))
  const plan = { pieceMs: 30_000, overlapMs: 2_000 }

  it('goes on with the pieces that are not transcribed yet, with the same words', async () => {
    const wav = sayTones(sentences)
    let failing = true
    const server = await startTranscriber({
      transcribe: scripted(false),
      fail: ({ name }) => (failing && name === 'piece-6.wav' ? { status: 503 } : undefined),
    })
    const transcriber = createOpenAiTranscriber({
      baseUrl: server.url,
      model: 'whisper-1',
      log: silentLog,
      backoffMs: 1,
    })
    using rig = recordingRig({ transcriber, plan })
    const request = rig.files.share('meeting.aiff', encode([wav], [], 'meeting.aiff'))
    const kept = new Map<string, Transcription>()
    const parts = {
      load: async () => kept,
      save: async (part: string, heard: Transcription) => void kept.set(part, heard),
    }
    const broken = await rig.reader.read(request, { ...watched(), parts })
    expect(broken.truncated).toMatch(/^Only the first 2:\d\d of 6:\d\d of meeting.aiff was transcribed\.$/)
    const first = new Set(pieces(server))
    failing = false
    server.asked.length = 0
    const whole = await rig.reader.read(request, { ...watched(), parts })
    expect(wordsIn(whole.segments)).toEqual(script)
    expect(pieces(server)[0]).toBe(6)
    expect(pieces(server).filter((piece) => first.has(piece) && piece < 6)).toEqual([])
    server.asked.length = 0
    await rig.reader.read(request, { ...watched(), parts })
    expect(server.asked).toEqual([])
    await server.close()
  })

  it('is transcribed anew where another recording has the name', async () => {
    const server = await startTranscriber({ transcribe: scripted(false) })
    const transcriber = createOpenAiTranscriber({ baseUrl: server.url, model: 'whisper-1', log: silentLog })
    using rig = recordingRig({ transcriber, plan })
    const kept = new Map<string, Transcription>()
    const parts = {
      load: async () => kept,
      save: async (part: string, heard: Transcription) => void kept.set(part, heard),
    }
    const read = (from: number[]) =>
      rig.reader.read(rig.files.share('note.aiff', encode([sayTones(from)], [], 'note.aiff')), { ...watched(), parts })
    await read([5, 5])
    await read([5, 6])
    expect(server.asked).toHaveLength(2)
    await read([5, 5])
    expect(server.asked).toHaveLength(2)
    await server.close()
  })
})

describe('joining', () => {
  const piece = (fromMs: number, toMs: number, cutMs: number, text: string) => ({
    fromMs,
    toMs,
    cutMs,
    segments: [{ text, fromMs, toMs }],
  })

  it('takes the words at a cut from the piece that has them whole', () => {
    const joined = joinSpeech([
      piece(0, 12_000, 10_000, 'We met at ten in the cellar and looked for the spare key because the lo'),
      piece(8_000, 20_000, 20_000, 'ked for the spare key because the lock was broken.'),
    ])
    expect(joined.map(({ text }) => text).join(' ')).toBe(
      'We met at ten in the cellar and looked for the spare key because the lock was broken.',
    )
  })

  it('joins scripts without spaces', () => {
    const joined = joinSpeech([
      piece(0, 12_000, 10_000, '我们今天讨论了预算和新的项目计划'),
      piece(8_000, 20_000, 20_000, '新的项目计划需要更多时间。'),
    ])
    expect(joined.map(({ text }) => text).join('')).toBe('我们今天讨论了预算和新的项目计划需要更多时间。')
  })

  it('uses each piece on its own side of the cut when they share no word', () => {
    const joined = joinSpeech([
      piece(0, 4_000, 2_000, 'one two three four'),
      piece(0, 4_000, 4_000, 'eins zwei drei vier'),
    ])
    expect(joined.map(({ text }) => text).join(' ')).toBe('one two drei vier')
  })
})
