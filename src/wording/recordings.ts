/** Every sentence that people read about a recording or a video: what was transcribed, what was not, and why. */
import { clock } from '../core/artifact.ts'

const shareAgain = 'Share it again to get all of it transcribed.'

export const recordingWording = {
  noRecording: 'This file is not a recording. Send audio or video in a format that Parley reads.',
  /** One line under an answer: "12 min transcribed (en), 8 pictures", "0:24 transcribed", "no speech". */
  receipt: (heard: {
    durationMs: number
    speech: boolean
    language: string | undefined
    pictures: number | undefined
  }) =>
    [
      [
        lengthOf(heard.durationMs),
        heard.speech ? 'transcribed' : 'no speech',
        heard.language === undefined ? '' : `(${heard.language})`,
      ]
        .filter(Boolean)
        .join(' '),
      ...(heard.pictures === undefined ? [] : [`${heard.pictures} picture${heard.pictures === 1 ? '' : 's'}`]),
    ].join(', '),

  noTranscriber: (name: string) =>
    `${name} is a recording, but transcription is not set up. Share a transcript as text, or ask an admin to set TRANSCRIBE_URL.`,
  nothingInside: (name: string) =>
    `${name} contains neither sound nor moving pictures. Check the file and share it again.`,
  damaged: (name: string) =>
    `${name} is damaged, incomplete or not a recording, and ffmpeg cannot read it. Share it again, or convert it to mp3 or mp4 first.`,
  noSound: (name: string) => `${name} has no sound. Only its pictures were read.`,
  picturesNeedFfmpeg: (name: string) =>
    `The pictures in ${name} were not read because ffmpeg is not installed. Ask an admin to install it or set FFMPEG_PATH.`,
  platformTranscript: (why: string) => `${why} Parley used the transcript that came with the message.`,

  incomplete: (name: string) => `${name} is incomplete and ends abruptly. ${shareAgain}`,
  shorterThanExpected: (name: string, { durationMs, expectedMs }: { durationMs: number; expectedMs: number }) =>
    `Only the first ${clock(durationMs)} of ${clock(expectedMs)} of ${name} was transcribed, because the rest is missing or unreadable. ${shareAgain}`,
  serverLeftOut: (name: string, heardMs: number, durationMs: number) =>
    `The transcription server transcribed only about ${clock(heardMs)} of ${clock(durationMs)} of ${name}. Ask an admin to check the server's limits.`,
  timeLimit: (name: string, mostMs: number, durationMs: number) =>
    `Only the first ${clock(mostMs)} of ${clock(durationMs)} of ${name} was transcribed. An admin can raise the limit.`,
  textLimit: (name: string, untilMs: number, durationMs: number | undefined) =>
    `Only the first ${clock(untilMs)}${durationMs === undefined ? '' : ` of ${clock(durationMs)}`} of ${name} was read because of the limit on text.`,
  /** The reason is a sentence of its own. */
  brokeOff: (name: string, untilMs: number, durationMs: number | undefined) =>
    `Only the first ${clock(untilMs)}${durationMs === undefined ? '' : ` of ${clock(durationMs)}`} of ${name} was transcribed.`,

  ffmpegNotInstalled:
    'ffmpeg is not installed on the machine that runs Parley. Ask an admin to install it (for example with apt-get install ffmpeg or brew install ffmpeg) or to set FFMPEG_PATH.',
  ffmpegPathWrong:
    'FFMPEG_PATH does not point to a working ffmpeg with ffprobe beside it. Ask an admin to set it to the ffmpeg program.',

  serverUnreachable:
    'The transcription server does not answer. Try again in a minute. If that does not help, ask an admin to check TRANSCRIBE_URL.',
  serverBusy: 'The transcription server is busy. Try again in a minute.',
  serverRefusedKey: 'The transcription server rejects its key. Ask an admin to check TRANSCRIBE_API_KEY.',
  serverRejected: (status: number) =>
    `The transcription server rejected this recording (status ${status}). Share it as mp3, or ask an admin to check TRANSCRIBE_URL and TRANSCRIBE_MODEL.`,

  /** For `doctor`. */
  server: (model: string, host: string) => `${model} at ${host}`,
  serverWithoutModel: (model: string, host: string) => `${model} at ${host}, which does not list that model`,
}

function lengthOf(ms: number): string {
  if (ms >= 600_000) return `${Math.round(ms / 60_000)} min`
  return ms > 0 ? clock(ms) : ''
}
