/** The receipt of a PDF says what was read and what was not, and never both of the same page. */
import { describe, expect, test } from 'vitest'
import { pagePdf, writePdf } from '../../test/fixtures/form-pdf.ts'
import { caseFile, casesMissing } from '../../test/fixtures/read-here.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { fileWording } from '../wording/files.ts'
import { describeReading } from './receipt.ts'

const shared = sharedReader()

async function read(bytes: Uint8Array, name = 'file.pdf') {
  const artifact = await shared.read(name, bytes)
  const { outcome, summary } = describeReading({ id: '1', name, mediaType: '', bytes: 1 } as never, artifact)
  const problems = artifact.problems.map(({ code }) => code)
  return { text: artifact.segments.map(({ text }) => text).join('\n'), outcome, summary, problems, artifact }
}

const { receipt } = fileWording
const hello = pagePdf({ text: [[50, 700, 'The gate opens at nine.']] })
const withoutHeader = hello.subarray(hello.indexOf('\n') + 1)

describe('the beginning of a file', () => {
  test.each([
    ['no header', withoutHeader],
    ['a header without a version', Buffer.concat([Buffer.from('%PDF-\n'), withoutHeader])],
    ['a comment in place of the header', Buffer.concat([Buffer.from('%\xe2\xe3\xcf\xd3\n', 'latin1'), withoutHeader])],
    ['lines of text before the header', Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\nServer: x\r\n\r\n'), hello])],
    ['much junk before the header', Buffer.concat([Buffer.alloc(5_000, 'x\n'), hello])],
  ])('%s', async (_, bytes) => {
    const { text, artifact, summary } = await read(bytes)
    expect(text).toBe('The gate opens at nine.')
    expect(artifact.mediaType).toBe('application/pdf')
    expect(summary).toBe(receipt.read(receipt.pages(1, 1, 0)))
  })

  test('text about PDFs stays text', async () => {
    const { artifact } = await read(
      Buffer.from('A file begins with %PDF-1.7 and 1 0 obj opens an object.\n'),
      'about.txt',
    )
    expect(artifact.mediaType).toBe('text/plain')
  })
})

test('an empty page among others is counted once', async () => {
  const page = (contents: string) =>
    `<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]${contents}/Resources<</Font<</F 6 0 R>>>>>>`
  const pdf = writePdf([
    '<</Type/Catalog/Pages 2 0 R>>',
    '<</Type/Pages/Kids[3 0 R 4 0 R]/Count 2>>',
    page('/Contents 5 0 R'),
    page(''),
    { dictionary: '', stream: 'BT /F 12 Tf 50 700 Td (Words.) Tj ET' },
    '<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>',
  ])
  const { outcome, summary, artifact } = await read(pdf)
  expect(outcome).toBe('partly')
  expect(summary).toBe(receipt.read(receipt.pages(1, 2, 0)))
  expect(artifact.problems).toEqual([{ code: 'pages_without_text', userMessage: fileWording.notice.noText(1, 2) }])
})

test('a page without words says that it has none', async () => {
  const { outcome, summary, artifact } = await read(pagePdf({ drawn: '100 100 200 200 re f' }))
  expect(outcome).toBe('partly')
  expect(summary).toBe(receipt.read(receipt.pages(0, 1, 0)))
  expect(artifact.problems[0]?.userMessage).toMatch(/\bno readable text\b/)
})

describe.skipIf(casesMissing)(`files of others${casesMissing}`, () => {
  test.each<[string, string, string, string, string[]]>([
    ['13-bitmap-mmr.pdf', '', 'partly', receipt.pages(0, 1, 0), ['pages_without_text']],
    ['32-T01_007_header-no-version-info.pdf', 'Hello PDF-world!', 'partly', receipt.pages(1, 1, 0), ['file_damaged']],
    [
      '33-picture-in-text-page.pdf',
      'Error code KX-4471',
      'partly',
      receipt.pages(1, 2, 0),
      ['pictures_read_by_ocr', 'pages_without_text'],
    ],
    ['09-attachment.pdf', 'bar baz', 'read', receipt.pages(1, 1, 1), []],
    [
      '11-SPARSE-2024-INV-1234_borderless_table.pdf',
      'Audit Code: AUD-2024-7842',
      'read',
      receipt.pages(2, 2, 0),
      ['pictures_read_by_ocr'],
    ],
  ])(
    '%s',
    async (name, words, outcome, amount, problems) => {
      const found = await read(caseFile(name), name)
      expect(found.text).toContain(words)
      expect(found).toMatchObject({ outcome, summary: receipt.read(amount), problems })
    },
    240_000,
  )
})
