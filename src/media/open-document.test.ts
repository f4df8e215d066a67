/** OpenDocument files and rich text: values as people see them, and nothing dropped silently. */
import { describe, expect, test } from 'vitest'
import { makeOdf } from '../../test/fixtures/make-zip.ts'
import { caseFile, casesMissing, readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'

const { unread } = fileWording.notice
const linesOf = async (name: string, bytes: Uint8Array | string) => (await readHere(name, bytes)).text.split('\n')
const style = (name: string, properties: string, more = '') =>
  `<style:style style:name="${name}"${more}><style:text-properties ${properties}/></style:style>`
const marks =
  style('Up', 'style:text-position="super 58%"') +
  style('Down', 'style:text-position="-33% 58%"') +
  style('Struck', 'style:text-line-through-style="solid"') +
  style('StruckToo', 'fo:color="#f00"', ' style:parent-style-name="Struck"') +
  style('Gone', 'text:display="none"')
const p = (text: string, look = '') => `<text:p${look === '' ? '' : ` text:style-name="${look}"`}>${text}</text:p>`
const span = (text: string, look: string) => `<text:span text:style-name="${look}">${text}</text:span>`
const image = (name: string) => `<draw:frame><draw:image xlink:href="Pictures/${name}"/></draw:frame>`
const object = (name: string) =>
  `<draw:frame><draw:object xlink:href="./${name}"/><draw:image xlink:href="./ObjectReplacements/${name}"/></draw:frame>`
const equation = {
  name: 'Object 1/content.xml',
  content:
    '<math xmlns="http://www.w3.org/1998/Math/MathML"><mi>x</mi><mo>=</mo><mfrac><mn>1</mn><mn>2</mn></mfrac></math>',
}
const cell = (text: string) => `<table:table-cell>${p(text)}</table:table-cell>`
const row = (...texts: string[]) => `<table:table-row>${texts.map(cell).join('')}</table:table-row>`
const chart = {
  name: 'Object 2/content.xml',
  content: `<office:document-content><office:body><office:chart><chart:chart><chart:title>${p('Sales')}</chart:title><chart:plot-area><chart:axis chart:dimension="y"><chart:title>${p('EUR')}</chart:title></chart:axis></chart:plot-area><table:table>${row('', 'North')}${row('Q1', '12.5')}${row('Q2', '13')}</table:table></chart:chart></office:chart></office:body></office:document-content>`,
}
const chartLines = ['Chart: Sales', 'Axes: y: EUR', '|  | North |', '| --- | --- |', '| Q1 | 12.5 |', '| Q2 | 13 |']
const comment = (author: string, text: string) =>
  `<office:annotation><dc:creator>${author}</dc:creator><dc:date>2024-01-01</dc:date>${p(text)}</office:annotation>`
const forms =
  '<office:forms><form:form><form:checkbox xml:id="c1" form:label="Express" form:current-state="checked"/><form:checkbox xml:id="c2" form:label="Gift"/><form:listbox xml:id="c3"><form:option form:label="Paris"/><form:option form:label="Rome" form:current-selected="true"/></form:listbox><form:text xml:id="c4" form:current-value="Ada"/><form:radio xml:id="c5" form:label="Monthly" form:current-selected="true"/></form:form></office:forms>'
const control = (id: string) => `<draw:control draw:control="${id}"/>`

describe('OpenDocument texts', () => {
  test('raised, lowered, struck-out and hidden text, by styles that inherit', async () => {
    const body =
      p(`10${span('6', 'Up')} and H${span('2', 'Down')}O`) +
      p(`${span('900', 'StruckToo')} 750 ${span('secret', 'Gone')}euros`) +
      p('void', 'Struck') +
      `<text:section text:display="none">${p('hidden section')}</text:section>`
    const { text, problems, outcome } = await readHere('marks.odt', makeOdf('text', body, marks))
    expect(text.split('\n')).toEqual(['10^6 and H_2O', '~~900~~ 750 euros', '~~void~~'])
    expect(problems.map(({ userMessage }) => userMessage)).toEqual([unread('marks.odt', [['hidden passage', 2]])])
    expect(outcome).toBe('partly')
  })

  test('equations stand in their sentence, charts after their paragraph or table', async () => {
    const table = `<table:table><table:table-row><table:table-cell>${p(object('Object 2'))}</table:table-cell>${cell('b')}</table:table-row></table:table>`
    const body = p(`Take ${object('Object 1')}.`) + table + p('End')
    const { text, problems } = await readHere('objects.odt', makeOdf('text', body, '', equation, chart))
    expect(text.split('\n')).toEqual(['Take x = 1/2.', '|  | b |', '| --- | --- |', ...chartLines, 'End'])
    expect(problems).toEqual([])
  })

  test('forms say what is ticked, chosen and typed, also those kept from Word', async () => {
    const mark = (type: string, ...parameters: [string, string][]) =>
      `<field:fieldmark field:type="vnd.oasis.opendocument.field.${type}">${parameters.map(([name, value]) => `<field:param field:name="${name}" field:value="${value}"/>`).join('')}</field:fieldmark>`
    const body =
      forms +
      p(`${control('c1')}, ${control('c2')}`) +
      p(`City: ${control('c3')}, name: ${control('c4')}`) +
      p(control('c5')) +
      p(`${mark('FORMCHECKBOX', ['Checkbox_Checked', 'true'])} yes ${mark('FORMCHECKBOX')} no`) +
      p(
        mark(
          'FORMDROPDOWN',
          ['Dropdown_ListEntry', 'Paris'],
          ['Dropdown_ListEntry', 'Rome'],
          ['Dropdown_Selected', '1'],
        ),
      )
    expect(await linesOf('form.odt', makeOdf('text', body))).toEqual([
      '[x] Express, [ ] Gift',
      'City: Rome, name: Ada',
      '(x) Monthly',
      '[x] yes [ ] no',
      'Rome',
    ])
  })

  test('alternative texts of pictures are read where the picture stands', async () => {
    const picture = (title: string, words: string) =>
      `<draw:frame><draw:image xlink:href="Pictures/a.png"/><svg:title>${title}</svg:title><svg:desc>${words}</svg:desc></draw:frame>`
    const text = await linesOf('a.odt', makeOdf('text', p(`See${picture('', 'The pump\n from above')}now.`)))
    expect(text).toEqual(['See [The pump from above] now.'])
    const slide = `<draw:page>${picture('Valve V-12', 'on the left')}</draw:page>`
    expect(await linesOf('a.odp', makeOdf('presentation', slide))).toEqual(['[Valve V-12]', '[on the left]'])
  })

  test('headers and footers are read; pictures and embedded files are counted', async () => {
    const styles = {
      name: 'styles.xml',
      content: `<office:document-styles><office:master-styles><style:master-page><style:header>${p('Confidential')}</style:header><style:footer>${p('Page')}</style:footer></style:master-page></office:master-styles></office:document-styles>`,
    }
    const decoration = '<draw:frame loext:decorative="true"><draw:image xlink:href="Pictures/c.png"/></draw:frame>'
    const body = p('Body') + p(image('a.png') + image('a.png') + image('b.png') + decoration + object('Object 9'))
    const { text, problems } = await readHere('report.odt', makeOdf('text', body, '', styles))
    expect(text.split('\n')).toEqual(['Header: Confidential', 'Body', 'Footer: Page'])
    expect(problems.map(({ userMessage }) => userMessage)).toEqual([
      unread('report.odt', [
        ['picture', 2],
        ['embedded file', 1],
      ]),
    ])
  })
})

test('OpenDocument slides have their charts and comments', async () => {
  const page = (inner: string) => `<draw:page>${inner}</draw:page>`
  const box = (text: string) => `<draw:frame><draw:text-box>${p(text)}</draw:text-box></draw:frame>`
  const body =
    page(box('First') + object('Object 2') + comment('Ines', 'Newer figures?').replaceAll('office:', 'officeooo:')) +
    page(box('Second') + image('a.png'))
  const { segments, problems } = await readHere('deck.odp', makeOdf('presentation', body, '', chart))
  expect(segments.map(({ text, at }) => [at, text.split('\n')])).toEqual([
    [{ kind: 'slide', slide: 1 }, ['First', ...chartLines, 'Comment by Ines: Newer figures?']],
    [{ kind: 'slide', slide: 2 }, ['Second']],
  ])
  expect(problems.map(({ userMessage }) => userMessage)).toEqual([unread('deck.odp', [['picture', 1]])])
})

describe('OpenDocument spreadsheets', () => {
  const value = (type: string, stored: string, shown: string, more = '') =>
    `<table:table-cell office:value-type="${type}" office:value="${stored}"${more}>${p(shown)}</table:table-cell>`
  const sheet = (rows: string, shapes = '') =>
    `<table:table table:name="Data"><table:shapes>${shapes}</table:shapes>${rows}</table:table>`

  test('what a format adds is kept, and all digits are', async () => {
    const cells = [
      value('float', '2139', '02139'),
      value('float', '2500000', '2,500K'),
      value('float', '1', 'Yes'),
      value('float', '1.23456', '1.23'),
      value('float', '-12.5', '(12.50)'),
      value('float', '123456789', '123-45-6789'),
      value('currency', '1234.5', '€ 1,234.50'),
      `<table:table-cell office:value-type="string">${p(`10${span('6', 'Up')}`)}</table:table-cell>`,
      value('float', '900', '900', ' table:style-name="Struck"'),
      '<table:table-cell table:formula="of:=[.A1]*2"/>',
    ]
    const { text, problems } = await readHere(
      'values.ods',
      makeOdf('spreadsheet', sheet(`<table:table-row>${cells.join('')}</table:table-row>`), marks),
    )
    expect(text.split('\n')[1]).toBe(
      '1 | 02139 | 2,500K | Yes | 1.23456 | -12.5 | 123-45-6789 | € 1,234.50 | 10^6 | ~~900~~ | =[.A1]*2',
    )
    expect(problems).toMatchObject([{ code: 'formulas_unvalued' }])
  })

  test('comments, boxes, controls and charts follow the rows; headings of two rows name both', async () => {
    const wide = (text: string, columns: number) =>
      `<table:table-cell table:number-columns-spanned="${columns}">${p(text)}</table:table-cell>${'<table:covered-table-cell/>'.repeat(columns - 1)}`
    const rows =
      `<table:table-row>${cell('Region')}${wide('2023', 2)}${wide('2024', 2)}</table:table-row>` +
      row('', 'Sales', 'Cost', 'Sales', 'Cost') +
      `<table:table-row>${cell('North')}<table:table-cell office:value-type="float" office:value="7">${comment('Ada', 'Net?')}${p('7')}</table:table-cell></table:table-row>`
    const shapes = `<draw:custom-shape>${p('Unaudited.')}</draw:custom-shape>${object('Object 2')}${control('c1')}`
    const { segments } = await readHere(
      'beside.ods',
      makeOdf('spreadsheet', `${forms}${sheet(rows, shapes)}`, '', chart),
    )
    expect(segments[0]?.text.split('\n')[0]).toBe(
      '[Data] row | A: Region | B: 2023 Sales | C: 2023 Cost | D: 2024 Sales | E: 2024 Cost',
    )
    expect(segments[0]?.text).toContain('3 | North | 7')
    expect(segments[1]).toMatchObject({
      at: { kind: 'rows', sheet: 'Data', from: 1, to: 3 },
      text: ['[Data] beside the cells', 'Unaudited.', ...chartLines, '[x] Express', 'B3, comment by Ada: Net?'].join(
        '\n',
      ),
    })
  })
})

describe('rich text', () => {
  const rtf = (body: string) =>
    `{\\rtf1\\ansi{\\fonttbl{\\f0 Arial;}{\\f3\\fcharset2{\\*\\panose 0505}Symbol;}}\\f0 ${body}}`
  test.each<[what: string, body: string, lines: string[]]>([
    [
      'raised and lowered text',
      '10{\\super 6} cells, H{\\sub 2}O, m{\\up6 2}, x\\super n+1\\nosupersub .',
      ['10^6 cells, H_2O, m^2, x^(n+1).'],
    ],
    [
      'runs in groups of their own',
      '10{\\super 1}{\\super 2} and {\\strike 9}{\\strike 00} 750, \\constructor x',
      ['10^12 and ~~900~~ 750, x'],
    ],
    [
      'struck-out text',
      '{\\strike 900} 750, {\\strikedl1 old}, \\strike a\\strike0 b',
      ['~~900~~ 750, ~~old~~, ~~a~~b'],
    ],
    [
      'symbols',
      '5 {\\f3 m}g, {\\f3\\u-3987?}, {\\field{\\*\\fldinst SYMBOL 109 \\\\f "Symbol"}{\\fldrslt}}',
      ['5 μg, μ, μ'],
    ],
    [
      'equations',
      'E {\\mmath{\\*\\moMath{\\mr =}{\\mf{\\mnum{\\mr 1}}{\\mden{\\mr 2}}}{\\msSup{\\me{\\mr m}}{\\msup{\\mr 2}}}}}{\\mmathPict{\\pict 00}}.',
      ['E = 1/2 m^2.'],
    ],
    [
      'forms',
      '{\\field{\\*\\fldinst{ FORMCHECKBOX {\\*\\formfield{\\fftype1\\ffres1}}}}{\\fldrslt}} yes {\\field{\\*\\fldinst{ FORMCHECKBOX {\\*\\formfield{\\fftype1\\ffres25\\ffdefres0}}}}{\\fldrslt}} no\\par City: {\\field{\\*\\fldinst FORMDROPDOWN {\\*\\formfield{\\fftype2\\ffres1{\\*\\ffl Paris}{\\*\\ffl Rome}}}}{\\fldrslt Paris}}\\par Name: {\\field{\\*\\fldinst FORMTEXT}{\\fldrslt Ada}}',
      ['[x] yes [ ] no', 'City: Rome', 'Name: Ada'],
    ],
    [
      'comments with their author, and old text boxes',
      'Text{\\*\\atnauthor Ines}{\\*\\annotation Net?}\\par{\\*\\do\\dpx1{\\dptxbx{\\dptxbxtext Boxed\\par}}}',
      ['Text', 'Boxed', 'Comment by Ines: Net?'],
    ],
  ])('%s', async (_, body, lines) => {
    const { text, problems } = await readHere('a.rtf', rtf(body))
    expect(text.split('\n')).toEqual(lines)
    expect(problems).toEqual([])
  })

  test('hidden text, pictures, embedded files and boxes without a state are counted', async () => {
    const { text, problems } = await readHere(
      'a.rtf',
      rtf(
        'Seen {\\v hidden} words{\\*\\shppict{\\pict 00}}{\\nonshppict{\\pict 00}}{\\object{\\*\\objclass Excel.Sheet}{\\result{\\pict 00}}}{\\object{\\*\\objclass Equation.3}}{\\field{\\*\\fldinst{ FORMCHECKBOX }}{\\fldrslt}}{\\shp{\\*\\shpinst{\\sp{\\sn shapeType}{\\sv 202}}{\\shptxt Box}}}',
      ),
    )
    expect(text).toBe('Seen  wordsBox')
    expect(problems.map(({ userMessage }) => userMessage)).toEqual([
      unread('a.rtf', [
        ['hidden passage', 1],
        ['picture', 1],
        ['embedded file', 1],
        ['equation', 1],
        ['form control', 1],
      ]),
    ])
  })

  test.skipIf(casesMissing)(`a file of another project${casesMissing}`, async () => {
    const { text, outcome } = await readHere('a.rtf', caseFile('03-rtf-super-strike.rtf'))
    expect(text.split('\n')).toEqual([
      'The count was 10^6 cells.',
      'The price is ~~900~~ 750 euros.',
      'Checkbox [x] agree',
    ])
    expect(outcome).toBe('partly')
  })
})
