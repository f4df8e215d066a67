/** Office files and archives that mean harm: each ends soon, in little memory, with a sentence; then the next file is read. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { deflatedBomb, makeDocx, makeXlsx, makeZip, wordStart } from '../../test/fixtures/make-zip.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import type { Artifact } from '../core/artifact.ts'
import { asParleyError } from '../core/errors.ts'
import { type Log, silentLog } from '../core/log.ts'
import { fileWording } from '../wording/files.ts'

let peaks: number[] = []
const log: Log = {
  ...silentLog,
  debug(fields) {
    if (typeof fields === 'object' && 'peakMb' in fields) peaks.push(Number(fields.peakMb))
  },
}

const { read } = sharedReader({ log })

afterEach(() => {
  expect(Math.max(0, ...peaks)).toBeLessThan(700)
  peaks = []
})

const textOf = (artifact: Artifact) => artifact.segments.map(({ text }) => text).join('\n')
const outcome = (name: string, content: Uint8Array | string) =>
  read(name, content).then(
    ({ truncated, problems }) => truncated ?? problems[0]?.userMessage ?? 'read',
    (error: unknown) => asParleyError(error).userMessage,
  )

/** Processor time of the reading processes that have ended; 0 where the system does not tell. */
function childrenSeconds(): number {
  if (process.platform !== 'linux') return 0
  const [, fields = ''] = readFileSync('/proc/self/stat', 'latin1').split(/\) (?=\w )/)
  const [user, system] = fields.split(' ').slice(13, 15).map(Number)
  return ((user ?? 0) + (system ?? 0)) / 100
}

const paragraph = '<w:p><w:r><w:t>boom boom boom</w:t></w:r></w:p>'
const document = (start: string, piece: string, bytes: number, declared: number) =>
  makeDocx('', {
    name: 'word/document.xml',
    content: deflatedBomb(wordStart + start, piece, bytes),
    raw: true,
    declared,
  })
const sheet = (start: string, piece: string, bytes: number, declared: number) =>
  makeXlsx('', {
    name: 'xl/worksheets/sheet1.xml',
    content: deflatedBomb(`<worksheet><sheetData>${start}`, piece, bytes),
    raw: true,
    declared,
  })

describe('bombs', () => {
  test('a 10 GB Word document that declares its size', async () => {
    const bomb = document('', paragraph, 10e9, 4.2e9)
    const before = childrenSeconds()
    expect(await outcome('bomb.docx', bomb)).toBe(fileWording.limit.unpackedSize('bomb.docx', 500e6))
    // Unpacking the first tenth of it takes longer.
    expect(childrenSeconds() - before).toBeLessThan(5)
  })

  test('a 10 GB Word document that claims to be 20 MB', async () => {
    expect(await outcome('liar.docx', document('', paragraph, 10e9, 20e6))).toBe(
      fileWording.partlyDamaged.afterDamage('liar.docx'),
    )
  })

  test('a 1 GB workbook, and one that claims to be 200 MB', async () => {
    const row = '<row><c t="str"><v>x</v></c></row>'
    expect(await outcome('bomb.xlsx', sheet('', row, 1e9, 1e9))).toBe(
      fileWording.limit.unpackedSize('bomb.xlsx', 500e6),
    )
    expect(await outcome('liar.xlsx', sheet('', row, 1e9, 200e6))).toBe(
      fileWording.partial.firstRows('liar.xlsx', 100_000, 'row 100000 of Data'),
    )
  })

  test.each([
    ['one endless attribute', '<w:p a="', 'aaaaaaaaaaaaaaaa'],
    ['one endless comment', '<!--', 'aaaaaaaaaaaaaaaa'],
    ['endless depth', '', '<w:p>'],
    ['one endless cell', '<w:tbl><w:tr><w:tc>', paragraph],
    ['one endless row', '<w:tbl><w:tr>', '<w:tc></w:tc>'],
  ])('%s', async (_, start, piece) => {
    expect(await outcome('odd.docx', document(start, piece, 900e6, 150e6))).toBeOneOf([
      fileWording.partlyDamaged.afterDamage('odd.docx'),
      fileWording.damaged.archive('odd.docx'),
    ])
  })

  test('exponential entities are never expanded in any kind of XML', async () => {
    const entities = Array.from({ length: 9 }, (_, at) => `<!ENTITY l${at + 1} "${`&l${at};`.repeat(10)}">`).join('')
    const start = `<!DOCTYPE x [<!ENTITY l0 "lol">${entities}<!ENTITY f SYSTEM "file:///etc/passwd">]>`
    const main = `${start}${wordStart.slice(21)}<w:p><w:r><w:t>kept &l9; &f; to the end</w:t></w:r></w:p></w:body></w:document>`
    expect(textOf(await read('lol.docx', makeDocx('', { name: 'word/document.xml', content: main })))).toMatch(
      /^kept .* to the end$/,
    )
    const strings = `${start}<sst><si><t>kept &l9; &f;</t></si></sst>`
    const rows = '<row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    const book = await read('lol.xlsx', makeXlsx(rows, { name: 'xl/sharedStrings.xml', content: strings }))
    expect(textOf(book)).toContain('1 | kept')
    const xml = await read('lol.xml', `<?xml version="1.0"?>${start}<x>&l9;&f;</x>`)
    for (const artifact of [book, xml]) expect(textOf(artifact)).not.toMatch(/(?:lol){10}|root:/)
  })

  test('cells and rows that repeat a million times', async () => {
    const row =
      '<table:table-row table:number-rows-repeated="1048576"><table:table-cell table:number-columns-repeated="16384"><text:p>x</text:p></table:table-cell></table:table-row>'
    const bytes = makeZip([
      { name: 'mimetype', content: 'application/vnd.oasis.opendocument.spreadsheet', stored: true },
      {
        name: 'content.xml',
        content: `<office:document><table:table table:name="S">${row.repeat(20)}</table:table></office:document>`,
      },
    ])
    const message = await outcome('repeat.ods', bytes)
    const lastRow = /row (\d+)/.exec(message)?.[1]
    expect(message).toBe(fileWording.partial.upTo('repeat.ods', `row ${lastRow} of S`, 12e6))
  })

  test('an archive of a hundred thousand files', async () => {
    const bytes = makeZip(
      Array.from({ length: 100_000 }, (_, at) => ({ name: `${at}.txt`, content: 'x', stored: true })),
    )
    // Without zip64, a zip counts at most 65,535 files.
    expect(await outcome('many.zip', bytes)).toBe(fileWording.limit.filesInArchive('many.zip', 65_535, 10_000))
  })

  test('nested zips around 2 GB', async () => {
    const bomb = makeZip([{ name: 'a.txt', content: deflatedBomb('', 'a b c d e f ', 2e9), raw: true, declared: 2e9 }])
    const nested = ['3.zip', '2.zip', '1.zip'].reduce((content, name) => makeZip([{ name, content }]), bomb)
    expect(await outcome('nest.zip', nested)).toContain(fileWording.inner.tooDeep('2.zip'))
    expect(await outcome('one.zip', makeZip([{ name: 'in.zip', content: bomb }]))).toContain(
      fileWording.limit.unpackedSize('in.zip', Math.min(500e6, Math.max(50e6, bomb.length * 200))),
    )
  })
})

describe('broken', () => {
  const whole: Record<string, Buffer> = {
    'a.docx': makeDocx(paragraph.repeat(3_000)),
    'a.xlsx': makeXlsx('<row><c><v>1</v></c></row>'.repeat(3_000)),
    'a.pptx': makeZip([
      { name: '[Content_Types].xml', content: 'x' },
      { name: 'ppt/presentation.xml', content: '<p:x/>'.repeat(3_000) },
    ]),
    'a.odt': makeZip([
      { name: 'mimetype', content: 'application/vnd.oasis.opendocument.text', stored: true },
      { name: 'content.xml', content: '<a/>'.repeat(3_000) },
    ]),
    'a.ods': makeZip([
      { name: 'mimetype', content: 'application/vnd.oasis.opendocument.spreadsheet', stored: true },
      { name: 'content.xml', content: '<a/>'.repeat(3_000) },
    ]),
    'a.odp': makeZip([
      { name: 'mimetype', content: 'application/vnd.oasis.opendocument.presentation', stored: true },
      { name: 'content.xml', content: '<a/>'.repeat(3_000) },
    ]),
    'a.zip': makeZip([{ name: 'a.txt', content: 'x'.repeat(3_000) }]),
  }

  test.each(Object.keys(whole))('%s cut off or corrupted gives a clear message', async (name) => {
    const bytes = whole[name] ?? Buffer.alloc(0)
    for (const part of [0.3, 0.6]) {
      const userMessage = await outcome(name, bytes.subarray(0, Math.ceil(bytes.length * part)))
      expect([fileWording.damaged.archive(name), fileWording.partlyDamaged.cutOff(name)]).toContain(userMessage)
    }
    const noisy = Buffer.from(bytes)
    for (let at = 200; at < noisy.length - 300; at += 7) noisy[at] = (at * 31) % 256
    expect(await outcome(name, noisy)).toMatch(new RegExp(`${name}|^read$`))
  })

  test.each(['{\\rtf1 ', '{\\rtf1\\u99999999999 {{{{', `{\\rtf1${'{'.repeat(100_000)}text`])(
    'rich text %#',
    async (rtf) => {
      expect(await outcome('a.rtf', rtf)).toContain('a.rtf')
    },
  )

  test('an email of nothing but boundaries', async () => {
    const nested = Array.from(
      { length: 200 },
      (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\n\n--b${at}\n`,
    ).join('')
    expect(await outcome('a.eml', `From: a@example.org\nSubject: x\n${nested}`)).toMatch(/a\.eml|read/)
  })
})

test('nothing that a document links to is fetched', async () => {
  let asked = 0
  const server = createServer((_, response) => {
    asked += 1
    response.end('fetched')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="http://x/${type}" Target="${target}" TargetMode="External"/>`
  const bytes = makeDocx(paragraph, {
    name: 'word/_rels/document.xml.rels',
    content: `<Relationships>${relation('a', 'attachedTemplate', address)}${relation('b', 'footnotes', 'file:///etc/passwd')}${relation('c', 'header', address)}<Relationship Id="d" Type="http://x/comments" Target="../../../../etc/passwd"/></Relationships>`,
  })
  expect(textOf(await read('template.docx', bytes))).toBe('boom boom boom')
  expect(asked).toBe(0)
  server.close()
})

test('a PDF that is a zip as well is a PDF; a zip that begins with a stored PDF is a zip', async () => {
  const pdf = await makePdf((doc) => void doc.addPage().text('The page.'))
  const zip = makeZip([{ name: 'a.pdf', content: pdf, stored: true }])
  expect(await read('both.pdf', Buffer.concat([pdf, zip]))).toMatchObject({ mediaType: 'application/pdf' })
  const artifact = await read('files.zip', zip)
  expect(artifact.segments.map(({ at }) => at)).toMatchObject([
    { kind: 'lines' },
    { kind: 'page', page: 1, inner: 'a.pdf' },
  ])
})

test('the next file is read after all of these', async () => {
  expect(textOf(await read('fine.docx', makeDocx(paragraph)))).toBe('boom boom boom')
})
