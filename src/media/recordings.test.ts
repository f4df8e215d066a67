/** Voice notes, recordings and videos as people send them, made by ffmpeg and flite. */
import { afterEach, describe, expect, it } from 'vitest'
import { recordingRig } from '../../test/fixtures/recording-rig.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { encode, generate, lacking, speak, voiceNote } from '../../test/fixtures/speech.ts'
import {
  pocketsphinxTranscribes,
  startTranscriber,
  type Transcribed,
  type TranscriberServer,
} from '../../test/servers/transcriber.ts'
import { silentLog } from '../core/log.ts'
import { recordingWording } from '../wording/recordings.ts'
import { createFfmpeg } from './providers/ffmpeg.ts'
import { createAsrTranscriber } from './providers/transcribe-asr.ts'
import { createOpenAiTranscriber } from './providers/transcribe-openai.ts'
import { describeReading, isPermanent } from './receipt.ts'

const withoutFfmpeg = lacking('ffmpeg')
const withoutSpeech = lacking('ffmpeg', 'flite', 'pocketsphinx_continuous')
const noFfmpeg = createFfmpeg({ path: '/nowhere/ffmpeg' })
const hello: Transcribed = { segments: [{ text: 'Hello there.', start: 0.2, end: 1.4 }], language: 'en' }
/** How much of `spoken` was heard: pocketsphinx mistakes about a word in eight. */
function recall(spoken: string, segments: { text: string }[]): number {
  const words = (text: string): string[] => text.toLowerCase().match(/[a-z']+/g) ?? []
  const transcription = words(segments.map(({ text }) => text).join(' '))
  const all = words(spoken)
  return all.filter((word) => transcription.includes(word)).length / all.length
}
const attachment = { id: 'a', name: 'the file', mediaType: '', voiceNote: false, locator: null }

let server: TranscriberServer
afterEach(() => server?.close())

async function transcribing(transcribe: (audio: Uint8Array) => Promise<Transcribed> = async () => hello) {
  server = await startTranscriber({ transcribe })
  return createOpenAiTranscriber({ baseUrl: server.url, model: 'whisper-1', backoffMs: 1, log: silentLog })
}

const tone = (seconds: number, output: string, args: string[] = []) =>
  generate([`sine=frequency=300:duration=${seconds}`], args, output)

describe.skipIf(withoutSpeech)(`speech${withoutSpeech}`, () => {
  const sentence = 'The meeting starts at nine in the morning. Please bring the blue book with you.'

  it.each(['openai', 'asr'] as const)('a voice note of 24 kbit/s is heard (%s)', async (dialect) => {
    const openai = await transcribing(pocketsphinxTranscribes)
    const transcriber = dialect === 'openai' ? openai : createAsrTranscriber({ url: server.asrUrl })
    using rig = recordingRig({ transcriber })
    const artifact = await rig.reader.read(rig.files.share('voice.ogg', voiceNote(speak(sentence))), watched())
    expect(recall(sentence, artifact.segments)).toBeGreaterThan(0.7)
    expect(artifact).toMatchObject({ mediaType: 'audio/ogg', language: 'en', problems: [] })
    expect(artifact.segments[0]?.at).toMatchObject({ kind: 'time' })
    expect(describeReading(attachment, artifact)).toMatchObject({
      outcome: 'read',
      summary: expect.stringMatching(/^0:0\d transcribed \(en\)$/),
    })
  })

  it('a minute in two voices, cut into overlapping pieces, has each sentence once', async () => {
    const parts = [
      ['The red car is parked behind the house.', 'slt'],
      ['My sister works in a hospital near the river.', 'rms'],
      ['We bought seven apples and a bottle of milk.', 'slt'],
      ['The train to the city leaves every morning.', 'rms'],
    ] as const
    const wavs = parts.map(([text, voice]) => speak(text, voice))
    const pads = wavs.map((_, place) => `[${place}:a]aresample=16000,apad=pad_dur=1.2[p${place}]`).join(';')
    const joined = `${pads};${wavs.map((_, place) => `[p${place}]`).join('')}concat=n=${wavs.length}:v=0:a=1`
    const recording = encode(wavs, ['-filter_complex', joined], 'talk.flac')
    using rig = recordingRig({
      transcriber: await transcribing(pocketsphinxTranscribes),
      plan: { pieceMs: 6_000, overlapMs: 1_000 },
    })
    const artifact = await rig.reader.read(rig.files.share('talk.flac', recording), watched())
    const text = artifact.segments.map((segment) => segment.text).join(' ')
    expect(server.asked.length).toBeGreaterThan(2)
    expect(recall(parts.map(([sentence]) => sentence).join(' '), artifact.segments)).toBeGreaterThan(0.7)
    for (const word of ['car', 'sister', 'hospital', 'apples', 'milk', 'train'])
      expect([word, text.split(word).length - 1 <= 1]).toEqual([word, true])
  })
})

describe.skipIf(withoutFfmpeg)(`recordings${withoutFfmpeg}`, () => {
  it.each(['mp3', 'm4a', 'wav', 'ogg', 'flac', 'opus', 'webm'])('%s is sent unchanged', async (extension) => {
    using rig = recordingRig({ transcriber: await transcribing() })
    const bytes = tone(2, `tone.${extension}`)
    const artifact = await rig.reader.read(rig.files.share(`tone.${extension}`, bytes), watched())
    expect(artifact).toMatchObject({
      segments: [{ text: 'Hello there.', at: { kind: 'time', fromMs: 200, toMs: 1_400 } }],
      problems: [],
    })
    expect(artifact.mediaType).toMatch(/^audio\//)
    expect(server.asked).toMatchObject([{ bytes: bytes.length }])
  })

  it.each(['aac', 'aiff', 'mkv', 'amr'])('%s is decoded for the server', async (extension) => {
    const args = extension === 'amr' ? ['-ar', '8000', '-ac', '1', '-c:a', 'libopencore_amrnb'] : []
    let bytes: Buffer
    try {
      bytes = tone(2, `tone.${extension}`, args)
    } catch {
      return expect(extension).toBe('amr')
    }
    using rig = recordingRig({ transcriber: await transcribing() })
    const artifact = await rig.reader.read(rig.files.share(`tone.${extension}`, bytes), watched())
    expect(artifact.segments).toHaveLength(1)
    expect(server.asked).toMatchObject([{ name: 'piece-1.wav', mediaType: 'audio/wav' }])
  })

  it('silence is never sent to the server', async () => {
    using rig = recordingRig({ transcriber: await transcribing() })
    const silence = generate(['anullsrc=d=3'], [], 'silence.aiff')
    const artifact = await rig.reader.read(rig.files.share('silence.aiff', silence), watched())
    expect(artifact.segments).toEqual([])
    expect(server.asked).toEqual([])
  })

  it('a truncated ogg is transcribed as far as possible and reported as incomplete', async () => {
    using rig = recordingRig({ transcriber: await transcribing() })
    const bytes = tone(20, 'voice.ogg')
    const request = rig.files.share('voice.ogg', bytes.subarray(0, bytes.length / 2))
    const artifact = await rig.reader.read(request, watched())
    expect(artifact.segments).toHaveLength(1)
    expect(artifact.problems).toMatchObject([
      { code: 'recording_cut_off', userMessage: recordingWording.incomplete('voice.ogg') },
    ])
    expect(describeReading(attachment, artifact).outcome).toBe('partly')
  })

  it('a recording shorter than the platform says is reported as incomplete', async () => {
    using rig = recordingRig({ transcriber: await transcribing(async () => ({ ...hello, duration: 10 })) })
    const request = { ...rig.files.share('voice.mp3', tone(10, 'voice.mp3')), durationMs: 20_000 }
    const { problems } = await rig.reader.read(request, watched())
    expect(problems).toMatchObject([
      {
        code: 'recording_cut_off',
        userMessage: recordingWording.shorterThanExpected('voice.mp3', { durationMs: 10_000, expectedMs: 20_000 }),
      },
    ])
  })

  it("the platform's transcript is used when no transcriber is configured", async () => {
    using rig = recordingRig({ ffmpeg: noFfmpeg })
    const request = {
      ...rig.files.share('voice.mp3', tone(2, 'voice.mp3')),
      durationMs: 2_000,
      transcript: 'Call me back.',
    }
    const artifact = await rig.reader.read(request, watched())
    expect(artifact).toMatchObject({
      segments: [{ text: 'Call me back.', at: { kind: 'time', fromMs: 0, toMs: 2_000 } }],
      problems: [],
    })
    expect((await rig.reader.identify(request)).engine).toBe('recording-1/platform')
  })

  it("the platform's transcript is used once when the server is away", async () => {
    using rig = recordingRig({ transcriber: await transcribing() })
    await server.close()
    const request = { ...rig.files.share('voice.mp3', tone(2, 'voice.mp3')), transcript: 'Call me back.' }
    const artifact = await rig.reader.read(request, watched())
    expect(artifact.segments).toMatchObject([{ text: 'Call me back.' }])
    expect(artifact.problems).toMatchObject([{ code: 'transcriber_unreachable' }])
    expect(isPermanent(artifact)).toBe(false)
  })

  it('without a transcriber or a transcript, the message says what to do', async () => {
    using rig = recordingRig()
    await expect(rig.reader.read(rig.files.share('voice.mp3', tone(2, 'voice.mp3')), watched())).rejects.toMatchObject({
      code: 'transcriber_missing',
      userMessage: recordingWording.noTranscriber('voice.mp3'),
    })
  })

  it('without ffmpeg, formats that the server accepts are transcribed and others say what to install', async () => {
    using rig = recordingRig({ transcriber: await transcribing(), ffmpeg: noFfmpeg })
    expect((await rig.reader.read(rig.files.share('voice.ogg', tone(2, 'voice.ogg')), watched())).problems).toEqual([])
    await expect(rig.reader.read(rig.files.share('tone.aiff', tone(2, 'tone.aiff')), watched())).rejects.toMatchObject({
      code: 'ffmpeg_missing',
      userMessage: recordingWording.ffmpegPathWrong,
    })
  })
})

describe.skipIf(withoutFfmpeg)(`real lengths${withoutFfmpeg}`, () => {
  /** Loud at first, so that its first bit rate says little about its length. */
  const loudAtFirst = ["aevalsrc='if(lt(t,20),0.5*random(0),0.0001*sin(t))':d=90:s=44100"]
  const lasting: [string, string[], string[]][] = [
    ['live.webm', ['sine=frequency=300:d=90'], ['-c:a', 'libopus', '-b:a', '16k', '-live', '1']],
    ['bare.mp3', loudAtFirst, ['-c:a', 'libmp3lame', '-q:a', '5', '-write_xing', '0']],
    ['radio.aac', loudAtFirst, ['-c:a', 'aac', '-q:a', '1']],
  ]
  it.each(lasting)(
    '%s of 1:30 does not say how long it is: what the limit left out is told',
    async (name, sources, args) => {
      using rig = recordingRig({
        transcriber: await transcribing(),
        limits: { audio: { minutes: 0.5 }, video: { minutes: 0.5 } },
      })
      const artifact = await rig.reader.read(rig.files.share(name, generate(sources, args, name)), watched())
      expect(artifact.truncated).toBe(recordingWording.timeLimit(name, 30_000, 90_000))
      expect(describeReading(attachment, artifact)).toMatchObject({
        outcome: 'partly',
        summary: expect.stringMatching(/^0:30 .*Only the first 0:30 of 1:30 of /),
      })
    },
  )

  it('a whole one without a length is not called cut off', async () => {
    using rig = recordingRig({ transcriber: await transcribing(), plan: { pieceMs: 30_000, overlapMs: 2_000 } })
    const bytes = generate(loudAtFirst, ['-c:a', 'aac', '-q:a', '1'], 'radio.aac')
    const artifact = await rig.reader.read(rig.files.share('radio.aac', bytes), watched())
    expect(artifact).toMatchObject({ problems: [] })
    expect(artifact.truncated).toBeUndefined()
    expect(Math.abs((artifact.durationMs ?? 0) - 90_000)).toBeLessThan(500)
  })

  it('a server that stops early is named, with what it transcribed', async () => {
    const stopping = async (): Promise<Transcribed> => ({ ...hello, duration: 12 })
    using rig = recordingRig({
      transcriber: await transcribing(stopping),
      plan: { pieceMs: 30_000, overlapMs: 2_000 },
    })
    const artifact = await rig.reader.read(rig.files.share('tone.aiff', tone(29, 'tone.aiff')), watched())
    expect(artifact.problems).toEqual([
      {
        code: 'transcript_incomplete',
        userMessage: recordingWording.serverLeftOut('tone.aiff', 12_000, artifact.durationMs ?? 0),
      },
    ])
    expect(describeReading(attachment, artifact).outcome).toBe('partly')
  })

  it('a video whose sound ends before its pictures is whole', async () => {
    using rig = recordingRig({ transcriber: await transcribing(async () => ({ ...hello, duration: 4 })) })
    const sources = ['color=red:d=20:s=320x180:r=5', 'sine=frequency=300:duration=4']
    const video = generate(sources, ['-map', '0:v', '-map', '1:a', '-preset', 'ultrafast'], 'clip.mp4')
    const artifact = await rig.reader.read(rig.files.share('clip.mp4', video), watched())
    expect(artifact.problems).toEqual([])
    expect(describeReading(attachment, artifact)).toMatchObject({ outcome: 'read' })
  })
})

describe.skipIf(withoutFfmpeg)(`videos${withoutFfmpeg}`, () => {
  /** Red, then green, then blue, three seconds each; a tone throughout. */
  const scenes = (output: string, args: string[] = []) =>
    generate(
      [
        'color=red:d=3:s=640x360',
        'color=green:d=3:s=640x360',
        'color=blue:d=3:s=640x360',
        'sine=frequency=300:duration=9',
      ],
      ['-filter_complex', '[0][1][2]concat=n=3[v]', '-map', '[v]', '-map', '3:a', ...args],
      output,
    )

  it.each(['mp4', 'mov', 'webm', 'mkv'])(
    '%s gives its words and a picture of each scene, with their times',
    async (extension) => {
      using rig = recordingRig({ transcriber: await transcribing() })
      const args = extension === 'webm' ? ['-c:v', 'libvpx', '-deadline', 'realtime'] : []
      const artifact = await rig.reader.read(
        rig.files.share(`clip.${extension}`, scenes(`clip.${extension}`, args)),
        watched(),
      )
      expect(artifact.segments).toMatchObject([{ text: 'Hello there.' }])
      const times = (artifact.images ?? []).map(({ at }) => (at?.kind === 'time' ? at.fromMs : -1))
      for (const second of [0, 3, 6]) expect(times.filter((ms) => Math.abs(ms - second * 1000) < 150)).toHaveLength(1)
      expect(times.length).toBeLessThanOrEqual(12)
      expect(artifact.images?.[0]).toMatchObject({ mediaType: 'image/jpeg', width: 640, height: 360 })
      expect(artifact).toMatchObject({ problems: [], mediaType: expect.stringMatching(/^video\//) })
      expect(describeReading(attachment, artifact).summary).toMatch(/^0:09 transcribed \(en\), \d+ pictures$/)
    },
  )

  it('large pictures are scaled down, and no more than the limit are kept', async () => {
    using rig = recordingRig({ transcriber: await transcribing(), limits: { video: { frames: 4 } } })
    const video = generate(['testsrc2=d=12:s=2560x1440:r=5'], ['-preset', 'ultrafast'], 'large.mp4')
    const artifact = await rig.reader.read(rig.files.share('large.mp4', video), watched())
    expect(artifact.images?.length).toBeLessThanOrEqual(4)
    expect(artifact.images?.length).toBeGreaterThan(1)
    expect(artifact.images?.[0]).toMatchObject({ width: 1568, height: 882 })
    expect(artifact.problems).toMatchObject([{ code: 'no_sound' }])
    expect(server.asked).toEqual([])
  })

  it('without ffmpeg the speech is transcribed and the pictures are reported as missing', async () => {
    using rig = recordingRig({ transcriber: await transcribing(), ffmpeg: noFfmpeg })
    const artifact = await rig.reader.read(rig.files.share('clip.mp4', scenes('clip.mp4')), watched())
    expect(artifact.segments).toHaveLength(1)
    expect(artifact.problems).toMatchObject([
      { code: 'ffmpeg_missing', userMessage: recordingWording.picturesNeedFfmpeg('clip.mp4') },
    ])
    expect(isPermanent(artifact)).toBe(false)
  })

  it('without a transcriber the pictures are kept and the message says what to set', async () => {
    using rig = recordingRig()
    const artifact = await rig.reader.read(rig.files.share('clip.mp4', scenes('clip.mp4')), watched())
    expect(artifact.images?.length).toBeGreaterThanOrEqual(3)
    expect(artifact.problems).toMatchObject([
      { code: 'transcriber_missing', userMessage: recordingWording.noTranscriber('clip.mp4') },
    ])
  })
})
