/** What a PDF holds beside the text of its pages: forms, notes, attached files; and damaged files by the second parser. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { changedByQpdf, program } from '../../test/fixtures/foreign-pdf.ts'
import { filledForm, pagePdf, pdfWithFiles, reviewedPage, writePdf, xfaForm } from '../../test/fixtures/form-pdf.ts'
import { makeManual } from '../../test/fixtures/make-pdf.ts'
import { createSharedFiles, type SharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import type { Reader } from './reader.ts'
import { describeReading } from './receipt.ts'

const { receipt } = fileWording

let files: SharedFiles
let reader: Reader
beforeAll(() => {
  files = createSharedFiles()
  reader = createReader()
})
afterAll(async () => {
  await reader.close()
  files.remove()
})

const read = (bytes: Uint8Array, name = 'form.pdf'): Promise<Artifact> =>
  reader.read(files.share(name, bytes), watched())
const segment = (artifact: Artifact, start: string) => artifact.segments.find(({ text }) => text.startsWith(start))
const attachment = { id: '1', name: 'form.pdf', mediaType: 'application/pdf', bytes: 1 }
const summary = (artifact: Artifact) => describeReading(attachment as never, artifact).summary

const cases = '/work/shared/cases/media'
const sharedCase = (name: string) => {
  const path = join(process.env.PARLEY_CASES ?? cases, name)
  return existsSync(path) ? readFileSync(path) : undefined
}

describe('forms', () => {
  test('reads fields with their labels: typed, ticked, picked and chosen', async () => {
    const artifact = await read(filledForm())
    const form = segment(artifact, 'Form fields:')
    expect(form?.at).toEqual({ kind: 'page', page: 1 })
    expect(form?.text.split('\n')).toEqual([
      'Form fields:',
      'Patient: Jane Doe',
      '[ ] I agree to surgery',
      '[x] I refuse surgery',
      'blood: ( ) Group A, (x) Group B',
      'Ward: [ ] North wing, [x] South wing',
    ])
    expect(artifact.problems).toEqual([])
    expect(summary(artifact)).toBe(receipt.read(receipt.pages(1, 1, 0)))
  })

  test("Adobe's own kind of form gives its words and values, not its request to wait", async () => {
    const artifact = await read(xfaForm())
    expect(artifact.segments.map(({ text }) => text)).toEqual([
      'Application for residence\nSurname: Okafor\nGiven name: Chidi\n[x] Married',
    ])
    expect(artifact).toMatchObject({ pages: 1, problems: [] })
  })

  const unreadable = sharedCase('01-xfa_issue14315.pdf')
  test.skipIf(!unreadable)('an XFA form without words is reported (skipped: no shared cases)', async () => {
    const artifact = await read(unreadable ?? new Uint8Array())
    expect(artifact.problems.map(({ code }) => code)).toContain('form_unsupported')
  })

  const buttons = sharedCase('10-annotation-button-widget.pdf')
  test.skipIf(!buttons)(
    'reads which boxes are ticked in a form by another program (skipped: no shared cases)',
    async () => {
      const form = segment(await read(buttons ?? new Uint8Array()), 'Form fields:')?.text
      expect(form).toContain('[x] Check box, checked')
      expect(form).toContain('[ ] Check box, unchecked')
    },
  )
})

describe('notes', () => {
  test('reads notes, replies and marks with their authors and marked words', async () => {
    const notes = segment(await read(reviewedPage()), 'Notes on this page:')
    expect(notes?.at).toEqual({ kind: 'page', page: 1 })
    expect(notes?.text.split('\n').slice(1)).toEqual([
      'Note by Ada: Is this net or gross?',
      'Reply by Ben: Net.',
      'Struck out by Ada: “900”: 750',
      'Highlighted by Ben: “Payment is due in thirty days.”',
    ])
  })

  const foreign = sharedCase('08-annotation-text-without-popup.pdf')
  test.skipIf(!foreign)('a note by another program is read (skipped: no shared cases)', async () => {
    const notes = segment(await read(foreign ?? new Uint8Array()), 'Notes on this page:')?.text
    expect(notes).toContain('Note by Tim van der Meij: Text content without Popup annotation')
  })

  test('a page with only links does not load the second parser', async () => {
    const link = '<</Type/Annot/Subtype/Link/Rect[0 0 9 9]/Border[0 0 0]/A<</S/URI/URI(https://example.org)>>>>'
    const artifact = await read(pagePdf({ text: [[50, 780, 'See our page.']], annotations: ['6 0 R'] }, '', [link]))
    expect(artifact.segments).toHaveLength(1)
  })
})

describe('attached files', () => {
  test('are listed and read, and each can be cited', async () => {
    const invoice = '<?xml version="1.0"?>\n<Invoice><ID>RE-4711</ID></Invoice>\n'
    const artifact = await read(
      pdfWithFiles([
        ['factur-x.xml', invoice],
        ['hours.csv', 'day,hours\nMonday,7\n'],
      ]),
    )
    expect(segment(artifact, 'Attached files:')?.text).toBe(
      'Attached files:\n- factur-x.xml (58 bytes)\n- hours.csv (19 bytes)',
    )
    const inner = artifact.segments.filter(({ at }) => at.inner !== undefined)
    expect(inner.map(({ at }) => at.inner)).toEqual(['factur-x.xml', 'hours.csv'])
    expect(inner[0]?.text).toContain('RE-4711')
    expect(summary(artifact)).toBe(receipt.read(receipt.pages(1, 1, 2)))
  })

  test('a program is named and refused', async () => {
    const artifact = await read(pdfWithFiles([['tool.exe', Buffer.concat([Buffer.from('MZ'), Buffer.alloc(600)])]]))
    expect(artifact.problems).toMatchObject([{ userMessage: expect.stringContaining('tool.exe') }])
  })

  test('nested PDFs are opened to a bounded depth, and the last one is named', async () => {
    let nested = pagePdf({ text: [[50, 780, 'The innermost page.']] })
    for (const name of ['d.pdf', 'c.pdf', 'b.pdf', 'a.pdf']) nested = pdfWithFiles([[name, nested]])
    const artifact = await read(nested)
    expect(artifact.segments.map(({ at }) => at.inner)).toContain('a.pdf/b.pdf')
    expect(artifact.segments.map(({ text }) => text).join('\n')).not.toContain('The innermost page.')
    expect(artifact.problems).toMatchObject([
      { userMessage: expect.stringContaining(fileWording.inner.attachmentsTooDeep('b.pdf')) },
    ])
  })

  const foreign = sharedCase('09-attachment.pdf')
  test.skipIf(!foreign)('a file attached by another program is read (skipped: no shared cases)', async () => {
    const artifact = await read(foreign ?? new Uint8Array())
    expect(artifact.segments.map(({ at }) => at.inner)).toContain('foo.txt')
  })
})

describe('damaged files', () => {
  const fact = 'The torque for the K-22 clamp is 41 newton metres.'

  test('a PDF cut to 60 % gives the pages that are left', async () => {
    const whole = await makeManual({ pages: 40, facts: { 10: fact } })
    const artifact = await read(whole.subarray(0, whole.length * 0.6), 'manual.pdf')
    expect(artifact.pages).toBeGreaterThan(20)
    expect(artifact.segments.filter(({ text }) => text.includes(fact)).map(({ at }) => at)).toEqual([
      { kind: 'page', page: 10 },
    ])
    expect(artifact.problems[0]).toMatchObject({ code: 'file_damaged' })
  })

  const qpdf = program('qpdf')
  test.skipIf(qpdf === undefined)(
    'a compressed PDF with noise before it is read by the second parser (skipped without qpdf)',
    async () => {
      const whole = await makeManual({ pages: 12, facts: { 7: fact } })
      const compressed = await changedByQpdf(qpdf ?? '', whole, (input) => ['--object-streams=generate', input])
      const artifact = await read(Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(5_000, 'x'), compressed]))
      expect(artifact.pages).toBe(12)
      expect(artifact.segments.filter(({ text }) => text.includes(fact)).map(({ at }) => at)).toEqual([
        { kind: 'page', page: 7 },
      ])
      expect(artifact.problems).toMatchObject([{ code: 'file_damaged' }])
    },
  )

  test('the second parser reads Japanese fonts that are not embedded', async () => {
    const page = '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>>>>>'
    const font =
      '<</Type/Font/Subtype/Type0/BaseFont/Ryumin-Light/Encoding/90ms-RKSJ-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType0/BaseFont/Ryumin-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(Japan1)/Supplement 2>>/FontDescriptor<</Type/FontDescriptor/FontName/Ryumin-Light/Flags 4/FontBBox[0 0 1000 1000]/ItalicAngle 0/Ascent 800/Descent -200/StemV 80>>>>]>>'
    const objects = ['<</Type/Catalog/Pages 2 0 R>>', '<</Type/Pages/Kids[3 0 R]/Count 1>>', page, font]
    const pdf = writePdf([...objects, { dictionary: '', stream: 'BT /F 12 Tf 50 700 Td <93FA967B> Tj ET' }])
    const { openWithPdfjs } = await import('./providers/pdfjs.ts')
    expect((await (await openWithPdfjs(pdf)).text(1)).trim()).toBe('日本')
  })
})
