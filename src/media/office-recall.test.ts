/** Known prose in every place that an office file has: 99 of 100 words are read, whichever program saved it. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import {
  chartPart,
  makeDocx,
  makeOdf,
  makePptx,
  makeXlsx,
  relationsPart,
  slideRelations,
} from '../../test/fixtures/make-zip.ts'
import { manualPages } from '../../test/fixtures/manual-prose.ts'
import { readHere } from '../../test/fixtures/read-here.ts'
import { findProgram } from './providers/soffice.ts'

/** Prose by the page, without signs that mean something in XML. */
const prose = manualPages({ pages: 40 }).map(({ paragraphs }) => paragraphs.join(' ').replace(/[<>&"]/g, ' '))
const pages = (from: number, to: number) => prose.slice(from, to)

const w = (text: string) => `<w:p><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`
const word = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
const notes = (tag: string, texts: readonly string[]) =>
  texts.map((text, at) => `<w:${tag} w:id="${at + 2}" w:author="Ines">${w(text)}</w:${tag}>`).join('')

function documentOfAll() {
  const box = (text: string) =>
    `<w:p><w:r><w:pict><v:shape xmlns:v="urn:schemas-microsoft-com:vml" style="width:200pt;height:100pt"><v:textbox><w:txbxContent>${w(text)}</w:txbxContent></v:textbox></v:shape></w:pict></w:r></w:p>`
  const field = (text: string) =>
    `<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:textInput/></w:ffData></w:fldChar></w:r><w:r><w:instrText> FORMTEXT </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t xml:space="preserve">${text}</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>`
  const control = (text: string) => `<w:sdt><w:sdtPr><w:text/></w:sdtPr><w:sdtContent>${w(text)}</w:sdtContent></w:sdt>`
  const reference = (at: number) =>
    `<w:p><w:r><w:t>See</w:t></w:r><w:r><w:footnoteReference w:id="${at + 2}"/></w:r><w:r><w:endnoteReference w:id="${at + 2}"/></w:r><w:r><w:commentReference w:id="${at + 2}"/></w:r></w:p>`
  const chart =
    '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="c"/></wp:inline></w:drawing></w:r></w:p>'
  const cell = (text: string) => `<w:tc><w:tcPr/>${w(text)}</w:tc>`
  const part = (root: string, content: string) => `<?xml version="1.0"?><w:${root} ${word}>${content}</w:${root}>`
  const body =
    pages(0, 6).map(w).join('') +
    `<w:tbl>${pages(6, 9)
      .map((text) => `<w:tr>${cell(text)}${cell('Row')}</w:tr>`)
      .join('')}</w:tbl>` +
    pages(9, 11).map(box).join('') +
    pages(11, 13).map(field).join('') +
    pages(13, 15).map(control).join('') +
    [0, 1].map(reference).join('')
  return makeDocx(
    `${body}${chart}`,
    relationsPart('word/document.xml', [
      ['f', 'footnotes', 'footnotes.xml'],
      ['e', 'endnotes', 'endnotes.xml'],
      ['k', 'comments', 'comments.xml'],
      ['c', 'chart', 'charts/chart1.xml'],
    ]),
    { name: 'word/footnotes.xml', content: part('footnotes', notes('footnote', pages(15, 17))) },
    { name: 'word/endnotes.xml', content: part('endnotes', notes('endnote', pages(17, 19))) },
    { name: 'word/comments.xml', content: part('comments', notes('comment', pages(19, 21))) },
    chartPart('word/charts/chart1.xml', prose[21] ?? '', pages(22, 24), { [prose[24] ?? '']: [1, 2] }),
  )
}

test('Word: body, tables, boxes, form fields, controls, notes, comments, charts', async () => {
  const { text, problems } = await readHere('all.docx', documentOfAll())
  expect(wordRecall(pages(0, 25).join(' '), text)).toBeGreaterThanOrEqual(0.99)
  expect(problems).toEqual([])
})

test('PowerPoint: slides, boxes, tables, charts, comments, notes', async () => {
  const a = (text: string) => `<a:p><a:r><a:t>${text}</a:t></a:r></a:p>`
  const shape = (text: string) => `<p:sp><p:txBody>${a(text)}</p:txBody></p:sp>`
  const table = `<a:tbl>${pages(4, 6)
    .map((text) => `<a:tr><a:tc><a:txBody>${a(text)}</a:txBody></a:tc></a:tr>`)
    .join('')}</a:tbl>`
  const bytes = makePptx(
    [`${pages(0, 4).map(shape).join('') + table}<c:chart r:id="c"/>`],
    relationsPart('ppt/presentation.xml', slideRelations(1)),
    relationsPart('ppt/slides/slide1.xml', [
      ['c', 'chart', '../charts/chart1.xml'],
      ['k', 'comments', '../comments/comment1.xml'],
      ['n', 'notesSlide', '../notesSlides/notes1.xml'],
    ]),
    chartPart('ppt/charts/chart1.xml', prose[6] ?? '', pages(7, 9), { [prose[9] ?? '']: [1, 2] }),
    {
      name: 'ppt/comments/comment1.xml',
      content: `<p:cmLst><p:cm authorId="0"><p:text>${prose[10]}</p:text></p:cm></p:cmLst>`,
    },
    { name: 'ppt/notesSlides/notes1.xml', content: `<p:notes>${shape(prose[11] ?? '')}</p:notes>` },
  )
  const { text, problems } = await readHere('all.pptx', bytes)
  expect(wordRecall(pages(0, 12).join(' '), text)).toBeGreaterThanOrEqual(0.99)
  expect(problems).toEqual([])
})

test('Excel: cells, comments, threads, boxes, controls, charts', async () => {
  const rows = pages(0, 20).map(
    (text, at) => `<row r="${at + 1}"><c r="A${at + 1}" t="inlineStr"><is><t>${text}</t></is></c></row>`,
  )
  const drawing = `<xdr:wsDr xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing">${pages(
    20,
    24,
  )
    .map((text) => `<xdr:sp><xdr:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></xdr:txBody></xdr:sp>`)
    .join('')}<c:chart r:id="c"/></xdr:wsDr>`
  const bytes = makeXlsx(
    rows.join(''),
    relationsPart('xl/worksheets/sheet1.xml', [
      ['d', 'drawing', '../drawings/drawing1.xml'],
      ['k', 'comments', '../comments1.xml'],
      ['t', 'threadedComment', '../threads1.xml'],
      ['v', 'vmlDrawing', '../drawings/vml1.vml'],
    ]),
    relationsPart('xl/drawings/drawing1.xml', [['c', 'chart', '../charts/chart1.xml']]),
    { name: 'xl/drawings/drawing1.xml', content: drawing },
    {
      name: 'xl/comments1.xml',
      content: `<comments><authors><author>Ines</author></authors><commentList><comment ref="A1" authorId="0"><text><t>${prose[24]}</t></text></comment></commentList></comments>`,
    },
    {
      name: 'xl/threads1.xml',
      content: `<ThreadedComments><threadedComment ref="A2"><text>${prose[25]}</text></threadedComment></ThreadedComments>`,
    },
    {
      name: 'xl/drawings/vml1.vml',
      content: `<xml><v:shape><v:textbox><div>${prose[26]}</div></v:textbox><x:ClientData ObjectType="Checkbox"/></v:shape></xml>`,
    },
    chartPart('xl/charts/chart1.xml', prose[27] ?? '', pages(28, 30), { [prose[30] ?? '']: [1, 2] }),
  )
  const { text, problems } = await readHere('all.xlsx', bytes)
  expect(wordRecall(pages(0, 31).join(' '), text)).toBeGreaterThanOrEqual(0.99)
  expect(problems).toEqual([])
})

test('OpenDocument: body, boxes, notes, comments, forms, headers, charts', async () => {
  const p = (text: string) => `<text:p>${text}</text:p>`
  const chart = {
    name: 'Object 1/content.xml',
    content: `<office:chart><chart:chart><chart:title>${p(prose[10] ?? '')}</chart:title><table:table><table:table-row><table:table-cell>${p('')}</table:table-cell><table:table-cell>${p(prose[11] ?? '')}</table:table-cell></table:table-row><table:table-row><table:table-cell>${p(prose[12] ?? '')}</table:table-cell><table:table-cell>${p('1')}</table:table-cell></table:table-row></table:table></chart:chart></office:chart>`,
  }
  const body =
    `<office:forms><form:form><form:text xml:id="c" form:current-value="${prose[0]}"/></form:form></office:forms>` +
    pages(1, 6).map(p).join('') +
    p(
      `See<text:note><text:note-citation>1</text:note-citation><text:note-body>${p(prose[6] ?? '')}</text:note-body></text:note><office:annotation>${p(prose[7] ?? '')}</office:annotation>`,
    ) +
    p(`<draw:frame><draw:text-box>${p(prose[8] ?? '')}</draw:text-box></draw:frame><draw:control draw:control="c"/>`) +
    p('<draw:frame><draw:object xlink:href="./Object 1"/></draw:frame>')
  const styles = {
    name: 'styles.xml',
    content: `<office:document-styles><style:master-page><style:header>${p(prose[9] ?? '')}</style:header></style:master-page></office:document-styles>`,
  }
  const { text, problems } = await readHere('all.odt', makeOdf('text', body, '', styles, chart))
  expect(wordRecall(pages(0, 13).join(' '), text)).toBeGreaterThanOrEqual(0.99)
  expect(problems).toEqual([])
})

const office = findProgram('soffice', process.env.PATH ?? '')
describe.skipIf(office === undefined)(
  `saved by LibreOffice${office === undefined ? ' (skipped: it is not installed here)' : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'parley-recall-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))

    test('as OpenDocument and as rich text, with boxes, notes and comments', async () => {
      const p = (text: string) => `<text:p>${text}</text:p>`
      const names = 'office text draw dc'
        .split(' ')
        .map(
          (name) =>
            `xmlns:${name}="${name === 'dc' ? 'http://purl.org/dc/elements/1.1/' : `urn:oasis:names:tc:opendocument:xmlns:${name === 'draw' ? 'drawing' : name}:1.0`}"`,
        )
      const svg = 'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
      const body =
        pages(0, 4).map(p).join('') +
        p(
          `See<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>${p(prose[4] ?? '')}</text:note-body></text:note><office:annotation><dc:creator>Ines</dc:creator>${p(prose[5] ?? '')}</office:annotation>`,
        ) +
        p(
          `<draw:frame text:anchor-type="paragraph" svg:width="10cm" svg:height="8cm"><draw:text-box>${p(prose[6] ?? '')}</draw:text-box></draw:frame>`,
        )
      const source = join(folder, 'all.fodt')
      writeFileSync(
        source,
        `<?xml version="1.0"?><office:document ${names.join(' ')} ${svg} office:version="1.2" office:mimetype="application/vnd.oasis.opendocument.text"><office:body><office:text>${body}</office:text></office:body></office:document>`,
      )
      for (const type of ['odt', 'rtf']) {
        spawnSync(office ?? '', [
          `-env:UserInstallation=file://${folder}/profile`,
          '--headless',
          '--convert-to',
          type,
          '--outdir',
          folder,
          source,
        ])
        const { text, problems } = await readHere(`all.${type}`, readFileSync(join(folder, `all.${type}`)))
        expect([type, wordRecall(pages(0, 7).join(' '), text) >= 0.99, problems]).toEqual([type, true, []])
      }
    })
  },
)
