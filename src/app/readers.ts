/** What reads files, pictures and recordings. A part of the composition root. */
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import { omitUndefined } from '../core/omit-undefined.ts'
import { createReader } from '../media/create-reader.ts'
import { createFfmpeg } from '../media/providers/ffmpeg.ts'
import { createAsrTranscriber } from '../media/providers/transcribe-asr.ts'
import { createOpenAiTranscriber } from '../media/providers/transcribe-openai.ts'
import { findRecognizer } from '../media/recognizer.ts'
import { withRecordings } from '../media/recording-reader.ts'
import type { Transcriber } from '../media/transcriber.ts'

/** `transcriber`: another than the configured one. */
export async function openReaders(config: Config, log: Log, transcriber = openTranscriber(config, log)) {
  const ffmpeg = createFfmpeg({ concurrency: config.turns.readers, ...omitUndefined({ path: config.ffmpegPath }) })
  const files = createReader({
    limits: config.reading,
    log,
    concurrency: config.turns.readers,
    ...omitUndefined({ recognizer: await findRecognizer() }),
  })
  const recordings = { ffmpeg, limits: config.reading, ...omitUndefined({ transcriber }) }
  return { ffmpeg, transcriber, reader: withRecordings(files, recordings) }
}

function openTranscriber({ transcriber }: Config, log: Log): Transcriber | undefined {
  if (transcriber === undefined) return undefined
  if (transcriber.dialect === 'asr') return createAsrTranscriber(transcriber)
  const { url, ...rest } = transcriber
  return createOpenAiTranscriber({ baseUrl: url, ...rest, log })
}
