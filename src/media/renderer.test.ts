/** Pages as pictures, with marks where a quote stands. */
import sharp from 'sharp'
import { beforeAll, expect, test } from 'vitest'
import { makeManual, makePdf } from '../../test/fixtures/make-pdf.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { silentLog } from '../core/log.ts'
import { fileWording } from '../wording/files.ts'
import { formats } from './formats.ts'
import { inspectFile } from './inspect-file.ts'
import { createProcesses } from './processes.ts'
import { findQuote, lettersIn } from './providers/quote-marks.ts'
import type { Mark } from './reader.ts'
import { createRenderer } from './renderer.ts'

const fact = 'The torque for the K-22 clamp is 41 newton metres.'
const { signal } = new AbortController()
let manual: string

const { files, reader } = sharedReader()

beforeAll(async () => {
  manual = files.share('manual.pdf', await makeManual({ pages: 30, facts: { 17: fact } })).path
})

/** The darkest value inside the mark, and how much of it is not white. */
async function ink(png: Uint8Array, { x, y, width, height }: Mark): Promise<number> {
  const image = sharp(png).grayscale()
  const size = await image.metadata()
  const region = {
    left: Math.floor(x * size.width),
    top: Math.floor(y * size.height),
    width: Math.max(1, Math.floor(width * size.width)),
    height: Math.max(1, Math.floor(height * size.height)),
  }
  const { data } = await image.extract(region).raw().toBuffer({ resolveWithObject: true })
  return data.filter((value) => value < 128).length / data.length
}

test('a page becomes a PNG of the requested width', async () => {
  const { png, width, height } = await reader.render(manual, 17, { width: 800, signal })
  expect(await sharp(png).metadata()).toMatchObject({ format: 'png', width: 800, height: 1131 })
  expect([width, height]).toEqual([800, 1131])
})

test('a quote is marked whatever its spacing and quotation marks', async () => {
  const plain = await reader.render(manual, 17, { width: 800, quote: fact, signal })
  expect(plain.marks).toHaveLength(1)
  const [mark] = plain.marks
  if (mark === undefined) throw new Error('no mark')
  expect(mark.x).toBeCloseTo(56 / 595.28, 2)
  expect(await ink(plain.png, mark)).toBeGreaterThan(0.05)
  const spaced = await reader.render(manual, 17, {
    width: 800,
    quote: '“the torque\nfor the K‑22  clamp is 41 new-\nton metres”',
    signal,
  })
  expect(spaced.marks).toEqual(plain.marks)
})

test('a quote over several lines gives a mark for each', async () => {
  const words = 'In the week after an overhaul, the fitter checks everything twice. '.repeat(6).trim()
  const path = files.share('lines.pdf', await makePdf((doc) => void doc.addPage().fontSize(12).text(words))).path
  const { marks, png } = await reader.render(path, 1, { width: 1000, quote: words, signal })
  expect(marks.length).toBeGreaterThanOrEqual(4)
  const tops = marks.map(({ y }) => y)
  expect(tops).toEqual(tops.toSorted((a, b) => a - b))
  for (const mark of marks) expect(await ink(png, mark)).toBeGreaterThan(0.05)
})

test('marks follow a rotated page', async () => {
  const bytes = await makePdf((doc) => {
    doc.addPage().fontSize(14).text('A sentence that stands at the top of the page.')
    Object.assign(doc.page.dictionary.data, { Rotate: 90 })
  })
  const path = files.share('turned.pdf', bytes).path
  const { marks, png, width, height } = await reader.render(path, 1, {
    width: 900,
    quote: 'stands at the top of the page',
    signal,
  })
  expect(width).toBeGreaterThan(height)
  const [mark] = marks
  if (mark === undefined) throw new Error('no mark')
  // The top of the page is on the right.
  expect(mark.x).toBeGreaterThan(0.8)
  expect(await ink(png, mark)).toBeGreaterThan(0.05)
})

test('a missing quote gives no marks', async () => {
  const { marks } = await reader.render(manual, 16, { width: 200, quote: fact, signal })
  expect(marks).toEqual([])
})

test('the parts of a quote with an omission are found one by one', () => {
  const page = lettersIn(
    'Open the valve slowly and wait for the pressure to settle. Then close the vent. Sign the form in ink.',
  )
  const found = findQuote(page, 'Open the valve slowly … Sign the form in ink.')
  expect(found.map(([from, to]) => page.slice(from, to))).toEqual(['openthevalveslowly', 'signtheforminink'])
})

test('ligatures, soft hyphens and typographic quotation marks make no difference', () => {
  expect(lettersIn('“The oﬃ\u00ADcial ﬁ-\nnal” – report')).toBe(lettersIn('"the official final" - Report'))
})

test('the width is bounded', async () => {
  const { width } = await reader.render(manual, 1, { width: 90_000, signal })
  expect(width).toBe(2_000)
})

test('a missing page is reported, and the next one is drawn', async () => {
  await expect(reader.render(manual, 31, { width: 100, signal })).rejects.toMatchObject({
    code: 'file_missing',
    userMessage: fileWording.refusal.noSuchPage(31, 30),
  })
  expect((await reader.render(manual, 30, { width: 100, signal })).width).toBe(100)
})

test('a file without pages is reported', async () => {
  const path = files.share('notes.txt', 'Only words.').path
  await expect(reader.render(path, 1, { width: 100, signal })).rejects.toMatchObject({ code: 'file_unsupported' })
})

test('many pages are drawn at once from more documents than stay open', async () => {
  const others = await Promise.all([2, 3, 4].map((pages) => makeManual({ pages, seed: pages })))
  const paths = [manual, ...others.map((bytes, i) => files.share(`${i}.pdf`, bytes).path)]
  const drawn = await Promise.all(
    paths.flatMap((path) => [1, 2].map((page) => reader.render(path, page, { width: 120, signal }))),
  )
  expect(drawn.map(({ width }) => width)).toEqual(drawn.map(() => 120))
})

test('abort releases the caller at once and keeps the document open for others', async () => {
  const stop = new AbortController()
  const drawing = reader.render(manual, 3, { width: 2_000, signal: stop.signal })
  stop.abort(new Error('turned the page'))
  await expect(drawing).rejects.toThrow('turned the page')
  expect((await reader.render(manual, 4, { width: 100, signal })).width).toBe(100)
})

test('many documents share three processes', async () => {
  const processes = createProcesses({ heapMb: 256, log: silentLog })
  let running = 0
  let most = 0
  const start = () => {
    const process = processes.start()
    most = Math.max(most, ++running)
    void process.exited.then(() => running--)
    return process
  }
  const look = (path: string) => inspectFile({ path, name: 'The file', mediaType: '' }, { formats, overrides: {} })
  const renderer = createRenderer({ processes: { ...processes, start }, look, idleMs: 10_000 })
  const documents = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => makeManual({ pages: 2, seed })))
  const paths = documents.map((bytes, i) => files.share(`turns-${i}.pdf`, bytes).path)
  const drawn = await Promise.all(paths.map((path) => renderer.render(path, 2, { width: 100, signal })))
  expect(drawn.map(({ width }) => width)).toEqual(drawn.map(() => 100))
  expect(most).toBe(3)
  renderer.close()
  await processes.close()
})
