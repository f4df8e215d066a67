/**
 * Cuts decoded sound into overlapping pieces for a transcriber. Cuts are at the quietest places, so
 * that no word is lost. Only the current piece is in memory.
 */

/** The format of transcribers: 16 bit, little endian, one channel. */
export const sampleRate = 16_000

export interface CutPlan {
  /** The longest piece. */
  pieceMs: number
  /** How far a piece reaches over the cut on either side. */
  overlapMs: number
}

/** 4.5 to 5 minutes: at most 10 MB, below the 25 MB that servers accept. */
export const defaultPlan: CutPlan = { pieceMs: 300_000, overlapMs: 2_000 }

export interface Piece {
  index: number
  samples: Int16Array
  /** Of the first sample. */
  fromMs: number
  toMs: number
  /** The quiet moment within the overlap where the next piece takes over; `toMs` for the last piece. */
  cutMs: number
}

/** The pieces of a stream in order. Pieces are cut on demand, so a slow consumer slows ffmpeg down. */
export async function* cutIntoPieces(
  stream: AsyncIterable<Uint8Array>,
  plan: CutPlan = defaultPlan,
): AsyncGenerator<Piece> {
  const most = toSamples(plan.pieceMs)
  const overlap = toSamples(plan.overlapMs)
  const buffer = new Int16Array(most)
  const bytes = new Uint8Array(buffer.buffer)
  let filled = 0
  let offset = 0
  let index = 0
  for await (const chunk of stream) {
    let at = 0
    while (at < chunk.length) {
      const taken = Math.min(chunk.length - at, bytes.length - filled)
      bytes.set(chunk.subarray(at, at + taken), filled)
      filled += taken
      at += taken
      if (filled < bytes.length) continue
      const cut = quietest(buffer, Math.floor(most * 0.75), most - overlap)
      const end = Math.min(most, cut + overlap)
      yield piece(index, buffer.slice(0, end), offset, cut)
      index += 1
      const keepFrom = Math.max(1, cut - overlap)
      buffer.copyWithin(0, keepFrom)
      filled -= keepFrom * 2
      offset += keepFrom
    }
  }
  const left = filled >> 1
  if (left > 0) yield piece(index, buffer.slice(0, left), offset, left)
}

function piece(index: number, samples: Int16Array, offset: number, cut: number): Piece {
  return {
    index,
    samples,
    fromMs: toMs(offset),
    toMs: toMs(offset + samples.length),
    cutMs: toMs(offset + cut),
  }
}

/** The middle of the quietest 400 ms between two places; of equally quiet ones the last, so that pieces are long. */
export function quietest(samples: Int16Array, from: number, to: number): number {
  const step = toSamples(20)
  const width = 20
  const loudness: number[] = []
  for (let at = from; at + step <= to; at += step) {
    let sum = 0
    for (let place = at; place < at + step; place += 1) sum += Math.abs(samples[place] ?? 0)
    loudness.push(sum)
  }
  let best = to
  let least = Number.POSITIVE_INFINITY
  let sum = 0
  for (let place = 0; place < loudness.length; place += 1) {
    sum += loudness[place] ?? 0
    if (place >= width) sum -= loudness[place - width] ?? 0
    if (place < width - 1 || sum > least) continue
    least = sum
    best = from + (place + 1 - width / 2) * step
  }
  return best
}

/** Whether there is only microphone noise, in which transcribers invent words. */
export function isSilent(samples: Int16Array): boolean {
  const step = toSamples(20)
  for (let at = 0; at < samples.length; at += step) {
    const end = Math.min(samples.length, at + step)
    let sum = 0
    for (let place = at; place < end; place += 1) sum += Math.abs(samples[place] ?? 0)
    if (sum / (end - at) > 33) return false
  }
  return true
}

/** The samples as a WAV file. */
export function toWav(samples: Int16Array): Uint8Array<ArrayBuffer> {
  const wav = Buffer.alloc(44 + samples.byteLength)
  wav.write('RIFF', 0)
  wav.writeUInt32LE(36 + samples.byteLength, 4)
  wav.write('WAVEfmt ', 8)
  wav.writeUInt32LE(16, 16)
  wav.writeUInt16LE(1, 20)
  wav.writeUInt16LE(1, 22)
  wav.writeUInt32LE(sampleRate, 24)
  wav.writeUInt32LE(sampleRate * 2, 28)
  wav.writeUInt16LE(2, 32)
  wav.writeUInt16LE(16, 34)
  wav.write('data', 36)
  wav.writeUInt32LE(samples.byteLength, 40)
  wav.set(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength), 44)
  return wav
}

function toSamples(ms: number): number {
  return Math.round((ms * sampleRate) / 1000)
}

function toMs(samples: number): number {
  return Math.round((samples * 1000) / sampleRate)
}
