/** Each kind of file once, small: text PDFs beside pdftotext, scans, pictures and recordings, with the memory that reading took. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { silentLog } from '../src/core/log.ts'
import { createReader } from '../src/media/create-reader.ts'
import { giveWay } from '../src/media/guard.ts'
import type { PageRenderer, Reader } from '../src/media/reader.ts'
import { findRecognizer } from '../src/media/recognizer.ts'
import { keeping, localBlobs, picturesIn } from '../test/fixtures/blobs.ts'
import { program, wordRecall } from '../test/fixtures/foreign-pdf.ts'
import { makeManual, makePdf } from '../test/fixtures/make-pdf.ts'
import { manualPages } from '../test/fixtures/manual-prose.ts'
import { createSharedFiles, type SharedFiles, watched } from '../test/fixtures/shared-files.ts'
import { readManuals } from './reading.ts'
import { measureRecordings } from './recordings.ts'
import { type Cell, median, type Result, say, type Table } from './report.ts'

const scannedPages = 6
/** A4 at 200 dpi, as scanners give it. */
const scanWidth = 1654
const repeats = 5

interface Rig {
  reader: Reader & PageRenderer
  files: SharedFiles
  /** The most memory of each reading process so far, in MB. */
  peaks: number[]
}

export async function measureMedia(): Promise<Pick<Result, 'tables' | 'aims'>> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  const files = createSharedFiles()
  const peaks: number[] = []
  const log = { ...silentLog, debug: (fields: object) => peaks.push(...peakOf(fields)) }
  const recognizer = await findRecognizer()
  const pictures = picturesIn(localBlobs(files.folder))
  const reader = keeping(createReader({ log, concurrency: 1, recognizer }), pictures)
  const rig = { reader, files, peaks }
  try {
    const { table } = await readManuals(folder, [200])
    say(`media: a scan of ${scannedPages} pages`)
    const scan = await measureScan(rig, recognizer === undefined ? 'tesseract.js' : 'tesseract')
    say('media: pictures')
    const pictures = await measurePictures(rig)
    const transcription = await transcribe()
    return { tables: [table, scan, pictures, ...transcription.tables], aims: transcription.aims }
  } finally {
    await reader.close()
    files.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

function peakOf(fields: object): number[] {
  return 'peakMb' in fields && typeof fields.peakMb === 'number' ? [fields.peakMb] : []
}

async function timed<Given>(work: () => Promise<Given>): Promise<{ given: Given; ms: number }> {
  const started = performance.now()
  return { given: await work(), ms: performance.now() - started }
}

/** Pages of the manual, drawn as pictures and bound as a PDF without a text layer. */
async function measureScan({ reader, files, peaks }: Rig, by: string): Promise<Table> {
  const manual = { pages: scannedPages, seed: 5 }
  const printed = files.share('manual.pdf', await makeManual(manual))
  const drawn: Buffer[] = []
  for (let page = 1; page <= scannedPages; page += 1) {
    const { png } = await reader.render(printed.path, page, { width: scanWidth, signal: AbortSignal.timeout(30_000) })
    drawn.push(await sharp(png).grayscale().png().toBuffer())
  }
  const bound = await makePdf((doc) => {
    for (const picture of drawn) {
      doc.addPage({ margin: 0 }).image(picture, 0, 0, { width: doc.page.width, height: doc.page.height })
    }
  })
  const { given, ms } = await timed(() => reader.read(files.share('scan.pdf', bound), watched()))
  const texts = manualPages(manual).map(({ section, paragraphs }) => [section, ...paragraphs].join('\n'))
  const recall = Math.min(...texts.map((text, at) => wordRecall(text, given.segments[at]?.text ?? '')))
  return {
    title: 'A scan, by OCR',
    rows: [
      { by, pages: scannedPages, 's/page': ms / 1000 / scannedPages, ...memory(peaks), 'words found, %': 100 * recall },
      ...(await bareTesseract(drawn)),
    ],
    notes: [
      'From the file to its text, the start of the processes included; words found: on the worst page. Memory: the reading process, without tesseract.',
    ],
  }
}

/** The program alone, one page after the other, on the same pictures. */
async function bareTesseract(pages: Buffer[]): Promise<Record<string, Cell>[]> {
  const tesseract = program('tesseract')
  if (tesseract === undefined) return []
  const env = { PATH: process.env.PATH, OMP_THREAD_LIMIT: '1' }
  const { ms } = await timed(async () => {
    for (const page of pages) {
      const child = execFile(tesseract, ['stdin', 'stdout', '-l', 'eng', '--dpi', '200', 'tsv'], {
        env,
        maxBuffer: 16e6,
      })
      // At the same priority as Parley's, so that other work on the machine slows both.
      giveWay(child)
      child.stdin?.end(page)
      await once(child, 'exit')
    }
  })
  return [{ by: 'bare tesseract', pages: pages.length, 's/page': ms / 1000 / pages.length }]
}

/** A photograph has nothing to recognise; a note has three lines. */
async function measurePictures({ reader, files, peaks }: Rig): Promise<Table> {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  const photo = (seed: number) =>
    sharp({ create: { width: 4000, height: 3000, channels: 3, background: '#888', noise } })
      .blur(8 + seed)
      .jpeg()
      .toBuffer()
  const note = (seed: number) =>
    sharp(
      Buffer.from(
        `<svg xmlns="http://www.w3.org/2000/svg" width="700" height="240"><rect width="700" height="240" fill="white"/><text x="30" y="80" font-size="36" font-family="sans-serif">Invoice number ${4711 + seed}</text></svg>`,
      ),
    )
      .png()
      .toBuffer()
  const rows: Record<string, Cell>[] = []
  for (const [name, make] of Object.entries({ 'photo.jpg': photo, 'note.png': note })) {
    const took: number[] = []
    for (let seed = 0; seed < repeats; seed += 1) {
      const request = files.share(name, await make(seed))
      took.push((await timed(() => reader.read(request, watched()))).ms)
    }
    rows.push({ picture: name, ms: median(took), 'slowest ms': Math.max(...took), ...memory(peaks) })
  }
  return { title: 'Pictures', rows, notes: [`Median of ${repeats} each, OCR included.`] }
}

/** What was told since it was asked last. */
function memory(peaks: number[]): Record<string, Cell> {
  const most = Math.max(0, ...peaks.splice(0))
  return { 'reader peak MB': most === 0 ? null : most }
}

async function transcribe(): Promise<Pick<Result, 'tables' | 'aims'>> {
  if (program('ffmpeg') !== undefined) return measureRecordings(10)
  const notes = ['Skipped: ffmpeg is not installed (Debian: ffmpeg).']
  return { tables: [{ title: 'Recordings: decode, cut, join', rows: [], notes }], aims: [] }
}
