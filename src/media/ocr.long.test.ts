/** Scans become text: whole ones, pages among others, sideways ones, within limits, and what was not read is told. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import sharp from 'sharp'
import { beforeAll, describe, expect, test } from 'vitest'
import { program, wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import { makeManual, makePdf } from '../../test/fixtures/make-pdf.ts'
import { manualPages } from '../../test/fixtures/manual-prose.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { silentLog } from '../core/log.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import { findRecognizer, type Recognizer } from './recognizer.ts'

const pdftoppm = program('pdftoppm')
const recognizer = await findRecognizer()
const texts = manualPages({ pages: 3, seed: 5 }).map(({ section, paragraphs }) => [section, ...paragraphs].join('\n'))
const brokenRecognizer: Recognizer = {
  languages: ['eng'],
  scripts: false,
  atOnce: 2,
  describe: () => 'broken',
  recognize: async () => undefined,
  script: async () => undefined,
}
/** Pages at 200 dpi as poppler draws them, gray PNG. */
let scans: Buffer[] = []

const { files, reader, read, readWithin } = sharedReader()

beforeAll(async () => {
  if (pdftoppm !== undefined) scans = scanned(await makeManual({ pages: 3, seed: 5 }))
})

function scanned(pdf: Uint8Array): Buffer[] {
  const prefix = join(files.folder, 'scan')
  writeFileSync(`${prefix}.pdf`, pdf)
  execFileSync(pdftoppm ?? '', ['-r', '200', '-gray', '-png', `${prefix}.pdf`, prefix])
  const names = readdirSync(files.folder).filter((name) => /^scan-\d+\.png$/.test(name))
  return names.toSorted().map((name) => readFileSync(join(files.folder, name)))
}

/** Pictures fill their pages; words are a text layer. */
const pdfOf = (pages: (Buffer | string)[]) =>
  makePdf((doc) => {
    for (const page of pages) {
      doc.addPage({ margin: 0 })
      if (typeof page === 'string') doc.text(page, 72, 72)
      else doc.image(page, 0, 0, { width: doc.page.width, height: doc.page.height })
    }
  })

describe.skipIf(pdftoppm === undefined)('scans by poppler (skipped without poppler-utils)', () => {
  test('reads nearly every word of clean pages at 200 dpi', async () => {
    const watch = watched()
    const startedAt = performance.now()
    const artifact = await reader.read(files.share('scan.pdf', await pdfOf(scans)), watch)
    console.log(`OCR: ${((performance.now() - startedAt) / scans.length / 1000).toFixed(2)} s a page`)
    const recalls = texts.map((text, at) => wordRecall(text, artifact.segments[at]?.text ?? ''))
    console.log(`recall: ${recalls.map((recall) => recall.toFixed(4)).join(', ')}`)
    expect(Math.min(...recalls)).toBeGreaterThanOrEqual(0.97)
    expect(artifact).toMatchObject({ engine: 'pdf-6', pages: 3 })
    expect(artifact.problems).toEqual([
      { code: 'read_by_ocr', userMessage: fileWording.ocr.scan([1, 2, 3], 3, 'English') },
    ])
    const transcription = watch.transcription.filter(({ by }) => by === 'ocr')
    expect(transcription).toEqual([1, 2, 3].map((done) => ({ done, of: 3, unit: 'page', by: 'ocr' })))
  }, 60_000)

  test('reads scanned pages in their place among others', async () => {
    const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = scans
    const artifact = await read('scan.pdf', await pdfOf(['Words of page one.', first, 'Words of page three.', second]))
    expect(artifact.segments.map(({ at }) => at)).toEqual([1, 2, 3, 4].map((page) => ({ kind: 'page', page })))
    expect(artifact.segments[2]?.text).toBe('Words of page three.')
    expect(wordRecall(texts[0] ?? '', artifact.segments[1]?.text ?? '')).toBeGreaterThanOrEqual(0.97)
    expect(artifact.problems).toMatchObject([{ userMessage: fileWording.ocr.scan([2, 4], 4, 'English') }])
  }, 60_000)

  test('turns a sideways page', async () => {
    const sideways = await sharp(scans[1]).rotate(90).png().toBuffer()
    const artifact = await read('scan.pdf', await pdfOf([sideways]))
    expect(wordRecall(texts[1] ?? '', artifact.segments[0]?.text ?? '')).toBeGreaterThanOrEqual(0.9)
  }, 60_000)

  test("does not take a scanner's stamp for a text layer", async () => {
    const stamped = await makePdf((doc) => {
      doc.addPage({ margin: 0 }).image(scans[2] ?? '', 0, 0, { width: doc.page.width })
      doc.fontSize(6).text('Scanned by OfficeScan 3', 400, 820, { lineBreak: false })
    })
    const artifact = await read('scan.pdf', stamped)
    expect(wordRecall(texts[2] ?? '', artifact.segments[0]?.text ?? '')).toBeGreaterThanOrEqual(0.97)
  }, 60_000)

  test('names the scanned pages over the limit and reads the others', async () => {
    const [first = Buffer.alloc(0)] = scans
    const artifact = await readWithin(
      { pdf: { ocrPages: 1 } },
      'scan.pdf',
      await pdfOf([first, 'Words of page two.', first, first]),
    )
    expect(artifact.segments.map(({ at }) => at)).toEqual([1, 2].map((page) => ({ kind: 'page', page })))
    expect(artifact.problems).toMatchObject([
      { code: 'read_by_ocr' },
      { code: 'ocr_limit', userMessage: fileWording.ocr.overLimit([3, 4], { pages: 1 }) },
    ])
  }, 60_000)

  test('a citation marks its words on a scanned page', async () => {
    const request = files.share('scan.pdf', await pdfOf(scans))
    const quote = (texts[0] ?? '').split('\n')[1]?.slice(0, 60) ?? ''
    const { marks } = await reader.render(request.path, 1, { width: 600, quote, signal: new AbortController().signal })
    expect(marks.length).toBeGreaterThan(0)
    for (const { x, y, width, height } of marks) {
      expect(Math.min(x, y)).toBeGreaterThan(0.03)
      expect(Math.max(x + width, y + height)).toBeLessThan(0.97)
    }
  }, 60_000)

  test.skipIf(recognizer === undefined)(
    "by this machine's tesseract (skipped without tesseract-ocr)",
    async () => {
      const withProgram = createReader(recognizer === undefined ? {} : { recognizer })
      const startedAt = performance.now()
      const artifact = await withProgram.read(files.share('scan.pdf', await pdfOf(scans)), watched())
      await withProgram.close()
      const seconds = (performance.now() - startedAt) / scans.length / 1000
      console.log(`${recognizer?.describe()}: ${seconds.toFixed(2)} s a page`)
      const recalls = texts.map((text, at) => wordRecall(text, artifact.segments[at]?.text ?? ''))
      expect(Math.min(...recalls)).toBeGreaterThanOrEqual(0.97)
    },
    60_000,
  )

  test('falls back to the built-in recognition when the program fails', async () => {
    const broken = createReader({ recognizer: brokenRecognizer })
    const artifact = await broken.read(files.share('scan.pdf', await pdfOf(scans.slice(0, 1))), watched())
    await broken.close()
    expect(wordRecall(texts[0] ?? '', artifact.segments[0]?.text ?? '')).toBeGreaterThanOrEqual(0.97)
  }, 60_000)

  test('says that a blurred scan cannot be read, gives no guesses, and gives it as a picture', async () => {
    const blurred = await sharp(scans[0]).resize(700).blur(1.2).png().toBuffer()
    const kept: number[] = []
    const pictures = {
      put: async () => {
        kept.push(1)
        return 'a'.repeat(64)
      },
    }
    const seeing = createReader()
    const scan = files.share('scan.pdf', await pdfOf([blurred]))
    const artifact = await seeing.read(scan, { ...watched(), pictures })
    await seeing.close()
    expect(artifact).toMatchObject({ segments: [], problems: [{ userMessage: fileWording.ocr.unreadable([1]) }] })
    expect(artifact.images).toMatchObject([{ mediaType: 'image/png', at: { kind: 'page', page: 1 } }])
    expect(kept).toHaveLength(1)
  }, 90_000)
})

test('a page with a picture of 30,000 × 30,000 pixels stays within its limits, and the next file is read', async () => {
  const peaks: number[] = []
  const log = { ...silentLog, debug: (fields: unknown) => void peaks.push(Number(Object(fields).peakMb)) }
  const limited = createReader({ log, limits: { pdf: { memoryMb: 700, seconds: 30, ocrSeconds: 10 } } })
  const bomb = files.share('bomb.pdf', pictureBomb(30_000))
  const outcome = await limited.read(bomb, watched()).catch((error: unknown) => error)
  if (outcome instanceof Error) expect(outcome).toMatchObject({ code: expect.stringMatching(/^file_/) })
  else expect(outcome).toMatchObject({ pages: 1, segments: [] })
  const next = await limited.read(files.share('next.pdf', await pdfOf(['Words.'])), watched())
  expect(next.segments).toHaveLength(1)
  await limited.close()
  console.log(`peak of the bomb: ${Math.max(...peaks)} MB`)
  expect(Math.max(...peaks)).toBeLessThan(700)
}, 60_000)

test.skipIf(recognizer === undefined)(
  'the program is sent graymaps and nothing else (skipped without tesseract-ocr)',
  async () => {
    const { signal } = new AbortController()
    for (const bytes of ['P5\n10 10\n255\nshort', '/etc/passwd', '\x89PNG\r\n\x1a\n', 'P5\n1 1\n255\nx\nmore'])
      expect(await recognizer?.recognize(Buffer.from(bytes), ['eng'], signal)).toBeUndefined()
  },
)

/** A page whose only content is a colour picture of many pixels in few bytes. */
function pictureBomb(side: number): Buffer {
  const pixels = deflateSync(Buffer.alloc(1_000_000), { level: 9 })
  const draw = '500 0 0 500 0 0 cm /P Do'
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 500 500] /Contents 4 0 R /Resources << /XObject << /P 5 0 R >> >> >>',
    `<< /Length ${draw.length} >>\nstream\n${draw}\nendstream`,
    `<< /Type /XObject /Subtype /Image /Width ${side} /Height ${side} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /FlateDecode /Length ${pixels.length} >>\nstream\n${pixels.toString('latin1')}\nendstream`,
  ]
  const body = objects.map((object, at) => `${at + 1} 0 obj\n${object}\nendobj\n`).join('')
  return Buffer.from(`%PDF-1.7\n${body}trailer << /Root 1 0 R /Size 6 >>\n%%EOF\n`, 'latin1')
}
