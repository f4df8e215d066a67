/**
 * Runs the installed ffmpeg and ffprobe within limits, and kills them on abort. A run may open its one input file and
 * nothing else: only the demuxers of its container (no playlists or concat lists) and only the `file`
 * protocol are allowed, and the environment is empty.
 */

import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { createSemaphore } from '../../core/semaphore.ts'
import { recordingWording } from '../../wording/recordings.ts'
import { giveWay, guard } from '../guard.ts'
import type { Limits } from '../limits.ts'
import type { RecordingFormat } from '../recordings.ts'

export interface FfmpegInput {
  path: string
  /** The sender's name for it, for messages. */
  name: string
  format: RecordingFormat
}

export interface RunOptions {
  signal: AbortSignal
  limits: Pick<Limits, 'seconds' | 'memoryMb'>
}

export interface Probe {
  audio: boolean
  /** A moving picture; an album cover does not count. */
  video: boolean
  /** According to the container, so a truncated file may be shorter; measured where the container does not say. */
  durationMs: number | undefined
  /** Of the sound alone, where the container says it: it may end before the pictures. */
  soundMs?: number | undefined
}

export interface Run {
  output: Readable
  /** Resolves when ffmpeg has ended: `complete` with exit code 0. Rejects when a limit or abort ended it. */
  ended: Promise<{ complete: boolean; peakBytes: number }>
  kill(): unknown
}

export interface Ffmpeg {
  /** "ffmpeg 5.1.9". Throws `ffmpeg_missing`. */
  version(): Promise<string>
  /** Throws `ffmpeg_missing`, `file_damaged`, `file_too_slow` or `file_too_hungry`. */
  probe(input: FfmpegInput, options: RunOptions): Promise<Probe>
  /** Runs `ffmpeg <input> …args`; `onLine` receives each line of standard error. */
  run<T>(
    input: FfmpegInput,
    task: { before?: readonly string[]; args: readonly string[]; onLine?(line: string): void },
    options: RunOptions,
    use: (run: Run) => Promise<T>,
  ): Promise<T>
}

const Streams = z.object({
  streams: z
    .array(
      z.object({
        codec_type: z.string().optional(),
        duration: z.coerce.number().optional().catch(undefined),
        disposition: z.object({ attached_pic: z.number().optional() }).optional(),
      }),
    )
    .default([]),
  format: z.object({ duration: z.coerce.number().optional().catch(undefined) }).optional(),
})

const baseOptions = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'info']
/** A probe of a sound file takes 60 ms; one that takes this long is stuck. */
const probeSeconds = 20
/** ffprobe guesses the length of a file without one from its first bit rate, which may be wrong by several times. */
const guessed = /Estimating duration from bitrate/

/** `path`: ffmpeg itself or its folder; by default the one on PATH. `concurrency`: runs at once. */
export function createFfmpeg({ path, concurrency = 2 }: { path?: string; concurrency?: number } = {}): Ffmpeg {
  const semaphore = createSemaphore(concurrency)
  const programs = new Map<string, Promise<string>>()

  function program(name: 'ffmpeg' | 'ffprobe'): Promise<string> {
    const found = programs.get(name) ?? find(name, path)
    programs.set(name, found)
    // A later call finds a program installed meanwhile.
    found.catch(() => programs.delete(name))
    return found
  }

  async function start(name: 'ffmpeg' | 'ffprobe', args: readonly string[], file: string, options: RunOptions) {
    options.signal.throwIfAborted()
    return launch(await program(name), args, file, options)
  }

  /** Seconds, by reading the file without decoding it. Undefined if that takes too long. */
  async function measure(input: FfmpegInput, options: RunOptions): Promise<number | undefined> {
    const copy = ['-map', '0:a:0?', '-map', '0:V:0?', '-c', 'copy', '-f', 'null', '-progress', 'pipe:1', '-']
    const line = [...baseOptions, ...only(input), '-i', source(input), ...copy]
    try {
      const run = await start('ffmpeg', line, input.name, options)
      const [progress] = await Promise.all([lastOf(run.output), run.ended])
      const microseconds = Number(/out_time_us=(\d+)(?![\s\S]*out_time_us=\d)/.exec(progress)?.[1] ?? 0)
      return microseconds > 0 ? microseconds / 1e6 : undefined
    } catch (error) {
      options.signal.throwIfAborted()
      if (error instanceof ParleyError && error.code === 'file_too_slow') return undefined
      throw error
    }
  }

  return {
    async version() {
      const file = await program('ffmpeg')
      const { stdout } = await promisify(execFile)(file, ['-version'], { env: {}, timeout: 10_000 }).catch((error) => {
        throw missing(path, error)
      })
      await program('ffprobe')
      return (
        /^ffmpeg version (\d[\w.]*|\S+)/
          .exec(stdout)
          ?.slice(1)
          .map((text) => `ffmpeg ${text}`)[0] ?? 'ffmpeg'
      )
    },

    async probe(input, options) {
      const args = ['-hide_banner', '-v', 'warning', ...only(input), '-of', 'json', '-show_streams', '-show_format']
      const limits = { ...options.limits, seconds: Math.min(probeSeconds, options.limits.seconds) }
      const run = await start('ffprobe', [...args, '-i', source(input)], input.name, { ...options, limits })
      let isGuess = false
      run.lines((line) => {
        isGuess ||= guessed.test(line)
      })
      const [json, { complete }] = await Promise.all([text(run.output), run.ended])
      if (!complete) throw damaged(input.name)
      const { streams, format } = Streams.parse(JSON.parse(json))
      const told = format?.duration ?? Math.max(0, ...streams.map(({ duration }) => duration ?? 0))
      const audio = streams.some(({ codec_type }) => codec_type === 'audio')
      const video = streams.some((each) => each.codec_type === 'video' && each.disposition?.attached_pic !== 1)
      const unknown = isGuess || told <= 0
      const seconds = unknown && (audio || video) ? ((await measure(input, { ...options, limits })) ?? told) : told
      const sound = streams.find(({ codec_type }) => codec_type === 'audio')?.duration
      return {
        audio,
        video,
        durationMs: milliseconds(seconds),
        soundMs: isGuess ? undefined : milliseconds(sound ?? 0),
      }
    },

    run: (input, { before = [], args, onLine }, options, use) =>
      semaphore.run(options.signal, async () => {
        // If Parley is killed, a loop inside ffmpeg still ends after this much processor time.
        const ownLimit = ['-timelimit', String(Math.ceil(options.limits.seconds * 4))]
        const line = [...baseOptions, ...ownLimit, ...before, ...only(input), '-i', source(input), ...args]
        const run = await start('ffmpeg', line, input.name, { ...options })
        if (onLine) run.lines(onLine)
        try {
          return await use(run)
        } catch (error) {
          // The reason why the run ended explains the broken output.
          void run.kill()
          await run.ended
          throw error
        } finally {
          void run.kill()
          await run.gone
        }
      }),
  }
}

/** Restricts demuxers and protocols. */
function only({ format }: FfmpegInput): string[] {
  return ['-protocol_whitelist', 'file', '-format_whitelist', format.demuxers]
}

/** With an explicit protocol, a name is never taken for an address. */
function source({ path }: FfmpegInput): string {
  return `file:${resolve(path)}`
}

function launch(program: string, args: readonly string[], name: string, { signal, limits }: RunOptions) {
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {},
    cwd: '/',
    // A separate process group, so that Ctrl-C reaches only Parley, which lets running reads finish.
    detached: process.platform !== 'win32',
    windowsHide: true,
  })
  giveWay(child)
  const listeners: ((line: string) => void)[] = []
  let rest = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split(/[\r\n]+/)
    rest = (lines.pop() ?? '').slice(-4_000)
    for (const line of lines) for (const listener of listeners) listener(line)
  })
  const exited = new Promise<{ code: number | null }>((resolve) => {
    child.once('error', () => resolve({ code: null }))
    child.once('close', (code) => resolve({ code }))
  })
  const kill = () => {
    child.kill('SIGKILL')
    return never
  }
  // The guard treats any exit as a crash. An exit is normal here, so the guard does not see it.
  const never = new Promise<never>(() => {})
  const guarded = guard({ pid: child.pid, exited: never, kill }, { name, limits, signal })
  const ended = Promise.race([exited, guarded.broken])
    .then(({ code }) => ({ complete: code === 0, peakBytes: guarded.peak() }))
    .finally(() => guarded.release())
  ended.catch(() => child.stdout.destroy())
  return {
    output: child.stdout,
    ended,
    kill,
    gone: exited,
    lines: (listener: (line: string) => void) => void listeners.push(listener),
  }
}

export function damaged(name: string): ParleyError {
  return new ParleyError('file_damaged', recordingWording.damaged(name))
}

function missing(path: string | undefined, cause?: unknown): ParleyError {
  const userMessage = path === undefined ? recordingWording.ffmpegNotInstalled : recordingWording.ffmpegPathWrong
  return new ParleyError('ffmpeg_missing', userMessage, { cause })
}

/** The absolute path, because programs are started without PATH. */
async function find(name: 'ffmpeg' | 'ffprobe', path: string | undefined): Promise<string> {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  try {
    if (path !== undefined) {
      const folder = statSync(path).isDirectory() ? path : dirname(path)
      const file = name === 'ffmpeg' && folder !== path ? path : join(folder, `${name}${suffix}`)
      if (!statSync(file).isFile()) throw new Error('not a file')
      return resolve(file)
    }
    const [look, args] =
      process.platform === 'win32' ? ['where', [name]] : ['/bin/sh', ['-c', 'command -v "$1"', 'sh', name]]
    const { stdout } = await promisify(execFile)(look as string, args as string[], { timeout: 10_000 })
    const found = stdout.split(/\r?\n/)[0]?.trim() ?? ''
    if (found === '') throw new Error('not on PATH')
    return found
  } catch (error) {
    throw missing(path, error)
  }
}

const milliseconds = (seconds: number) => (seconds > 0 ? Math.round(seconds * 1000) : undefined)

/** The last few reports of progress. */
async function lastOf(stream: Readable): Promise<string> {
  let message = ''
  for await (const chunk of stream.setEncoding('utf8')) message = (message + chunk).slice(-4_000)
  return message
}

/** At most a megabyte, more than any real probe prints. */
async function text(stream: Readable): Promise<string> {
  let message = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    message += chunk
    if (message.length > 1e6) break
  }
  return message
}
