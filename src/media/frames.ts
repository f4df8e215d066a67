/** Picks key frames of a video: scene changes, and now and then a frame in between. One pass of ffmpeg. */
import type { Picture } from '../core/artifact.ts'
import type { Limits } from './limits.ts'
import type { Ffmpeg, FfmpegInput } from './providers/ffmpeg.ts'
import type { PictureStore } from './reader.ts'

/** Vision models scale larger pictures down. */
const longestSide = 1_568
/** How different two pictures are, from 0 to 1: ffmpeg's own measure of a new scene. */
const newScene = 0.3
/** Of longer videos only key frames are decoded, about one frame in a hundred. */
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
    const info = times[seen]
    seen += 1
    // showinfo prints before the picture is written. A picture without a time cannot be cited, so it is dropped.
    if (info !== undefined) frames.push({ jpeg, ...info })
    if (frames.length > most) frames.splice(mostCrowded(frames), 1)
  }
  const task = {
    before: quick,
    args: [
      ...['-an', '-sn', '-dn', '-map', '0:V:0', '-t', String(seconds), '-vf'],
      `select='${select}',${scale},format=yuvj420p,showinfo=checksum=0`,
      ...['-fps_mode', 'vfr', '-c:v', 'mjpeg', '-q:v', '4', '-map_metadata', '-1', '-f', 'image2pipe', 'pipe:1'],
    ],
    onLine(line: string) {
      const info = /\bpts_time:\s*(-?[\d.]+).*\bs:(\d+)x(\d+)/.exec(line)
      if (info === null) return
      const [, time, width, height] = info.map(Number)
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

/** The frame to drop when there are too many: the one closest to its predecessor, never the first. */
function mostCrowded(frames: Frame[]): number {
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

/** Splits a stream of concatenated JPEG files. The end mark cannot occur inside a JPEG's data. */
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
