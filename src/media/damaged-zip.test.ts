/** Zips with something wrong at the end, in the directory or in a file: what can be read is read, and the receipt says what is missing. */
import { deflateRawSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { makeDocx, makeXlsx, makeZip } from '../../test/fixtures/make-zip.ts'
import { caseFile, casesMissing, readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'

const { partlyDamaged, inner } = fileWording

const paragraphs = (count: number) =>
  Array.from(
    { length: count },
    (_, at) => `<w:p><w:r><w:t>Clause ${at + 1} of ${(at * 7919) % 9973}</w:t></w:r></w:p>`,
  ).join('')
const files = makeZip([
  { name: 'one.txt', content: 'the first' },
  { name: 'two.txt', content: 'the second' },
])

/** The zip as a program writes it that does not know the sizes before: flags say that they follow the content. */
function withDescriptors(parts: readonly { name: string; content: string }[], signed = true): Buffer {
  const zip = makeZip(parts)
  const directory = zip.indexOf('PK\x01\x02', 0, 'latin1')
  let [out, at] = [Buffer.alloc(0), 0]
  const places: number[] = []
  for (const { content } of parts) {
    const packed = deflateRawSync(Buffer.from(content)).length
    const start = Buffer.from(zip.subarray(at, zip.indexOf('PK', at + 4, 'latin1')))
    const sizes = Buffer.from(start.subarray(14, 26))
    start.writeUInt16LE(start.readUInt16LE(6) | 8, 6)
    start.fill(0, 14, 26)
    expect(sizes.readUInt32LE(4)).toBe(packed)
    places.push(out.length)
    out = Buffer.concat([out, start, signed ? Buffer.from('PK\x07\x08', 'latin1') : Buffer.alloc(0), sizes])
    at += start.length
  }
  const listed = Buffer.from(zip.subarray(directory))
  for (let entry = 0; places.length > 0; entry = listed.indexOf('PK\x01\x02', entry + 4, 'latin1')) {
    listed.writeUInt32LE(places.shift() ?? 0, entry + 42)
  }
  listed.writeUInt32LE(out.length, listed.length - 6)
  return Buffer.concat([out, listed])
}

describe('nothing is missing', () => {
  const appended = (bytes: string) => Buffer.concat([files, Buffer.from(bytes, 'latin1')])
  const stream = [
    { name: 'one.txt', content: 'the first' },
    { name: 'two.txt', content: 'the second' },
  ]
  const wrongPlace = Buffer.from(files)
  wrongPlace.writeUInt32LE(3, files.length - 6)

  test.each([
    ['a line feed after the end', appended('\n')],
    ['a return and a line feed after the end', appended('\r\n')],
    ['a page of a server after the end', appended('<html>session over</html>')],
    ['a byte of the end missing', files.subarray(0, -1)],
    ['a comment that is shorter than its length says', Buffer.concat([files.subarray(0, -2), Buffer.from([9, 0, 65])])],
    ['a directory that is not where the end says', wrongPlace],
    ['sizes after the content', withDescriptors(stream)],
    ['sizes after the content, and a byte after the end', Buffer.concat([withDescriptors(stream), Buffer.from('\n')])],
    ['sizes after the content, and no directory', withDescriptors(stream).subarray(0, -40)],
  ])('%s', async (what, bytes) => {
    const read = await readHere('files.zip', bytes)
    expect(read.text).toContain('[one.txt]\nthe first')
    expect(read.text).toContain('[two.txt]\nthe second')
    if (!what.includes('no directory')) expect(read).toMatchObject({ problems: [], outcome: 'read' })
  })

  test('a Word document with a line feed after its end', async () => {
    const bytes = Buffer.concat([makeDocx(paragraphs(3)), Buffer.from('\r\n')])
    expect(await readHere('a.docx', bytes)).toMatchObject({ problems: [], outcome: 'read' })
  })
})

describe('the end is missing', () => {
  test('of a zip: the files before it, the beginning of the last one, and a receipt that says so', async () => {
    const long = Array.from({ length: 2_000 }, (_, at) => `line ${at} ${(at * 7919) % 9973}`).join('\n')
    const zip = makeZip([
      { name: 'one.txt', content: 'the first' },
      { name: 'long.txt', content: long },
    ])
    const read = await readHere('files.zip', zip.subarray(0, zip.length * 0.6))
    expect(read.text).toContain('[one.txt]\nthe first')
    expect(read.text).toContain('[long.txt]\nline 0 0')
    expect(read.text).not.toContain('line 1999')
    expect(read.outcome).toBe('partly')
    expect(read.problems.map(({ userMessage }) => userMessage)).toEqual([
      partlyDamaged.cutOff('files.zip'),
      partlyDamaged.afterDamage('long.txt'),
    ])
  })

  test.each([0.9, 0.5])('of a Word document, %f of it: the text before the break, said once', async (share) => {
    const bytes = makeDocx(paragraphs(3_000))
    const read = await readHere('contract.docx', bytes.subarray(0, bytes.length * share))
    expect(read.text).toContain('Clause 1 of 0')
    expect(read.text).not.toContain('Clause 3000')
    expect(read).toMatchObject({
      outcome: 'partly',
      problems: [{ code: 'file_damaged', userMessage: partlyDamaged.cutOff('contract.docx') }],
    })
  })

  test('of a workbook: the rows before the break', async () => {
    const rows = Array.from(
      { length: 5_000 },
      (_, at) => `<row r="${at + 1}"><c r="A${at + 1}"><v>${(at * 7919) % 99_991}</v></c></row>`,
    )
    const bytes = makeXlsx(rows.join(''))
    const read = await readHere('costs.xlsx', bytes.subarray(0, bytes.length - 4_096))
    expect(read.text).toContain('7919')
    expect(read.outcome).toBe('partly')
    expect(read.problems[0]?.userMessage).toBe(partlyDamaged.cutOff('costs.xlsx'))
  })

  test('of everything: refused', async () => {
    await expect(readHere('files.zip', files.subarray(0, 20))).rejects.toMatchObject({ code: 'file_damaged' })
  })
})

test('a file whose checksum is wrong is read, and the receipt says that it is damaged', async () => {
  const zip = makeZip([
    { name: 'a.txt', content: 'pay 100 EUR', stored: true },
    { name: 'b.txt', content: 'fine' },
  ])
  zip.write('9', zip.indexOf('100 EUR'))
  const read = await readHere('files.zip', zip)
  expect(read.text).toContain('[b.txt]\nfine')
  expect(read).toMatchObject({ outcome: 'partly', problems: [{ userMessage: partlyDamaged.afterDamage('a.txt') }] })
})

test('a file of which nothing can be unpacked is named', async () => {
  const zip = makeZip([
    { name: 'a.txt', content: 'words' },
    { name: 'b.txt', content: 'fine' },
  ])
  zip.fill(0xff, 35, 40)
  expect(await readHere('files.zip', zip)).toMatchObject({
    outcome: 'partly',
    problems: [{ userMessage: inner.notUnpacked('a.txt', 'files.zip') }],
  })
})

describe.skipIf(casesMissing)(`files of others${casesMissing}`, () => {
  test.each([
    ['07-stress005.docx', 'Hessenplatz 3'],
    ['07-trailing-newline.docx', ''],
    ['07-trail.zip', '[a.txt]'],
    ['07-testZip_with_DataDescriptor.zip', 'en4'],
  ])('%s is read', async (name, words) => {
    const read = await readHere(name, caseFile(name))
    expect(read.text).toContain(words)
    expect(read.problems.filter(({ code }) => code !== 'parts_unread' && code !== 'inner_file_unsupported')).toEqual([])
  })
})
