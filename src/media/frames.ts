/** The pictures that tell a video: where the scene changes, and now and then where it does not. One pass of ffmpeg. */
import type { Picture } from '../core/artifact.ts'
import type { Limits } from './limits.ts'
import type { Ffmpeg, FfmpegInput } from './providers/ffmpeg.ts'
import type { PictureStore } from './reader.ts'

/** What vision models look at; more is scaled down by them. */
const longestSide = 1_568
/** How different two pictures are, from 0 to 1: ffmpeg's own measure of a new scene. */
const newScene = 0.3
/** Longer videos are looked at by their key frames alone, which decodes a hundredth of them. */
const everyFrameMs = 120_000
const largestJpeg = 4_000_000

interface Frame {
  jpeg: Buffer
  atMs: number
  width: number
  height: number
}

export interface FramesOptions {
  signal: AbortSignal
  limits: Limits
  durationMs: number | undefined
}

/** At most `limits.frames` pictures in order of time, kept in `pictures`. Throws `ffmpeg_missing` or `file_*`. */
export async function keyFrames(
  { ffmpeg, pictures }: { ffmpeg: Ffmpeg; pictures: PictureStore },
  input: FfmpegInput,
  { signal, limits, durationMs }: FramesOptions,
): Promise<Picture[]> {
  const most = limits.frames ?? 12
  const apart = Math.max(1, (durationMs ?? 60_000) / 1000 / Math.max(1, most / 2))
  const select = `eq(n,0)+gt(scene,${newScene})+gte(t-prev_selected_t,${apart.toFixed(2)})`
  const side = `min(${longestSide},`
  const scale = `scale='${side}iw)':'${side}ih)':force_original_aspect_ratio=decrease:force_divisible_by=2`
  const quick = durationMs === undefined || durationMs > everyFrameMs ? ['-skip_frame', 'nokey'] : []
  const seconds = (limits.minutes ?? 600) * 60
  const times: { atMs: number; width: number; height: number }[] = []
  const frames: Frame[] = []
  let seen = 0
  const pair = (jpeg: Buffer) => {
    const told = times[seen]
    seen += 1
    // showinfo speaks before the picture is written; a picture without its time has none to be cited by.
    if (told !== undefined) frames.push({ jpeg, ...told })
    if (frames.length > most) frames.splice(leastTelling(frames), 1)
  }
  const task = {
    before: quick,
    args: [
      ...['-an', '-sn', '-dn', '-map', '0:V:0', '-t', String(seconds), '-vf'],
      `select='${select}',${scale},format=yuvj420p,showinfo=checksum=0`,
      ...['-fps_mode', 'vfr', '-c:v', 'mjpeg', '-q:v', '4', '-map_metadata', '-1', '-f', 'image2pipe', 'pipe:1'],
    ],
    onLine(line: string) {
      const told = /\bpts_time:\s*(-?[\d.]+).*\bs:(\d+)x(\d+)/.exec(line)
      if (told === null) return
      const [, time, width, height] = told.map(Number)
      times.push({ atMs: Math.max(0, Math.round((time ?? 0) * 1000)), width: width ?? 0, height: height ?? 0 })
    },
  }
  const jpegs: Buffer[] = []
  await ffmpeg.run(input, task, { signal, limits }, async ({ output, ended }) => {
    for await (const jpeg of splitJpegs(output)) {
      jpegs.push(jpeg)
      while (seen < times.length && jpegs[0] !== undefined) pair(jpegs.shift() ?? Buffer.alloc(0))
    }
    await ended
    for (const jpeg of jpegs) pair(jpeg)
  })
  return Promise.all(
    frames.map(async ({ jpeg, atMs, width, height }): Promise<Picture> => {
      const hash = await pictures.put(jpeg, signal)
      return {
        contentHash: hash,
        mediaType: 'image/jpeg',
        width,
        height,
        at: { kind: 'time', fromMs: atMs, toMs: atMs },
      }
    }),
  )
}

/** Of too many pictures the one that stands closest to the one before it; never the first. */
function leastTelling(frames: Frame[]): number {
  let least = Number.POSITIVE_INFINITY
  let at = frames.length - 1
  for (const [place, frame] of frames.entries()) {
    const before = frames[place - 1]
    if (before === undefined || frame.atMs - before.atMs >= least) continue
    least = frame.atMs - before.atMs
    at = place
  }
  return at
}

/** A stream of JPEG files end to end. Within a JPEG's data the end mark cannot stand. */
export async function* splitJpegs(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  const end = Buffer.from([0xff, 0xd9])
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk])
    let from = 0
    for (let at = rest.indexOf(end); at >= 0; at = rest.indexOf(end, from)) {
      yield rest.subarray(from, at + 2)
      from = at + 2
    }
    rest = Buffer.from(rest.subarray(from))
    if (rest.length > largestJpeg) return
  }
}
