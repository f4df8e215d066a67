/** What a PDF holds beside the text of its pages: forms, notes, attached files; and damaged files by the second parser. */
import { describe, expect, test } from 'vitest'
import { changedByQpdf, program, wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import { filledForm, pagePdf, pdfWithFiles, reviewedPage, writePdf, xfaForm } from '../../test/fixtures/form-pdf.ts'
import { makeManual } from '../../test/fixtures/make-pdf.ts'
import { caseFile, casesMissing } from '../../test/fixtures/read-here.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { describeReading } from './receipt.ts'

const { receipt } = fileWording

const shared = sharedReader()

const read = (bytes: Uint8Array, name = 'form.pdf') => shared.read(name, bytes)
const segment = (artifact: Artifact, start: string) => artifact.segments.find(({ text }) => text.startsWith(start))
const attachment = { id: '1', name: 'form.pdf', mediaType: 'application/pdf', bytes: 1 }
const summary = (artifact: Artifact) => describeReading(attachment as never, artifact).summary

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

  test('values without a layout are read from the data of the form', async () => {
    const data =
      '<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><xfa:data><form1><applicant><surname>Okafor</surname><born>1984-03-01</born></applicant><empty/></form1></xfa:data></xfa:datasets>'
    const artifact = await read(xfaForm({ template: '<template/>', data }))
    expect(artifact.segments.map(({ text }) => text)).toEqual([
      'Entered in the form:\nsurname: Okafor\nborn: 1984-03-01',
    ])
    expect(artifact.problems).toEqual([])
  })

  test('a form with neither words nor values is refused with what to do, and its request to wait is not read', async () => {
    await expect(read(xfaForm({ template: '<template/>', data: '' }))).rejects.toMatchObject({
      code: 'file_unsupported',
      userMessage: fileWording.refusal.xfaForm('form.pdf'),
    })
  })

  test.skipIf(casesMissing)(`an XFA form of drawings alone is refused${casesMissing}`, async () => {
    await expect(read(caseFile('01-xfa_issue14315.pdf'))).rejects.toMatchObject({ code: 'file_unsupported' })
  })

  test('lists with several choices, long lists and buttons that nobody chose', async () => {
    const widget = (rect: string, rest: string) => `<</Type/Annot/Subtype/Widget/F 4/P 3 0 R/Rect[${rect}]${rest}>>`
    const countries = Array.from({ length: 40 }, (_, at) => `(Country ${at})`).join('')
    const bytes = pagePdf(
      {
        text: [
          [50, 740, 'Languages:'],
          [50, 640, 'Country:'],
          [50, 600, 'Smoker'],
          [170, 600, 'yes'],
          [250, 600, 'no'],
        ],
        annotations: ['6 0 R', '7 0 R', '9 0 R', '10 0 R'],
      },
      '/AcroForm<</Fields[6 0 R 7 0 R 8 0 R]/DA(/F 12 Tf)/DR<</Font<</F 4 0 R>>>>>>',
      [
        widget(
          '120 690 300 752',
          '/FT/Ch/Ff 2097152/T(languages)/V[(en)(sw)]/Opt[[(en)(English)][(fr)(French)][(sw)(Swahili)]]',
        ),
        widget('120 636 300 652', `/FT/Ch/Ff 131072/T(country)/V(Country 7)/Opt[${countries}]`),
        '<</FT/Btn/Ff 49152/T(smoker)/V/Off/Kids[9 0 R 10 0 R]>>',
        widget('150 598 162 610', '/Parent 8 0 R/AS/Off/AP<</N<</Y 11 0 R/Off 11 0 R>>>>'),
        widget('230 598 242 610', '/Parent 8 0 R/AS/Off/AP<</N<</N 11 0 R/Off 11 0 R>>>>'),
        { dictionary: '/Type/XObject/Subtype/Form/BBox[0 0 12 12]', stream: '' },
      ],
    )
    expect(
      segment(await read(bytes), 'Form fields:')
        ?.text.split('\n')
        .slice(1),
    ).toEqual(['Languages: [x] English, [ ] French, [x] Swahili', 'Country: Country 7', 'smoker: ( ) yes, ( ) no'])
  })

  test('a long form keeps every value', async () => {
    const fields = Array.from({ length: 60 }, (_, at) => ({
      label: `Question ${at}`,
      value: `Reply number ${at * 37}`,
    }))
    const bytes = pagePdf(
      {
        text: fields.map(({ label }, at) => [40, 830 - at * 13, label]),
        annotations: fields.map((_, at) => `${6 + at} 0 R`),
      },
      `/AcroForm<</Fields[${fields.map((_, at) => `${6 + at} 0 R`).join(' ')}]/DA(/F 12 Tf)/DR<</Font<</F 4 0 R>>>>>>`,
      fields.map(
        ({ value }, at) =>
          `<</Type/Annot/Subtype/Widget/F 4/P 3 0 R/Rect[150 ${828 - at * 13} 400 ${840 - at * 13}]/FT/Tx/T(f${at})/V(${value})>>`,
      ),
    )
    const form = segment(await read(bytes), 'Form fields:')?.text ?? ''
    const wanted = fields.map(({ label, value }) => `${label}: ${value}`)
    expect(wordRecall(wanted.join('\n'), form)).toBeGreaterThanOrEqual(0.99)
    expect(form.split('\n').slice(1)).toEqual(wanted)
  })

  test.skipIf(casesMissing)(`reads which boxes are ticked in a form by another program${casesMissing}`, async () => {
    const form = segment(await read(caseFile('10-annotation-button-widget.pdf')), 'Form fields:')?.text
    expect(form).toContain('[x] Check box, checked')
    expect(form).toContain('[ ] Check box, unchecked')
  })
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

  test('marks over several lines quote all of them, and a page of many notes keeps each', async () => {
    const lines = Array.from({ length: 20 }, (_, at) => `Clause ${at} of the contract about item ${at * 7}.`)
    const y = (at: number) => 800 - at * 30
    const quad = (at: number) => `50 ${y(at) + 12} 300 ${y(at) + 12} 50 ${y(at) - 4} 300 ${y(at) - 4}`
    const note = (at: number) =>
      `<</Type/Annot/Subtype/Text/Rect[400 ${y(at)} 420 ${y(at) + 20}]/T(Ada)/Contents(Remark ${at}: check item ${at * 7})>>`
    const bytes = pagePdf(
      { text: lines.map((line, at) => [50, y(at), line]), annotations: lines.map((_, at) => `${6 + at} 0 R`) },
      '',
      [
        `<</Type/Annot/Subtype/Highlight/Rect[50 ${y(1)} 300 ${y(0) + 12}]/QuadPoints[${quad(0)} ${quad(1)}]/T(Ben)>>`,
        `<</Type/Annot/Subtype/StrikeOut/Rect[50 ${y(2) - 4} 300 ${y(2) + 12}]/QuadPoints[${quad(2)}]>>`,
        ...lines.slice(2).map((_, at) => note(at + 2)),
      ],
    )
    const notes = segment(await read(bytes), 'Notes on this page:')
      ?.text.split('\n')
      .slice(1)
    expect(notes).toEqual([
      `Highlighted by Ben: “${lines[0]} ${lines[1]}”`,
      `Struck out: “${lines[2]}”`,
      ...lines.slice(2).map((_, at) => `Note by Ada: Remark ${at + 2}: check item ${(at + 2) * 7}`),
    ])
  })

  test('a page with nothing but a note counts as read, and the receipt does not deny it', async () => {
    const annotations = ['<</Type/Annot/Subtype/Text/Rect[400 770 420 790]/T(Ada)/Contents(Sign here.)>>']
    const artifact = await read(pagePdf({ annotations }))
    expect(artifact.problems).toEqual([])
    expect(summary(artifact)).toBe(receipt.read(receipt.pages(1, 1, 0)))
  })

  test.skipIf(casesMissing)(`a note by another program is read${casesMissing}`, async () => {
    const notes = segment(await read(caseFile('08-annotation-text-without-popup.pdf')), 'Notes on this page:')?.text
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

  test('a portfolio with folders, and a file pinned to a page', async () => {
    const portfolio = pagePdf(
      { text: [[50, 780, 'Open this portfolio in Acrobat.']], annotations: ['12 0 R'] },
      '/Collection<</View/D>>/Names<</EmbeddedFiles<</Names[(<1>offer.csv) 6 0 R (<2>plan.txt) 8 0 R]>>>>',
      [
        '<</Type/Filespec/F(offer.csv)/UF(offer.csv)/Desc(The second offer)/EF<</F 7 0 R>>>>',
        { dictionary: '/Type/EmbeddedFile', stream: 'item,price\npump,900\n' },
        '<</Type/Filespec/F(plan.txt)/UF(plan.txt)/EF<</F 9 0 R>>>>',
        { dictionary: '/Type/EmbeddedFile', stream: 'Build in May.\n' },
        '<</Type/Filespec/F(pinned.txt)/UF(pinned.txt)/EF<</F 11 0 R>>>>',
        { dictionary: '/Type/EmbeddedFile', stream: 'Key under the mat.\n' },
        '<</Type/Annot/Subtype/FileAttachment/Rect[400 770 420 790]/FS 10 0 R/Contents(Where the key is)>>',
      ],
    )
    const artifact = await read(portfolio)
    expect(segment(artifact, 'Attached files:')?.text.split('\n').slice(1)).toEqual([
      '- offer.csv (20 bytes): The second offer',
      '- plan.txt (14 bytes)',
      '- pinned.txt (19 bytes): Where the key is',
    ])
    expect(artifact.segments.flatMap(({ at }) => at.inner ?? [])).toEqual(['offer.csv', 'plan.txt', 'pinned.txt'])
    expect(artifact.segments.at(-1)?.text).toContain('Key under the mat.')
    expect(summary(artifact)).toBe(receipt.read(receipt.pages(1, 1, 3)))
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

  test.skipIf(casesMissing)(`a file attached by another program is read${casesMissing}`, async () => {
    const artifact = await read(caseFile('09-attachment.pdf'))
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
  /** Its tables are compressed and point to other places. */
  const onlyForTheSecond = async (whole: Buffer) => {
    const compressed = await changedByQpdf(qpdf ?? '', whole, (input) => ['--object-streams=generate', input])
    return Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(5_000, 'x'), compressed])
  }
  test.skipIf(qpdf === undefined)(
    'a compressed PDF with noise before it is read by the second parser (skipped without qpdf)',
    async () => {
      const whole = await makeManual({ pages: 12, facts: { 7: fact } })
      const artifact = await read(await onlyForTheSecond(whole))
      expect(artifact.pages).toBe(12)
      expect(artifact.segments.filter(({ text }) => text.includes(fact)).map(({ at }) => at)).toEqual([
        { kind: 'page', page: 7 },
      ])
      expect(artifact.problems).toMatchObject([{ code: 'file_damaged' }])
    },
  )

  test.skipIf(qpdf === undefined)(
    'the second parser reads the forms, notes and files of such a PDF, too (skipped without qpdf)',
    async () => {
      const form = await read(await onlyForTheSecond(filledForm()))
      expect(segment(form, 'Form fields:')?.text).toContain('Patient: Jane Doe\n[ ] I agree to surgery\n[x] I refuse')
      expect(form.problems).toMatchObject([{ code: 'file_damaged' }])
      const whole = await read(reviewedPage())
      const noted = await read(await onlyForTheSecond(reviewedPage()))
      expect(noted.segments.map(({ text }) => text)).toEqual(whole.segments.map(({ text }) => text))
      const files = await read(await onlyForTheSecond(pdfWithFiles([['sums.csv', 'item,sum\nbolt,12\n']])))
      expect(segment(files, '[sums.csv]')).toMatchObject({
        text: '[sums.csv]\nitem | sum\nbolt | 12',
        at: { inner: 'sums.csv' },
      })
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
