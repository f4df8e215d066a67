/** What hearing costs beside the recogniser: decoding, cutting and joining what a transcriber hears in no time. */
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Transcriber } from '../src/media/transcriber.ts'
import { recordingRig } from '../test/fixtures/recording-rig.ts'
import { watched } from '../test/fixtures/shared-files.ts'
import type { Result } from './report.ts'
import { round, say } from './report.ts'

const encodings: Record<string, string[]> = {
  'voice.ogg': ['-c:a', 'libopus', '-b:a', '24k', '-ac', '1'],
  'talk.mp3': ['-c:a', 'libmp3lame', '-b:a', '128k'],
}

/** Answers at once, with as many words as people say. */
const instant: Transcriber = {
  name: 'instant',
  accepts: new Set<string>(),
  maxBytes: 25_000_000,
  async transcribe({ durationMs = 0 }) {
    const count = Math.floor(durationMs / 3_000)
    const segments = Array.from({ length: count }, (_, place) => ({
      text: `We said eight words here in sentence ${place}.`,
      fromMs: place * 3_000,
      toMs: place * 3_000 + 2_800,
    }))
    return { segments, language: 'en' }
  },
  check: async () => 'instant',
}

export async function measureRecordings(minutes = 60): Promise<Pick<Result, 'tables' | 'aims'>> {
  const seconds = 60 * minutes
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const rows: Record<string, number | string>[] = []
  try {
    for (const [name, args] of Object.entries(encodings)) {
      say(`recordings: ${minutes} minutes of ${name}`)
      const file = join(folder, name)
      const noise = `anoisesrc=d=${seconds}:c=pink:a=0.2:r=16000`
      execFileSync('ffmpeg', ['-v', 'error', '-f', 'lavfi', '-i', noise, ...args, file])
      using rig = recordingRig({ transcriber: instant })
      const request = rig.files.share(name, await readFile(file))
      const before = process.memoryUsage().rss
      let most = before
      const timer = setInterval(() => {
        most = Math.max(most, process.memoryUsage().rss)
      }, 20)
      const started = performance.now()
      const artifact = await rig.reader.read(request, watched())
      const took = (performance.now() - started) / 1000
      clearInterval(timer)
      const row = { recording: name, minutes, seconds: round(took), 'real-time factor': took / seconds }
      rows.push({ ...row, segments: artifact.segments.length, 'memory MB more': round((most - before) / 1e6) })
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const slowest = Math.max(...rows.map((row) => Number(row['real-time factor'])))
  return {
    tables: [{ title: 'Recordings: decode, cut, join', rows, notes: ["The recogniser's own time is not in it."] }],
    aims: [{ what: 'real-time factor without the recogniser', value: slowest, unit: '× real time', atMost: 0.05 }],
  }
}
