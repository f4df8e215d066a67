/** Pictures with words on pages that have text: recognized once each, within the limits, and counted beyond them. */
import { deflateSync } from 'node:zlib'
import { beforeAll, expect, test } from 'vitest'
import { writePdf } from '../../test/fixtures/form-pdf.ts'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { encodePng } from './providers/pdf-draw.ts'
import { describeReading } from './receipt.ts'

const prose = 'Monthly report of the northern plant. All values were checked twice by the shift leader. '.repeat(8)
/** Screenshots with words, as PNG. */
let error: Uint8Array
let stamp: Uint8Array

const { files, reader, read, readWithin } = sharedReader()

beforeAll(async () => {
  error = await pictureOf('Error code KX-4471 at gate seven')
  stamp = await pictureOf('APPROVED by the auditor')
})

async function pictureOf(words: string): Promise<Uint8Array> {
  const pdf = await makePdf(
    (doc) =>
      void doc
        .addPage({ size: [420, 60], margin: 0 })
        .fontSize(22)
        .text(words, 20, 18),
  )
  const { signal } = new AbortController()
  return (await reader.render(files.share('words.pdf', pdf).path, 1, { width: 840, signal })).png
}

const outcome = (artifact: Artifact) =>
  describeReading({ id: '1', name: 'report.pdf', mediaType: '', bytes: 1 } as never, artifact).outcome

const pictureTexts = ({ segments }: Artifact) =>
  segments.filter(({ text }) => text.startsWith('Text in a picture')).map(({ text, at }) => [at, text.split('\n')[1]])

test('the words of pictures come with their page; one on every page is read once, icons and grain not at all', async () => {
  const grain = encodePng(
    Uint8Array.from({ length: 200 * 200 * 4 }, (_, at) => (at * 7919 + (at >> 8) * 31) % 251),
    200,
    200,
  )
  const pdf = await makePdf((doc) => {
    for (let page = 1; page <= 3; page += 1) {
      doc.addPage().text(prose)
      doc.image(Buffer.from(stamp), 56, 400, { width: 300 })
      doc.image(Buffer.from(error), 20, 20, { width: 30 })
    }
    doc.image(Buffer.from(error), 56, 500, { width: 400 }).image(Buffer.from(grain), 56, 600, { width: 150 })
  })
  const artifact = await read('report.pdf', pdf)
  expect(pictureTexts(artifact)).toEqual([
    [{ kind: 'page', page: 1 }, 'APPROVED by the auditor'],
    [{ kind: 'page', page: 3 }, 'Error code KX-4471 at gate seven'],
  ])
  expect(artifact.problems).toEqual([
    { code: 'pictures_read_by_ocr', userMessage: fileWording.ocr.picturesOnPages([1, 3]) },
  ])
  expect(outcome(artifact)).toBe('read')
})

test('pictures beyond the limit of OCR are counted, and the receipt says "partly"', async () => {
  const pdf = await makePdf((doc) => {
    doc.addPage().text(prose).image(Buffer.from(stamp), 56, 400, { width: 300 })
    doc.addPage().text(prose).image(Buffer.from(error), 56, 400, { width: 300 })
  })
  const artifact = await readWithin({ pdf: { ocrPages: 1 } }, 'report.pdf', pdf)
  expect(pictureTexts(artifact)).toHaveLength(1)
  expect(artifact.problems).toContainEqual({
    code: 'parts_unread',
    userMessage: fileWording.notice.unread('report.pdf', [['picture', 1]]),
  })
  expect(outcome(artifact)).toBe('partly')
})

test('a scan under invisible text is not recognized again, and a picture cut into strips is one', async () => {
  const width = 400
  const strip = deflateSync(Buffer.alloc(width * 40, 200))
  const image = `/Type/XObject/Subtype/Image/Width ${width}/Height 40/BitsPerComponent 8/ColorSpace/DeviceGray/Filter/FlateDecode`
  const strips = Array.from({ length: 10 }, (_, at) => `q 500 0 0 50 40 ${700 - at * 50} cm /I Do Q`)
  const words = `BT 3 Tr /F 12 Tf 50 720 Td (${prose.slice(0, 320)}) Tj ET`
  const scan = writePdf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R]/Count 1>>',
    '<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 842]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>/XObject<</I 6 0 R>>>>>>',
    '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
    { dictionary: '', stream: [...strips, words].join('\n') },
    { dictionary: image, stream: strip },
  ])
  const { picturesOn } = await import('./providers/pdf-pictures.ts')
  const { openPdf } = await import('./providers/pdf-document.ts')
  const { objectsOf } = await import('./providers/pdf-objects.ts')
  const found = async (bytes: Uint8Array) => {
    const { pdfium, withPage } = await openPdf({ bytes, name: 'scan.pdf', mediaType: 'application/pdf' })
    return withPage(1, (page) => picturesOn(pdfium, page, 1, objectsOf(pdfium, page).pictures))
  }
  expect(await found(scan)).toEqual([])
  const visible = Buffer.from(scan.toString('latin1').replace('BT 3 Tr', 'BT 0 Tr'), 'latin1')
  expect(await found(visible)).toMatchObject([{ box: { left: 40, right: 540, bottom: 250, top: 750 } }])
})

test('a quote from a picture is marked on the page', async () => {
  const pdf = await makePdf((doc) => {
    doc.addPage().text(prose).image(Buffer.from(error), 56, 400, { width: 400 })
  })
  const options = { width: 600, quote: 'Error code KX-4471', signal: new AbortController().signal }
  const { marks } = await reader.render(files.share('report.pdf', pdf).path, 1, options)
  expect(marks[0]?.y).toBeGreaterThan(0.4)
})
