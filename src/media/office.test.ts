/** Office files that other programs made: nothing that stands in them is lost, and every place has its address. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { makeDocx, makeXlsx, makeZip } from '../../test/fixtures/make-zip.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import type { Artifact } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import { createOffice, findProgram } from './providers/soffice.ts'

const { files, read, readWithin } = sharedReader()

const made = (path: string) => readFileSync(fileURLToPath(new URL(`../../test/fixtures/${path}`, import.meta.url)))
const textOf = (artifact: Artifact) => artifact.segments.map(({ text }) => text).join('\n')
const hasSoffice = findProgram('soffice', process.env.PATH ?? '') !== undefined
const withOffice = hasSoffice ? '' : ' (skipped: LibreOffice is not installed here)'

/** What stands in the contract, whatever format it was saved in. */
const contract = [
  'Agreement',
  'The rent is 1,450 € a month[^1], due on the first.',
  '[^1]: Heating is not included.',
  'العقد مكتوب باللغة العربية.',
  '契約書は日本語でも作成されます。',
  'החוזה נכתב גם בעברית. 😀🇵🇹',
  'are handed over in March.',
  'Three or four keys?',
  'First duty',
  'Deeper duty',
  '| Room | Area | Tenant |',
  ...Array.from({ length: 80 }, (_, at) => `| Room ${at + 1} | ${at + 11} m² | Tenant ${at + 1} |`),
  'Signed in Porto.',
]

function expectContract(artifact: Artifact) {
  const text = textOf(artifact)
  expect(contract.filter((line) => !text.includes(line))).toEqual([])
  expect(artifact).toMatchObject({ problems: [] })
  let next = 1
  for (const { at, text: lines } of artifact.segments) {
    expect(at).toMatchObject({ kind: 'lines', from: next })
    if (at.kind !== 'lines') continue
    expect(lines.split('\n')).toHaveLength(at.to - at.from + 1)
    next = at.to + 1
  }
}

const deck = {
  pages: 2,
  problems: [],
  segments: [
    {
      at: { kind: 'slide', slide: 1 },
      text: expect.stringMatching(
        /Quarterly results\nRevenue grew by 12 %\.\n売上は増えました。 الإيرادات 😀\nNotes: Remember to thank the Lisbon team\.$/,
      ),
    },
    {
      at: { kind: 'slide', slide: 2 },
      text: expect.stringMatching(
        /Regions\n\| Region \| Sales \|\n\| --- \| --- \|\n\| North \| 1204 \|\n\| South \| 977 \|\nNotes: South was hit by the storm\.$/,
      ),
    },
  ],
}

function expectBudget(artifact: Artifact, sums: 'values' | 'formulas' = 'values') {
  const rows = new Map<number, string>()
  for (const { at, text } of artifact.segments) {
    if (at.kind !== 'rows') throw new Error('a sheet has rows')
    expect(text.split('\n')[0]).toMatch(/^\[.+\] row \| A/)
    if (at.sheet !== 'Budget 2024') continue
    for (const line of text.split('\n').slice(1)) rows.set(Number(/^\d+/.exec(line)?.[0]), line)
  }
  const day = (at: number) => new Date(Date.UTC(2024, 0, 1 + at)).toISOString().slice(0, 10)
  const wrong = Array.from({ length: 300 }, (_, at) => {
    const price = Number((at * 1.1).toPrecision(12))
    const sum = sums === 'values' ? String(Number((at * 2.2).toPrecision(12))) : `=C${at + 2}*2`
    return `${at + 2} | Item ${at} größe 日本 😀 | ${day(at)} | ${price} | 25% | ${sum}`
  }).filter((line, at) => rows.get(at + 2) !== line)
  expect(wrong).toEqual([])
  expect(rows.size).toBe(301)
  const sheets = new Set(artifact.segments.map(({ at }) => (at.kind === 'rows' ? at.sheet : '')))
  expect([...sheets].map((sheet) => sheet?.replace(' (hidden)', ''))).toEqual(['Budget 2024', 'مبيعات', 'Hidden'])
  expect(textOf(artifact)).toMatch(/5 \| {2}\| {2}\| far\n9 \| 2024-05-06 13:45 \| 0?7:30(?::00)? \|/)
  expect(artifact.pages).toBe(3)
}

describe('made by LibreOffice', () => {
  test.each(['docx', 'odt', 'rtf'])('a contract as .%s', async (type) => {
    expectContract(await read(`contract.${type}`, made(`made-by-libreoffice/contract.${type}`)))
  })

  test.each(['pptx', 'odp'])('slides with notes as .%s', async (type) => {
    expect(await read(`deck.${type}`, made(`made-by-libreoffice/deck.${type}`))).toMatchObject(deck)
  })

  test.each(['xlsx', 'ods'])('a budget of three sheets as .%s', async (type) => {
    expectBudget(await read(`budget.${type}`, made(`made-by-libreoffice/budget.${type}`)))
  })

  test('reads headings, notes, comments, headers and footers', async () => {
    const lines = textOf(await read('contract.docx', made('made-by-libreoffice/contract.docx'))).split('\n')
    expect(lines.slice(0, 2)).toEqual(['Header: Confidential draft', '# Agreement'])
    expect(lines.slice(-2)).toEqual(['Comment by Ines Prado: Three or four keys?', 'Footer: Harbour Works Ltd'])
  })
})

test('made by openpyxl: formulas without values are shown and reported', async () => {
  const artifact = await read('budget.xlsx', made('made-by-openpyxl/budget.xlsx'))
  expectBudget(artifact, 'formulas')
  expect(artifact.problems).toMatchObject([
    { code: 'formulas_unvalued', userMessage: fileWording.notice.formulasWithoutValues('budget.xlsx', 300) },
  ])
})

describe('formats from before 2007', () => {
  test.skipIf(!hasSoffice)(`a contract as .doc${withOffice}`, async () => {
    const artifact = await read('contract.doc', made('made-by-libreoffice/contract.doc'))
    expect(artifact).toMatchObject({ engine: 'doc-2', mediaType: 'application/msword' })
    expectContract(artifact)
  })

  test.skipIf(!hasSoffice)(`a binary workbook by another program${withOffice}`, async () => {
    const text = textOf(await read('costs.xlsb', made('made-by-sheetjs/costs.xlsb')))
    expect(text).toContain('2 | Pump 7b | 1,234.56 EUR | TRUE | 2024-03-15 | 2469.12')
    expect(text).toContain('4 | Größe 日本 | 1000000 | TRUE')
    expect(text).toContain('[Sites] row | A: Site | B: Code\n1 | Site | Code\n2 | North | 00471')
  })

  test.skipIf(!hasSoffice)(`slides as .ppt${withOffice}`, async () => {
    expect(await read('deck.ppt', made('made-by-libreoffice/deck.ppt'))).toMatchObject(deck)
  })

  test.skipIf(!hasSoffice)(`a budget as .xls${withOffice}`, async () => {
    expectBudget(await read('budget.xls', made('made-by-libreoffice/budget.xls')))
  })

  test.skipIf(!hasSoffice)(`a picture that a document links to is not fetched${withOffice}`, async () => {
    let asked = 0
    // The port that stands in the document.
    const server = createServer((_, response) => {
      asked += 1
      response.end()
    }).listen(47_819, '127.0.0.1')
    await once(server, 'listening')
    const artifact = await read('linked.doc', made('made-by-libreoffice/linked-picture.doc'))
    server.close()
    expect(textOf(artifact)).toBe('Hello picture')
    expect(asked).toBe(0)
  })

  test('without LibreOffice the file is refused with what to do', async () => {
    const without = createReader({ office: createOffice('/nowhere') })
    const reading = without.read(files.share('old.doc', made('made-by-libreoffice/contract.doc')), watched())
    await expect(reading).rejects.toMatchObject({
      code: 'file_unsupported',
      userMessage: fileWording.refusal.needsLibreOffice('old.doc', 'docx'),
    })
    await without.close()
  })
})

describe('Word', () => {
  const p = (text: string, properties = '') =>
    `<w:p>${properties}<w:r><w:t xml:space="preserve">${text}</w:t></w:r></w:p>`

  test('leaves out deleted text, and reads inserted text and boxes once', async () => {
    const body =
      '<w:p><w:r><w:t>Price </w:t></w:r><w:del><w:r><w:delText>100</w:delText></w:r></w:del><w:ins><w:r><w:t>120</w:t></w:r></w:ins></w:p>' +
      `<w:p><w:r><mc:AlternateContent xmlns:mc="x"><mc:Choice><w:txbxContent>${p('In a box')}</w:txbxContent></mc:Choice><mc:Fallback><w:txbxContent>${p('In a box')}</w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>`
    expect(textOf(await read('changed.docx', makeDocx(body)))).toBe('Price 120\nIn a box')
  })

  test('keeps columns aligned with spanning cells and bars in cells', async () => {
    const cell = (text: string, span = 1) => `<w:tc><w:tcPr><w:gridSpan w:val="${span}"/></w:tcPr>${p(text)}</w:tc>`
    const body = `<w:tbl><w:tr>${cell('a')}${cell('b')}${cell('c')}</w:tr><w:tr>${cell('wide', 2)}${cell('x|y')}</w:tr></w:tbl>`
    expect(textOf(await read('spans.docx', makeDocx(body)))).toBe(
      '| a | b | c |\n| --- | --- | --- |\n| wide |  | x\\|y |',
    )
  })

  test('reads files with other XML prefixes', async () => {
    const body = '<ns0:p><ns0:r><ns0:t>From Python</ns0:t></ns0:r></ns0:p>'
    const content = `<ns0:document xmlns:ns0="http://purl.oclc.org/ooxml/wordprocessingml/main"><ns0:body>${body}</ns0:body></ns0:document>`
    expect(textOf(await read('odd.docx', makeDocx('', { name: 'word/document.xml', content })))).toBe('From Python')
  })

  test('reads the part before the damage and says so', async () => {
    const whole = Array.from({ length: 50_000 }, (_, at) => p(`Paragraph number ${at}.`)).join('')
    const artifact = await read(
      'broken.docx',
      makeDocx('', { name: 'word/document.xml', content: `${whole}`, declared: 900_000 }),
    )
    expect(textOf(artifact)).toContain('Paragraph number 100.')
    expect(artifact.problems).toMatchObject([
      { code: 'file_damaged', userMessage: fileWording.partlyDamaged.afterDamage('broken.docx') },
    ])
  })

  test('reads the beginning up to the limit and says so', async () => {
    const bytes = makeDocx(Array.from({ length: 500 }, (_, at) => p(`Paragraph number ${at} of many.`)).join(''))
    const artifact = await readWithin({ office: { characters: 5_000 } }, 'long.docx', bytes)
    const last = artifact.segments.at(-1)?.at
    expect(artifact.truncated).toBe(
      fileWording.partial.upTo('long.docx', `line ${last?.kind === 'lines' ? last.to : ''}`, 5_000),
    )
  })
})

describe('Excel', () => {
  test('shows dates, times, percentages and rounding by their formats', async () => {
    const formats = ['14', '164', '165', '9', '0', '46', '166']
    const styles = `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd\\ hh:mm"/><numFmt numFmtId="165" formatCode="[$-407]d. mmmm yyyy"/><numFmt numFmtId="166" formatCode="#,##0.00\\ &quot;days&quot;"/></numFmts><cellXfs>${formats.map((id) => `<xf numFmtId="${id}"/>`).join('')}</cellXfs></styleSheet>`
    const values = ['45352', '45352.5', '45352', '0.125', '0.30000000000000004', '1.5', '3']
    const row = `<row r="7">${values.map((value, at) => `<c r="${String.fromCharCode(65 + at)}7" s="${at}"><v>${value}</v></c>`).join('')}</row>`
    const artifact = await read('formats.xlsx', makeXlsx(row, { name: 'xl/styles.xml', content: styles }))
    expect(textOf(artifact).split('\n')[1]).toBe(
      '7 | 2024-03-01 | 2024-03-01 12:00 | 2024-03-01 | 12.5% | 0.3 | 36:00:00 | 3.00 days',
    )
  })

  test('names each filled cell of a wide sheet', async () => {
    const artifact = await read(
      'wide.xlsx',
      makeXlsx('<row r="3"><c r="B3"><v>1</v></c><c r="XFD3"><v>2</v></c></row>'),
    )
    expect(textOf(artifact)).toBe('[Data] row | cells\n3 | B: 1 | XFD: 2')
  })

  test('reads all of a hundred thousand rows', async () => {
    const rows = Array.from(
      { length: 100_000 },
      (_, at) => `<row r="${at + 1}"><c><v>${at}</v></c><c t="str"><v>word</v></c></row>`,
    )
    const artifact = await read('long.xlsx', makeXlsx(rows.join('')))
    expect(artifact.segments.at(-1)?.at).toMatchObject({ kind: 'rows', sheet: 'Data', to: 100_000 })
    expect(artifact.truncated).toBeUndefined()
  })
})

describe('rich text', () => {
  test.each([
    ['Windows-1251', "{\\rtf1\\ansi\\ansicpg1251 \\'cf\\'f0\\'e8\\'e2\\'e5\\'f2}", 'Привет'],
    ['a Japanese font', "{\\rtf1{\\fonttbl{\\f1\\fcharset128 MS;}}\\f1\\'93\\'fa\\'96\\'7b}", '日本'],
    ['Unicode with stand-ins', '{\\rtf1\\uc1 \\u26085?\\u26412? \\u-10179?\\u-8704?}', '日本 😀'],
    ['hidden groups', '{\\rtf1{\\info{\\title no}}{\\*\\foo no}{\\pict 0102}yes\\par}', 'yes'],
  ])('%s', async (_, rtf, text) => {
    expect(textOf(await read('letter.rtf', rtf))).toBe(text)
  })
})

describe('locked files are refused with advice to share a copy without a password', () => {
  test('OpenDocument', async () => {
    const manifest =
      '<manifest:manifest><manifest:file-entry><manifest:encryption-data/></manifest:file-entry></manifest:manifest>'
    const bytes = makeZip([
      { name: 'mimetype', content: 'application/vnd.oasis.opendocument.text', stored: true },
      { name: 'content.xml', content: 'noise' },
      { name: 'META-INF/manifest.xml', content: manifest },
    ])
    await expect(read('locked.odt', bytes)).rejects.toMatchObject({
      code: 'file_encrypted',
      userMessage: fileWording.refusal.encrypted('locked.odt'),
    })
  })

  test('Office', async () => {
    const bytes = Buffer.alloc(2_048)
    Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(bytes)
    bytes.writeUInt16LE(9, 30)
    bytes.write('EncryptedPackage', 600, 'utf16le')
    await expect(read('locked.xlsx', bytes)).rejects.toMatchObject({
      code: 'file_encrypted',
      userMessage: expect.stringContaining('Save a copy without the password'),
    })
  })
})
