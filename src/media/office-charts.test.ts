/** Charts and diagrams of office files are read with their titles, series, categories and values, each where it stands. */
import { describe, expect, test } from 'vitest'
import { chartPart, makeDocx, makePptx, makeXlsx, relationsPart } from '../../test/fixtures/make-zip.ts'
import { type ReadHere, readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'

const textOf = ({ text }: ReadHere) => text
const linesOf = async (name: string, bytes: Uint8Array | string) => textOf(await readHere(name, bytes)).split('\n')
const sentencesOf = ({ problems }: ReadHere) => problems.map(({ userMessage }) => userMessage)

const p = (text: string) => `<w:p><w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`
const main = 'word/document.xml'
const graphic = (inner: string) => `<w:p><w:r><w:drawing><wp:inline>${inner}</wp:inline></w:drawing></w:r></w:p>`
const chartAt = (id: string) => `<c:chart r:id="${id}"/>`
const sales = (name: string) =>
  chartPart(name, 'Sales by quarter', ['Q1', 'Q2'], { North: [1200.5, 1310], South: [0.25, 9] }, '#,##0.00 "EUR"')
const salesLines = [
  'Chart: Sales by quarter',
  '| Category | North | South |',
  '| --- | --- | --- |',
  '| Q1 | 1,200.50 EUR | 0.25 EUR |',
  '| Q2 | 1,310.00 EUR | 9.00 EUR |',
]
const diagram = (name: string, ...texts: string[]) => ({
  name,
  content: `<dgm:dataModel xmlns:dgm="x" xmlns:a="y">${texts.map((text) => `<dgm:pt><dgm:t><a:p><a:r><a:t>${text}</a:t></a:r></a:p></dgm:t></dgm:pt>`).join('')}</dgm:dataModel>`,
})

describe('charts and diagrams', () => {
  test('of Word stand after their paragraph or table, with titles, series and values', async () => {
    const table = `<w:tbl><w:tr><w:tc>${p('Cell')}</w:tc><w:tc>${graphic('<dgm:relIds r:dm="d"/>')}</w:tc></w:tr><w:tr><w:tc>${p('Last')}</w:tc></w:tr></w:tbl>`
    const bytes = makeDocx(
      `${p('Intro')}${graphic(chartAt('c'))}${table}`,
      relationsPart(main, [
        ['c', 'chart', 'charts/chart1.xml'],
        ['d', 'diagramData', 'diagrams/data1.xml'],
      ]),
      sales('word/charts/chart1.xml'),
      diagram('word/diagrams/data1.xml', 'Plan', 'Build'),
    )
    const artifact = await readHere('chart.docx', bytes)
    expect(textOf(artifact).split('\n')).toEqual([
      'Intro',
      ...salesLines,
      '| Cell |  |',
      '| --- | --- |',
      '| Last |',
      'Plan',
      'Build',
    ])
    expect(artifact.problems).toEqual([])
  })

  test('of PowerPoint stand on their slide', async () => {
    const slide = `<p:sp><p:nvSpPr><p:nvPr><p:ph type="title"/></p:nvPr></p:nvSpPr><p:txBody><a:p><a:r><a:t>Results</a:t></a:r></a:p></p:txBody></p:sp><p:graphicFrame>${chartAt('c')}</p:graphicFrame><p:graphicFrame><dgm:relIds r:dm="d"/></p:graphicFrame>`
    const bytes = makePptx(
      [slide],
      relationsPart('ppt/slides/slide1.xml', [
        ['c', 'chart', '../charts/chart1.xml'],
        ['d', 'diagramData', '../diagrams/data1.xml'],
      ]),
      sales('ppt/charts/chart1.xml'),
      diagram('ppt/diagrams/data1.xml', 'Plan', 'Build'),
    )
    expect(await linesOf('chart.pptx', bytes)).toEqual(['# Results', ...salesLines, 'Plan', 'Build'])
  })

  const cell = '<row r="1"><c r="A1"><v>1</v></c></row>'
  const sheet = 'xl/worksheets/sheet1.xml'
  const drawing = (inner: string) => ({
    name: 'xl/drawings/drawing1.xml',
    content: `<wsDr xmlns="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">${inner}</wsDr>`,
  })
  const anchor = (row: number, inner: string) =>
    `<twoCellAnchor><from><col>0</col><row>${row}</row></from>${inner}</twoCellAnchor>`

  test('of Excel follow the rows with text boxes, each with the row that it stands on', async () => {
    const box = anchor(6, '<sp><txBody><a:p><a:r><a:t>All figures are unaudited.</a:t></a:r></a:p></txBody></sp>')
    const bytes = makeXlsx(
      cell,
      relationsPart(sheet, [['d', 'drawing', '../drawings/drawing1.xml']]),
      relationsPart('xl/drawings/drawing1.xml', [
        ['c', 'chart', '../charts/chart1.xml'],
        ['p', 'image', '../media/image1.png'],
      ]),
      drawing(
        `${box}${anchor(9, '<graphicFrame><a:graphic><c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="c"/></a:graphic></graphicFrame>')}${anchor(1, '<pic><cNvPr/><a:blip r:embed="p"/></pic>')}`,
      ),
      sales('xl/charts/chart1.xml'),
    )
    const artifact = await readHere('chart.xlsx', bytes)
    expect(artifact.segments.at(-1)).toMatchObject({
      at: { kind: 'rows', sheet: 'Data', from: 7, to: 10 },
      text: ['[Data] beside the cells', 'All figures are unaudited.', ...salesLines].join('\n'),
    })
    expect(sentencesOf(artifact)).toEqual([fileWording.notice.unread('chart.xlsx', [['picture', 1]])])
  })

  test('a sheet that holds nothing but a chart is read', async () => {
    const bytes = makeXlsx(
      '<row r="1"></row>',
      relationsPart(sheet, [['d', 'drawing', '../drawings/drawing1.xml']]),
      relationsPart('xl/drawings/drawing1.xml', [['c', 'chart', '../charts/chart1.xml']]),
      drawing(anchor(0, '<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" r:id="c"/>')),
      sales('xl/charts/chart1.xml'),
    )
    expect(await linesOf('only.xlsx', bytes)).toEqual(['[Data] beside the cells', ...salesLines])
  })

  const point = (at: number, value: string) => `<c:pt idx="${at}"><c:v>${value}</c:v></c:pt>`
  const chart = (plot: string) => ({
    name: 'word/charts/chart1.xml',
    content: `<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart><c:plotArea>${plot}</c:plotArea></c:chart></c:chartSpace>`,
  })
  test.each<[kind: string, part: { name: string; content: string }, lines: string[]]>([
    [
      'points with coordinates',
      chart(
        `<c:ser><c:xVal><c:numRef><c:numCache>${point(0, '1')}${point(1, '2.5')}</c:numCache></c:numRef></c:xVal><c:yVal><c:numRef><c:numCache>${point(0, '10')}${point(1, '40')}</c:numCache></c:numRef></c:yVal></c:ser>`,
      ),
      ['Chart:', '| Series | x | y |', '| --- | --- | --- |', '| Series 1 | 1 | 10 |', '| Series 1 | 2.5 | 40 |'],
    ],
    [
      'categories in groups, dates and axis titles',
      chart(
        `<c:ser><c:cat><c:multiLvlStrRef><c:multiLvlStrCache><c:lvl>${point(0, 'Jan')}${point(1, 'Feb')}${point(2, 'Jan')}</c:lvl><c:lvl>${point(0, '2023')}${point(2, '2024')}</c:lvl></c:multiLvlStrCache></c:multiLvlStrRef></c:cat><c:val><c:numRef><c:numCache><c:formatCode>yyyy-mm-dd</c:formatCode>${point(0, '45352')}${point(2, '45353')}</c:numCache></c:numRef></c:val></c:ser><c:catAx><c:title><c:tx><c:rich><a:p><a:r><a:t>Month</a:t></a:r></a:p></c:rich></c:tx></c:title></c:catAx><c:valAx><c:title><c:tx><c:rich><a:p><a:r><a:t>Due</a:t></a:r></a:p></c:rich></c:tx></c:title></c:valAx>`,
      ),
      [
        'Chart:',
        'Values: Due',
        '| Month | Series 1 |',
        '| --- | --- |',
        '| 2023 Jan | 2024-03-01 |',
        '| 2023 Feb |  |',
        '| 2024 Jan | 2024-03-02 |',
      ],
    ],
    [
      'a waterfall of newer programs',
      {
        name: 'word/charts/chart1.xml',
        content:
          '<cx:chartSpace xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"><cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:lvl><cx:pt idx="0">Start</cx:pt><cx:pt idx="1">Costs</cx:pt></cx:lvl></cx:strDim><cx:numDim type="val"><cx:lvl formatCode="General"><cx:pt idx="0">100</cx:pt><cx:pt idx="1">-30</cx:pt></cx:lvl></cx:numDim></cx:data></cx:chartData><cx:chart><cx:title><cx:tx><cx:txData><cx:v>Bridge</cx:v></cx:txData></cx:tx></cx:title><cx:plotArea><cx:series><cx:tx><cx:txData><cx:v>Profit</cx:v></cx:txData></cx:tx><cx:dataId val="0"/></cx:series></cx:plotArea></cx:chart></cx:chartSpace>',
      },
      ['Chart: Bridge', '| Category | Profit |', '| --- | --- |', '| Start | 100 |', '| Costs | -30 |'],
    ],
  ])('%s', async (_, part, lines) => {
    const bytes = makeDocx(graphic(chartAt('c')), relationsPart(main, [['c', 'chart', 'charts/chart1.xml']]), part)
    expect(await linesOf('chart.docx', bytes)).toEqual(lines)
  })

  test('a chart that names only its last point takes one row', async () => {
    const last = chart(
      `<c:ser><c:val><c:numRef><c:numCache>${point(99_999, '7')}</c:numCache></c:numRef></c:val></c:ser>`,
    )
    const bytes = makeDocx(graphic(chartAt('c')), relationsPart(main, [['c', 'chart', 'charts/chart1.xml']]), last)
    expect((await linesOf('chart.docx', bytes)).slice(1)).toEqual([
      '| Category | Series 1 |',
      '| --- | --- |',
      '| 100000 | 7 |',
    ])
  })

  test('without stored data they are counted', async () => {
    const bytes = makeDocx(
      `${p('Text')}${graphic(chartAt('c'))}${graphic('<dgm:relIds r:dm="d"/>')}`,
      relationsPart(main, [
        ['c', 'chart', 'charts/chart1.xml'],
        ['d', 'diagramData', 'diagrams/data1.xml'],
      ]),
      chart(''),
      diagram('word/diagrams/data1.xml'),
    )
    expect(sentencesOf(await readHere('bare.docx', bytes))).toEqual([
      fileWording.notice.unread('bare.docx', [
        ['chart', 1],
        ['diagram', 1],
      ]),
    ])
  })
})
