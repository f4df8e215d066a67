/** Text of PDFs whose meaning is in its place: tables without lines, raised and struck-out letters, fractions, right-to-left scripts. */
import { describe, expect, test } from 'vitest'
import { wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import { pagePdf, writePdf } from '../../test/fixtures/form-pdf.ts'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { caseFile, casesMissing } from '../../test/fixtures/read-here.ts'
import { openPdf } from './providers/pdf-document.ts'
import { objectsOf } from './providers/pdf-objects.ts'
import { textOf } from './providers/pdf-text.ts'
import { findQuote, lettersIn } from './providers/quote-marks.ts'

/** The lines of each page, read in this process, as the reading process does. */
async function pagesOf(bytes: Uint8Array): Promise<string[][]> {
  const { pdfium, pages, withPage } = await openPdf({ bytes, name: 'a.pdf', mediaType: 'application/pdf' })
  return Array.from({ length: pages }, (_, index) => {
    const text = withPage(index + 1, (page) => textOf(pdfium, page, objectsOf(pdfium, page)).text)
    return (text ?? '').split('\n').filter((line) => line !== '')
  })
}

const linesOf = async (bytes: Uint8Array): Promise<string[]> => (await pagesOf(bytes)).flat()

type Cell = [x: number, text: string]
const drawnRows = (rows: Cell[][], step = 18, top = 700) =>
  rows.flatMap((row, at) => row.map(([x, text]): [number, number, string] => [x, top - at * step, text]))

describe('tables without lines', () => {
  const stock: Cell[][] = [
    [
      [50, 'Part'],
      [150, 'Shelf'],
      [220, 'Expected'],
      [300, 'Counted'],
      [380, 'State'],
    ],
    [
      [50, 'PN-1204'],
      [150, 'C-3'],
      [300, '88'],
    ],
    [
      [220, '40'],
      [380, 'OK'],
    ],
    [
      [50, 'PN-1377'],
      [220, '12'],
      [300, '9'],
      [380, 'SHORT'],
    ],
  ]
  const stockRows = [
    '| Part | Shelf | Expected | Counted | State |',
    '| --- | --- | --- | --- | --- |',
    '| PN-1204 | C-3 |  | 88 |  |',
    '|  |  | 40 |  | OK |',
    '| PN-1377 |  | 12 | 9 | SHORT |',
  ]

  test('an empty cell keeps its column', async () => {
    const text: [number, number, string][] = [
      [50, 740, 'Stock of the northern store'],
      ...drawnRows(stock),
      [50, 600, 'Counted by two people.'],
    ]
    expect(await linesOf(pagePdf({ text }))).toEqual([
      'Stock of the northern store',
      ...stockRows,
      'Counted by two people.',
    ])
  })

  test('a table that the file draws column by column is read row by row', async () => {
    const text = drawnRows(stock).toSorted(([one], [other]) => one - other)
    expect(await linesOf(pagePdf({ text }))).toEqual(stockRows)
  })

  test('columns with gaps no wider than a space are told by their edges', async () => {
    const rows: Cell[][] = [
      [
        [50, 'Name'],
        [96, 'Town'],
        [146, 'Sum'],
      ],
      [
        [50, 'Miller'],
        [146, '12.50'],
      ],
      [
        [96, 'Cologne'],
        [146, '3.00'],
      ],
      [
        [50, 'Schmidt'],
        [96, 'Bonn'],
      ],
    ]
    expect(await linesOf(pagePdf({ text: drawnRows(rows) }))).toEqual([
      '| Name | Town | Sum |',
      '| --- | --- | --- |',
      '| Miller |  | 12.50 |',
      '|  | Cologne | 3.00 |',
      '| Schmidt | Bonn |  |',
    ])
  })

  test('headings in the middle stand over numbers on the right', async () => {
    const bytes = await makePdf((doc) => {
      doc.addPage()
      const right = (text: string, column: number, y: number) =>
        doc.text(text, 200 + column * 120, y, { width: 110, align: 'right', lineBreak: false })
      for (const [column, heading] of ['2023', '2024'].entries())
        doc.text(heading, 200 + column * 120, 100, { width: 110, align: 'center', lineBreak: false })
      doc.text('Region', 60, 100, { lineBreak: false })
      for (const [at, [region, ...sums]] of [
        ['North', '', '10'],
        ['South-West', '11', ''],
        ['Sum', '11', '10'],
      ].entries()) {
        doc.text(region ?? '', 60, 120 + at * 20, { lineBreak: false })
        for (const [column, sum] of sums.entries()) if (sum !== '') right(sum, column, 120 + at * 20)
      }
    })
    expect(await linesOf(bytes)).toEqual([
      '| Region | 2023 | 2024 |',
      '| --- | --- | --- |',
      '| North |  | 10 |',
      '| South-West | 11 |  |',
      '| Sum | 11 | 10 |',
    ])
  })

  const quarters: Cell[] = [
    [150, 'Q1'],
    [220, 'Q2'],
    [300, 'Q1'],
    [380, 'Q2'],
  ]
  test.each<[string, head: Cell[][], headings: string]>([
    [
      'in the middle of them',
      [
        [
          [180, '2023'],
          [335, '2024'],
        ],
        [[50, 'Region'], ...quarters],
      ],
      '| Region | 2023 Q1 | 2023 Q2 | 2024 Q1 | 2024 Q2 |',
    ],
    [
      'at their beginning',
      [
        [
          [50, 'Region'],
          [150, 'Sales in 2023'],
          [300, 'Sales in 2024'],
        ],
        quarters,
      ],
      '| Region | Sales in 2023 Q1 | Sales in 2023 Q2 | Sales in 2024 Q1 | Sales in 2024 Q2 |',
    ],
    [
      'in the middle of three, beside one over a single column',
      [
        [
          [50, 'Region'],
          [220, '2023'],
          [380, 'Total'],
        ],
        [
          [150, 'Q1'],
          [220, 'Q2'],
          [300, 'Q3'],
          [380, 'EUR'],
        ],
      ],
      '| Region | 2023 Q1 | 2023 Q2 | 2023 Q3 | Total EUR |',
    ],
  ])('a heading over several columns names each: %s', async (_, head, headings) => {
    const body = ['North', 'South', 'West'].map((place, at): Cell[] => [
      [50, place],
      ...[150, 220, 300, 380].map((x, column): Cell => [x, `${at}${column}`]),
    ])
    const text: [number, number, string][] = [[50, 730, 'The year in figures'], ...drawnRows([...head, ...body])]
    expect(await linesOf(pagePdf({ text }))).toEqual([
      'The year in figures',
      headings,
      '| --- | --- | --- | --- | --- |',
      '| North | 00 | 01 | 02 | 03 |',
      '| South | 10 | 11 | 12 | 13 |',
      '| West | 20 | 21 | 22 | 23 |',
    ])
  })

  test('prose in columns, lists and code are no tables', async () => {
    const prose = 'The pump starts when the level falls below the lower mark of the tank and'
    const columns = [0, 1].flatMap((column) =>
      [0, 1, 2, 3].map((at): [number, number, string] => [40 + column * 290, 700 - at * 14, prose.slice(0, 48)]),
    )
    const list = drawnRows(
      ['Close the valve', 'Open the drain', 'Wait a minute'].map((text, at): Cell[] => [
        [50, `${at + 1}.`],
        [90, text],
      ]),
      14,
      600,
    )
    const code = ['int count;', 'char name[8];', 'long size;'].map(
      (line, at) => `BT /C 10 Tf 50 ${500 - at * 12} Td (${line.split(' ').join(') Tj 60 0 Td (')}) Tj ET`,
    )
    const font = '/Resources<</Font<</F 4 0 R/C 6 0 R>>>>'
    const drawn = [...columns, ...list].map(([x, y, words]) => `BT /F 12 Tf ${x} ${y} Td (${words}) Tj ET`)
    const bytes = writePdf([
      '<</Type/Catalog/Pages 2 0 R>>',
      '<</Type/Pages/Kids[3 0 R]/Count 1>>',
      `<</Type/Page/Parent 2 0 R/MediaBox[0 0 640 842]/Contents 5 0 R${font}>>`,
      '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
      { dictionary: '', stream: [...drawn, ...code].join('\n') },
      '<</Type/Font/Subtype/Type1/BaseFont/Courier>>',
    ])
    const lines = await linesOf(bytes)
    expect(lines.join('\n')).not.toContain('|')
    expect(lines).toContain('1. Close the valve')
    expect(lines.join(' ')).toContain('int count;')
  })

  test('hundreds of rows keep every word in its column', async () => {
    const rows = Array.from({ length: 300 }, (_, at) => [
      `Pump ${at}`,
      at % 3 === 2 ? '' : `K-${1000 + at}`,
      at % 4 === 2 ? '' : `${(at * 3.5).toFixed(2)}`,
      at % 5 === 2 ? '' : `${at % 31}`,
    ])
    const bytes = await makePdf((doc) => {
      for (const [at, row] of rows.entries()) {
        if (at % 30 === 0) doc.addPage()
        for (const [column, cell] of row.entries())
          if (cell !== '') doc.text(cell, 60 + column * 120, 60 + (at % 30) * 22, { lineBreak: false })
      }
    })
    const lines = (await linesOf(bytes)).filter((line) => !line.includes('---'))
    expect(wordRecall(rows.flat().join(' '), lines.join(' '))).toBeGreaterThanOrEqual(0.99)
    expect(lines).toEqual(rows.map((row) => `| ${row.join(' | ')} |`))
  })

  test.skipIf(casesMissing)(`a sparse table by another program${casesMissing}`, async () => {
    const lines = await linesOf(caseFile('11-SPARSE-2024-INV-1234_borderless_table.pdf'))
    expect(lines).toContain('| Product Code | Location | Expected | Actual | Variance | Status |')
    expect(lines).toContain('| SKU-4563 | D-22 |  | 156 |  | CRITICAL |')
    expect(lines).toContain('|  |  | 180 |  | -24 |  |')
    expect(lines).toContain('|  |  |  | 935 | +15 | OK |')
  })
})

describe('letters that change a value', () => {
  const line = (y: number, parts: string) => `BT /F 12 Tf 50 ${y} Td ${parts} ET`
  const up = (text: string) => `/F 7 Tf 5 Ts (${text}) Tj /F 12 Tf 0 Ts`
  const down = (text: string) => `/F 7 Tf -3 Ts (${text}) Tj /F 12 Tf 0 Ts`

  test('a single digit below another number', async () => {
    const below = (upper: string, lower: string) =>
      pagePdf({
        text: [
          [300, 700, upper],
          [300, 664, lower],
        ],
      })
    expect(await linesOf(below('88', '9'))).toEqual(['88', '9'])
    expect(await linesOf(below('The last line of the page.', '7'))).toEqual(['The last line of the page.', '7'])
    expect(await linesOf(below('8', '9'))).toEqual(['8', '9'])
  })

  test.each([
    ['a power of ten', `(The dose is 10) Tj ${up('6')} ( units.) Tj`, 'The dose is 10^6 units.'],
    ['a negative power', `(It is 10) Tj ${up('-3')} (.) Tj`, 'It is 10^-3.'],
    ['a term as exponent', `(a) Tj ${up('n+1')} ( grows) Tj`, 'a^(n+1) grows'],
    ['a digit right behind an exponent', `(2) Tj ${up('10')} (5 bits) Tj`, '2^(10)5 bits'],
    ['an index', `(v) Tj ${down('max')} ( and H) Tj ${down('2')} (O) Tj`, 'v_max and H_2O'],
    ['an ordinal', `(the 1) Tj ${up('st')} ( of May) Tj`, 'the 1st of May'],
    ["a footnote's number", `${up('12')} ( Smith, Journal.) Tj`, '^12 Smith, Journal.'],
    ['a mixed number', `(Take 2) Tj ${up('1')} (/) Tj ${down('2')} ( cups.) Tj`, 'Take 2 1/2 cups.'],
    [
      'a struck-out price',
      '(The fee is 900 750 dollars.) Tj ET 106 704 20 0.8 re f BT',
      'The fee is ~~900~~ 750 dollars.',
    ],
    ['an underlined price', '(The fee is 900 dollars.) Tj ET 106 698 20 0.8 re f BT', 'The fee is 900 dollars.'],
    [
      'small print on the line',
      '(See the ) Tj /F 7 Tf (small print) Tj /F 12 Tf ( there.) Tj',
      'See the small print there.',
    ],
  ])('%s', async (_, parts, text) => {
    expect(await linesOf(pagePdf({ drawn: line(700, parts) }))).toEqual([text])
  })

  test('a large first letter of a chapter raises nothing', async () => {
    const drawn =
      'BT /F 40 Tf 50 680 Td (T) Tj /F 12 Tf 26 18 Td (his chapter is about pumps) Tj 0 -14 Td (and valves.) Tj ET'
    expect((await linesOf(pagePdf({ drawn }))).join(' ')).not.toMatch(/[\^_]/)
  })

  test('a fraction with a bar', async () => {
    const drawn = [
      'BT /F 12 Tf 50 700 Td (x = ) Tj ET',
      'BT /F 12 Tf 76 708 Td (a + b) Tj ET 75 703.5 32 0.6 re f BT /F 12 Tf 82 691 Td (2c) Tj ET',
      'BT /F 12 Tf 112 700 Td (is half of it.) Tj ET',
    ].join('\n')
    expect(await linesOf(pagePdf({ drawn }))).toEqual(['x = (a + b)/(2c) is half of it.'])
  })

  test('a rule between two lines of text is no fraction', async () => {
    const text: [number, number, string][] = [
      [50, 708, 'Heading of the page'],
      [50, 691, 'The first line of its text.'],
    ]
    const lines = await linesOf(pagePdf({ text, drawn: '50 704 112 0.6 re f' }))
    expect(lines).toEqual(text.map(([, , words]) => words))
  })

  test('a quote with marks is found on the page', () => {
    expect(findQuote(lettersIn('It is 106 units.'), '10^6 units'.replace(/[|^~]/g, ' '))).toHaveLength(1)
    expect(findQuote('المشكالتالكبيرة', 'المشكلات الكبيرة')).toEqual([[0, 15]])
  })
})

describe('pages made to take long', () => {
  const letters = Array.from({ length: 20_000 }, (_, at) => `1 0 0 1 ${(at * 7) % 580} ${(at * 13) % 830} Tm (7) Tj`)

  test.each([
    ['letters everywhere', `BT /F 6 Tf ${letters.join('\n')} ET`],
    [
      'letters everywhere between thousands of lines',
      `BT /F 6 Tf ${letters.join('\n')} ET ${Array.from({ length: 3_900 }, (_, at) => `${(at * 11) % 560} ${(at * 17) % 830} 20 0.5 re f`).join('\n')}`,
    ],
    [
      'one line of a thousand gaps',
      `BT /F 6 Tf ${letters
        .slice(0, 9_000)
        .map((_, at) => `1 0 0 1 ${at * 20} 700 Tm (${at % 10}) Tj`)
        .join('\n')} ET`,
    ],
    [
      'rows that are nearly a table',
      `BT /F 4 Tf ${Array.from({ length: 4_000 }, (_, at) => `1 0 0 1 ${(at % 2) * 200} ${830 - Math.floor(at / 2) * 0.4} Tm (word word word word word word) Tj`).join('\n')} ET`,
    ],
  ])('%s', async (_, drawn) => {
    expect((await linesOf(pagePdf({ drawn }))).length).toBeGreaterThan(0)
  })
})

describe('scripts from right to left', () => {
  /** Words of a font whose codes 1, 2 … mean `meanings`, drawn from left to right. */
  function fontPdf(meanings: string[], codes: number[]): Buffer {
    const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
    const units = (text: string) => [...Buffer.from(text, 'utf16le').swap16()].map((byte) => hex(byte, 2)).join('')
    const map = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def 1 begincodespacerange <00> <ff> endcodespacerange
      ${meanings.length} beginbfchar ${meanings.map((text, at) => `<${hex(at + 1, 2)}> <${units(text)}>`).join('\n')} endbfchar endcmap end end`
    const widths = Array.from({ length: meanings.length }, () => 600).join(' ')
    return writePdf([
      '<</Type/Catalog/Pages 2 0 R>>',
      '<</Type/Pages/Kids[3 0 R]/Count 1>>',
      '<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F 4 0 R>>>>>>',
      `<</Type/Font/Subtype/Type1/BaseFont/Helvetica/FirstChar 1/LastChar ${meanings.length}/Widths[${widths}]/ToUnicode 6 0 R>>`,
      { dictionary: '', stream: `BT /F 12 Tf 200 700 Td <${codes.map((code) => hex(code, 2)).join('')}> Tj ET` },
      { dictionary: '', stream: map },
    ])
  }

  test.each([
    ['lam-alef as two letters', ['ت', 'لا', 'ك', 'ش', 'م', 'ل', 'ا'], [1, 2, 3, 4, 5, 6, 7], 'المشكلات'],
    ['lam-alef as one shape', ['ت', '\uFEFC', 'ك', 'ش', 'م', 'ل', 'ا'], [1, 2, 3, 4, 5, 6, 7], 'المشكلات'],
    ['lam with hamza', ['م', 'لأ', 'ا'], [1, 2, 3], 'الأم'],
    ['shapes of letters within a word', ['\uFEE1', '\uFEFC', '\uFEB3'], [1, 2, 3], 'سلام'],
    ['Hebrew', ['ם', 'ו', 'ל', 'ש'], [1, 2, 3, 4], 'שלום'],
    ['a Hebrew letter with its dot', ['ם', 'ו', 'ל', '\uFB2A'], [1, 2, 3, 4], 'שׁלום'.normalize('NFKC')],
    ['Latin ligatures', ['o', '\uFB03', 'c', 'e'], [1, 2, 3, 4], 'office'],
  ])('%s', async (_, meanings, codes, text) => {
    expect(await linesOf(fontPdf(meanings, codes))).toEqual([text])
  })
})
