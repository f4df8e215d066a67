/** What office files hold beside their paragraphs and cells is read, or counted in the receipt: nothing is dropped silently. */
import { describe, expect, test } from 'vitest'
import { makeDocx, makePptx, makeXlsx, relationsPart, slideRelations, wordStart } from '../../test/fixtures/make-zip.ts'
import { caseFile, casesMissing, type ReadHere, readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'

const textOf = ({ text }: ReadHere) => text
const linesOf = async (name: string, bytes: Uint8Array | string) => textOf(await readHere(name, bytes)).split('\n')
const outcomeOf = ({ outcome }: ReadHere) => outcome
const sentencesOf = ({ problems }: ReadHere) => problems.map(({ userMessage }) => userMessage)

const p = (text: string) => `<w:p><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`
const main = 'word/document.xml'
const graphic = (inner: string) => `<w:p><w:r><w:drawing><wp:inline>${inner}</wp:inline></w:drawing></w:r></w:p>`
const blip = (id: string) => `<wp:docPr/><a:graphic><a:blip r:embed="${id}"/></a:graphic>`

describe('Word forms', () => {
  const field = (data: string, result = '') =>
    `<w:r><w:fldChar w:fldCharType="begin"><w:ffData>${data}</w:ffData></w:fldChar></w:r><w:r><w:instrText> FORM </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>${result}</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>`
  const control = (properties: string, content: string) =>
    `<w:sdt><w:sdtPr>${properties}</w:sdtPr><w:sdtContent>${content}</w:sdtContent></w:sdt>`
  const box = (checked: string) => `<w14:checkbox><w14:checked w14:val="${checked}"/></w14:checkbox>`

  test('fields say what is ticked, chosen and typed', async () => {
    const body = `<w:p>${field('<w:checkBox><w:default w:val="0"/><w:checked/></w:checkBox>')}<w:r><w:t xml:space="preserve"> I agree</w:t></w:r></w:p><w:p>${field('<w:checkBox><w:default w:val="1"/><w:checked w:val="0"/></w:checkBox>')}<w:r><w:t xml:space="preserve"> I refuse</w:t></w:r></w:p><w:p><w:r><w:t xml:space="preserve">City: </w:t></w:r>${field('<w:ddList><w:result w:val="1"/><w:default w:val="0"/><w:listEntry w:val="Paris"/><w:listEntry w:val="Rome"/></w:ddList>', 'FORMDROPDOWN')}</w:p><w:p><w:r><w:t xml:space="preserve">Name: </w:t></w:r>${field('<w:textInput/>', 'Ada')}</w:p>`
    expect(await linesOf('form.docx', makeDocx(body))).toEqual([
      '[x] I agree',
      '[ ] I refuse',
      'City: Rome',
      'Name: Ada',
    ])
  })

  test('content controls say what is ticked, in a line, around a paragraph and in a table', async () => {
    const sign = '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>'
    const body = `<w:p>${control(box('1'), '<w:r><w:t>☒</w:t></w:r>')}<w:r><w:t xml:space="preserve"> Express</w:t></w:r></w:p>${control(box('0'), `<w:p>${sign}<w:r><w:t> </w:t></w:r></w:p>`)}<w:tbl><w:tr><w:tc>${control(box('true'), `<w:p>${sign}</w:p>`)}</w:tc><w:tc>${p('Gift')}</w:tc></w:tr></w:tbl><w:p>${control('<w:dropDownList/>', '<w:r><w:t>Lisbon</w:t></w:r>')}</w:p>`
    expect(await linesOf('controls.docx', makeDocx(body))).toEqual([
      '[x] Express',
      '[ ]',
      '| [x] | Gift |',
      '| --- | --- |',
      'Lisbon',
    ])
  })

  test('controls of ActiveX are counted', async () => {
    const artifact = await readHere(
      'active.docx',
      makeDocx(
        `<w:p><w:r><w:object><v:shape><v:imagedata r:id="p"/></v:shape><w:control r:id="c"/></w:object></w:r></w:p>${p('Order')}`,
      ),
    )
    expect(sentencesOf(artifact)).toEqual([fileWording.notice.unread('active.docx', [['form control', 1]])])
  })
})

describe('documents within a Word document', () => {
  const chunk = (path: string, content: string | Uint8Array) =>
    makeDocx(`${p('Before')}<w:altChunk r:id="c"/>${p('After')}`, relationsPart(main, [['c', 'aFChunk', path]]), {
      name: `word/${path}`,
      content,
    })
  const inner = makeDocx('', {
    name: main,
    content: `${wordStart}${p('The bond is 45,000 dollars.')}</w:body></w:document>`,
  })
  test.each<[path: string, content: string | Uint8Array, lines: string[]]>([
    [
      'a.html',
      '<html><meta charset="windows-1252"><body><h1>Offer</h1><table><tr><td>A</td><td>1</td></tr></table>Caf\xe9</body></html>',
      ['# Offer', '| A | 1 |', '| --- | --- |', 'Café'],
    ],
    ['a.rtf', '{\\rtf1\\ansi The bond is 45,000 dollars.\\par}', ['The bond is 45,000 dollars.']],
    ['a.txt', 'The bond is\n45,000 dollars.', ['The bond is', '45,000 dollars.']],
    [
      'a.mht',
      'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>The bond is 45,000 dollars.</p>\r\n--b--\r\n',
      ['The bond is 45,000 dollars.'],
    ],
    ['a.docx', inner, ['The bond is 45,000 dollars.']],
  ])('%s is read where it stands', async (path, content, lines) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
    expect(await linesOf('chunks.docx', chunk(path, bytes))).toEqual(['Before', ...lines, 'After'])
  })

  test('one in another format is counted', async () => {
    const artifact = await readHere('chunks.docx', chunk('a.bin', Buffer.from([0, 1, 2, 3, 255, 254])))
    expect(textOf(artifact)).toBe('Before\nAfter')
    expect(sentencesOf(artifact)).toEqual([fileWording.notice.unread('chunks.docx', [['embedded file', 1]])])
    expect(outcomeOf(artifact)).toBe('partly')
  })
})

describe('comments', () => {
  test('on cells of Excel have their author; threads stand for their copies', async () => {
    const sheet = 'xl/worksheets/sheet1.xml'
    const bytes = makeXlsx(
      '<row r="1"><c r="A1"><v>1</v></c></row>',
      relationsPart(sheet, [
        ['n', 'comments', '../comments1.xml'],
        ['t', 'threadedComment', '../threadedComments/threadedComment1.xml'],
      ]),
      relationsPart('xl/workbook.xml', [
        ['r1', 'worksheet', 'worksheets/sheet1.xml'],
        ['p', 'person', 'persons/person.xml'],
      ]),
      {
        name: 'xl/comments1.xml',
        content:
          '<comments><authors><author>Ines</author><author>tc={1}</author></authors><commentList><comment ref="B9" authorId="0"><text><r><t>Ines:</t></r><r><t>\nNet of 10</t></r><r><rPr><vertAlign val="superscript"/></rPr><t>6</t></r></text></comment><comment ref="A1" authorId="1"><text><t>[Threaded comment] Your version of Excel…</t></text></comment></commentList></comments>',
      },
      {
        name: 'xl/threadedComments/threadedComment1.xml',
        content:
          '<ThreadedComments><threadedComment ref="A1" personId="{p}" id="{1}"><text>Is this net?</text></threadedComment><threadedComment ref="A1" personId="{q}" id="{2}" parentId="{1}"><text>Gross.</text></threadedComment></ThreadedComments>',
      },
      {
        name: 'xl/persons/person.xml',
        content: '<personList><person displayName="Ada" id="{p}"/><person displayName="Ben" id="{q}"/></personList>',
      },
    )
    const artifact = await readHere('comments.xlsx', bytes)
    expect(artifact.segments.at(-1)).toMatchObject({
      at: { kind: 'rows', from: 1, to: 9 },
      text: '[Data] beside the cells\nA1, comment by Ada: Is this net?\nA1, reply by Ben: Gross.\nB9, comment by Ines: Net of 10^6',
    })
  })

  test('on slides of PowerPoint have their author, in older files and in threads', async () => {
    const box = '<p:sp><p:txBody><a:p><a:r><a:t>Slide</a:t></a:r></a:p></p:txBody></p:sp>'
    const bytes = makePptx(
      [box, box],
      relationsPart('ppt/presentation.xml', [
        ...slideRelations(2),
        ['a', 'commentAuthors', 'commentAuthors.xml'],
        ['b', 'authors', 'authors.xml'],
      ]),
      relationsPart('ppt/slides/slide1.xml', [['c', 'comments', '../comments/comment1.xml']]),
      relationsPart('ppt/slides/slide2.xml', [['c', 'comments', '../comments/modern1.xml']]),
      { name: 'ppt/commentAuthors.xml', content: '<p:cmAuthorLst><p:cmAuthor id="0" name="Ines"/></p:cmAuthorLst>' },
      {
        name: 'ppt/authors.xml',
        content:
          '<p188:authorLst><p188:author id="{A}" name="Ada"/><p188:author id="{B}" name="Ben"/></p188:authorLst>',
      },
      {
        name: 'ppt/comments/comment1.xml',
        content: '<p:cmLst><p:cm authorId="0"><p:pos x="1"/><p:text>Use the new logo.</p:text></p:cm></p:cmLst>',
      },
      {
        name: 'ppt/comments/modern1.xml',
        content:
          '<p188:cmLst><p188:cm authorId="{A}"><p188:replyLst><p188:reply authorId="{B}"><p188:txBody><a:p><a:r><a:t>Agreed.</a:t></a:r></a:p></p188:txBody></p188:reply></p188:replyLst><p188:txBody><a:p><a:r><a:t>Too </a:t></a:r><a:r><a:t>long?</a:t></a:r></a:p></p188:txBody></p188:cm></p188:cmLst>',
      },
    )
    expect(await linesOf('comments.pptx', bytes)).toEqual([
      'Slide',
      'Comment by Ines: Use the new logo.',
      'Slide',
      'Comment by Ada: Too long?',
      'Reply by Ben: Agreed.',
    ])
  })
})

describe('words outside of paragraphs and cells', () => {
  test('WordArt, watermarks and old drawings of Word', async () => {
    const art = '<w:p><w:r><w:pict><v:shape><v:textpath string="CONFIDENTIAL"/></v:shape></w:pict></w:r></w:p>'
    const canvas =
      '<w:p><w:r><w:drawing><a:graphic><a:p><a:r><a:t>Valve</a:t></a:r></a:p><a:p><a:r><a:t>Pump</a:t></a:r></a:p></a:graphic></w:drawing></w:r></w:p>'
    expect(await linesOf('art.docx', makeDocx(art + canvas))).toEqual(['CONFIDENTIAL', 'Valve Pump'])
  })

  test('WordArt of rich text', async () => {
    const rtf = '{\\rtf1 A{\\shp{\\*\\shpinst{\\sp{\\sn gtextUNICODE}{\\sv DRAFT}}{\\sp{\\sn fillColor}{\\sv 12}}}}}'
    expect(await linesOf('art.rtf', rtf)).toEqual(['ADRAFT'])
  })

  test('what Excel prints above and below each page', async () => {
    const sheet = `<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData><headerFooter><oddHeader>&amp;L&amp;"Arial,Bold"&amp;12Draft &amp;&amp; secret&amp;CR&amp;KFF0000&amp;D</oddHeader><oddFooter>&amp;CPage &amp;P of &amp;N</oddFooter><evenFooter>&amp;P</evenFooter></headerFooter></worksheet>`
    const bytes = makeXlsx('', { name: 'xl/worksheets/sheet1.xml', content: sheet })
    expect((await linesOf('print.xlsx', bytes)).slice(2)).toEqual([
      '[Data] beside the cells',
      'Header: Draft & secret R',
      'Footer: Page of',
    ])
  })
})

describe('a damaged part beside the text does not end the reading', () => {
  const broken = (name: string) => ({ name, content: Buffer.from('not deflated'), raw: true, declared: 100 })

  test('of Word: a chart and an inner document', async () => {
    const bytes = makeDocx(
      `${p('Before')}${graphic('<c:chart r:id="c"/>')}<w:altChunk r:id="a"/>${p('After')}`,
      relationsPart(main, [
        ['c', 'chart', 'charts/chart1.xml'],
        ['a', 'aFChunk', 'a.html'],
      ]),
      broken('word/charts/chart1.xml'),
      broken('word/a.html'),
    )
    const artifact = await readHere('a.docx', bytes)
    expect(textOf(artifact)).toBe('Before\nAfter')
    expect(sentencesOf(artifact)).toEqual([
      fileWording.notice.unread('a.docx', [
        ['chart', 1],
        ['embedded file', 1],
      ]),
    ])
  })

  test('of PowerPoint and Excel: comments', async () => {
    const slide = '<p:sp><p:txBody><a:p><a:r><a:t>Slide</a:t></a:r></a:p></p:txBody></p:sp>'
    const deck = makePptx(
      [slide],
      relationsPart('ppt/slides/slide1.xml', [['c', 'comments', '../c.xml']]),
      broken('ppt/c.xml'),
    )
    const fromDeck = await readHere('a.pptx', deck)
    expect([textOf(fromDeck), sentencesOf(fromDeck)]).toEqual([
      'Slide',
      [fileWording.notice.unread('a.pptx', [['comment', 1]])],
    ])
    const book = makeXlsx(
      '<row r="1"><c r="A1"><v>1</v></c></row>',
      relationsPart('xl/worksheets/sheet1.xml', [['c', 'comments', '../c.xml']]),
      broken('xl/c.xml'),
    )
    const fromBook = await readHere('a.xlsx', book)
    expect([textOf(fromBook), sentencesOf(fromBook)]).toEqual([
      '[Data] row | A\n1 | 1',
      [fileWording.partlyDamaged.sheets('a.xlsx', ['Data'])],
    ])
  })
})

describe('what is not looked at is counted', () => {
  test('in Word: pictures once each, embedded files, equations stored as pictures; not what is marked as decoration', async () => {
    const object = (program: string, id: string) =>
      `<w:p><w:r><w:object><v:shape><v:imagedata r:id="i${id}"/></v:shape><o:OLEObject ProgID="${program}" r:id="${id}"/></w:object></w:r></w:p>`
    const decoration = `<wp:docPr><adec:decorative val="1"/></wp:docPr><a:graphic><a:blip r:embed="c"/></a:graphic>`
    const bytes = makeDocx(
      `${p('Plan')}${graphic(blip('a'))}${graphic(blip('a'))}${graphic(blip('b'))}${graphic(decoration)}<w:p><w:r><w:pict><v:shape><v:imagedata r:id="old"/></v:shape></w:pict></w:r></w:p>${object('Excel.Sheet.12', 'e')}${object('Equation.3', 'f')}`,
      relationsPart(main, [
        ['a', 'image', 'media/image1.png'],
        ['b', 'image', 'media/image2.png'],
        ['c', 'image', 'media/image3.png'],
        ['old', 'image', 'media/image4.wmf'],
        ['e', 'package', 'embeddings/a.xlsx'],
        ['f', 'oleObject', 'embeddings/b.bin'],
      ]),
    )
    const artifact = await readHere('report.docx', bytes)
    expect(sentencesOf(artifact)).toEqual([
      'report.docx contains 3 pictures, 1 embedded file and 1 equation that were not read. Share on its own what you need of that.',
    ])
    expect(outcomeOf(artifact)).toBe('partly')
  })

  test('in PowerPoint: pictures, videos without their poster, embedded files', async () => {
    const slide =
      '<p:sp><p:txBody><a:p><a:r><a:t>Slide</a:t></a:r></a:p></p:txBody></p:sp><p:pic><p:cNvPr/><a:blip r:embed="a"/></p:pic><p:pic><p:cNvPr/><a:videoFile r:link="v"/><a:blip r:embed="b"/></p:pic><p:graphicFrame><p:oleObj progId="Excel.Sheet.12" r:id="e"><p:pic><p:cNvPr/><a:blip r:embed="c"/></p:pic></p:oleObj></p:graphicFrame>'
    const artifact = await readHere('deck.pptx', makePptx([slide]))
    expect(sentencesOf(artifact)).toEqual([
      fileWording.notice.unread('deck.pptx', [
        ['picture', 1],
        ['recording', 1],
        ['embedded file', 1],
      ]),
    ])
  })

  test('in Excel: embedded files; boxes to tick are read', async () => {
    const shape = (type: string, label: string, more = '') =>
      `<v:shape><v:textbox><div><font>${label}</font></div></v:textbox><x:ClientData ObjectType="${type}"><x:Anchor>0, 0, 4, 0, 1, 0, 5, 0</x:Anchor>${more}</x:ClientData></v:shape>`
    const bytes = makeXlsx(
      '<row r="1"><c r="A1"><v>1</v></c></row>',
      relationsPart('xl/worksheets/sheet1.xml', [
        ['v', 'vmlDrawing', '../drawings/vml1.vml'],
        ['o', 'oleObject', '../embeddings/a.bin'],
      ]),
      { name: 'xl/embeddings/a.bin', content: 'x' },
      {
        name: 'xl/drawings/vml1.vml',
        content: `<xml>${shape('Checkbox', 'Approved', '<x:Checked>1</x:Checked>')}${shape('Checkbox', 'Paid')}${shape('Radio', 'Monthly', '<x:Checked>1</x:Checked>')}${shape('Note', 'a comment')}${shape('Drop', '')}</xml>`,
      },
    )
    const artifact = await readHere('form.xlsx', bytes)
    expect(artifact.segments.at(-1)?.text).toBe('[Data] beside the cells\n[x] Approved\n[ ] Paid\n(x) Monthly')
    expect(sentencesOf(artifact)).toEqual([
      fileWording.notice.unread('form.xlsx', [
        ['form control', 1],
        ['embedded file', 1],
      ]),
    ])
  })
})

describe('alternative texts of pictures', () => {
  const pump = 'The pump from above,&#xA;valve V-12 on the left'
  const shown = '[The pump from above, valve V-12 on the left]'

  test('in Word are read where the picture stands, once; not what programs put there', async () => {
    const picture = (words: string) =>
      `<w:r><w:drawing><wp:inline><wp:docPr descr="${words}"/><a:graphic><pic:cNvPr descr="${words}"/><a:blip r:embed="a"/></a:graphic></wp:inline></w:drawing></w:r>`
    const old = '<w:r><w:pict><v:shape alt="A gasket"><v:imagedata r:id="b"/></v:shape></w:pict></w:r>'
    const bytes = makeDocx(
      `<w:p><w:r><w:t>See</w:t></w:r>${picture(pump)}<w:r><w:t>before you start.</w:t></w:r></w:p><w:p>${picture('IMG 2044.jpg')}</w:p><w:p>${picture('A sign. Description automatically generated')}</w:p><w:p>${old}</w:p>`,
      relationsPart(main, [
        ['a', 'image', 'media/image1.png'],
        ['b', 'image', 'media/image2.png'],
      ]),
    )
    const artifact = await readHere('manual.docx', bytes)
    expect(textOf(artifact).split('\n')).toEqual([`See ${shown} before you start.`, '[A sign.]', '[A gasket]'])
    expect(sentencesOf(artifact)).toEqual([fileWording.notice.unread('manual.docx', [['picture', 2]])])
  })

  test('in PowerPoint are lines of the slide', async () => {
    const slide = `<p:sp><p:txBody><a:p><a:r><a:t>Parts</a:t></a:r></a:p></p:txBody></p:sp><p:pic><p:nvPicPr><p:cNvPr id="4" name="Picture 3" descr="${pump}"/></p:nvPicPr><a:blip r:embed="a"/></p:pic>`
    expect(await linesOf('deck.pptx', makePptx([slide]))).toEqual(['Parts', shown])
  })
})

describe.skipIf(casesMissing)(`files of other projects${casesMissing}`, () => {
  test.each<[name: string, lines: string[], unread: string]>([
    ['15-48923.xlsx', ['A1, comment by Donovan: Comment A1'], ''],
    [
      '15-64759.xlsx',
      ['C2, comment by Pankaj Chaudhary: testing', 'B3, comment by Microsoft Office User: Sample Notes'],
      '',
    ],
    ['16-vodafone.xlsx', ['For convenience, this document, which contains unaudited information'], '1 picture'],
    ['17-testPPT_comment.pptx', ["Comment by Allison, Timothy B.: I'm afraid I'm going to have to ask you"], ''],
    ['18-line-chart.pptx', ['| Category | Sales |', '| 1st Qtr | 8.2 |', '| 4th Qtr | 1.2 |'], ''],
    ['18-pptx_chart.pptx', ['Chart: Wild Duck Observations by Year', '| 2022 | 175 | 130 |'], ''],
    ['18-text-and-picture.docx', ['The table below is final.'], '1 picture'],
    ['19-testWORD_diagramData.docx', ['From here', 'And then here.', 'This is a regular text in document body.'], ''],
    ['20-checkboxes.docx', ['unchecked: [ ]', 'Or checked: [x]', '[x][ ][x]'], ''],
    ['20-legacy-form.docx', ['[x] I agree to surgery', '[ ] I refuse surgery', 'Preferred city: Lisbon'], ''],
    [
      '21-altchunk.docx',
      ['Cover page of the tender.\nThe bid bond amounts to 45,000 dollars.\nEnd of the tender.'],
      '',
    ],
    ['21-testAltChunkHTML.docx', ['Simple paragraph with a emphasized word.', '| ROW 1 | ROW 1 |'], ''],
  ])('%s', async (name, lines, unread) => {
    const artifact = await readHere(name, caseFile(name))
    const text = textOf(artifact)
    expect(lines.filter((line) => !text.includes(line))).toEqual([])
    expect(sentencesOf(artifact).join(' ')).toContain(unread)
    expect(outcomeOf(artifact)).toBe(unread === '' ? 'read' : 'partly')
  })
})
