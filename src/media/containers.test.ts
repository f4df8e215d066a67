/** Mails and archives: the files within them are read in turn, each place says which one it is in. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { makeZip } from '../../test/fixtures/make-zip.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { type Artifact, describePosition } from '../core/artifact.ts'
import { fileWording } from '../wording/files.ts'
import { describeReading } from './receipt.ts'

const { receipt } = fileWording

const { read, readWithin } = sharedReader()

const made = (name: string) =>
  readFileSync(fileURLToPath(new URL(`../../test/fixtures/made-by-libreoffice/${name}`, import.meta.url)))
const textOf = (artifact: Artifact) => artifact.segments.map(({ text }) => text).join('\n')
const attachment = { id: 'a', name: 'x', mediaType: '', voiceNote: false, locator: {} }

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replace(/.{76}/g, '$&\r\n')
const part = (name: string, type: string, bytes: Uint8Array) =>
  `--b\r\nContent-Type: ${type}\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(bytes)}\r\n`
const mailOf = (...parts: string[]) =>
  `From: =?utf-8?B?SW7DqnMgUHJhZG8=?= <ines@example.org>\r\nTo: jose@example.org\r\nSubject: =?utf-8?B?${Buffer.from('Vertrag – 契約 😀').toString('base64')}?=\r\nDate: Fri, 01 Mar 2024 10:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nOlá José,\r\n\r\nsegue o contrato.\r\n${parts.join('')}--b--\r\n`

describe('a mail', () => {
  test('reads the headers, the text and every attachment', async () => {
    const pdf = await makePdf((doc) => void doc.addPage().text('Page one of the annex.'))
    const artifact = await read(
      'offer.eml',
      mailOf(
        part('contract.docx', 'application/octet-stream', made('contract.docx')),
        part('annex.pdf', 'application/pdf', pdf),
        part('budget.xlsx', 'application/octet-stream', made('budget.xlsx')),
      ),
    )
    expect(artifact.segments[0]).toMatchObject({
      at: { kind: 'lines', from: 1, to: 7 },
      text: 'From: Inês Prado <ines@example.org>\nTo: jose@example.org\nDate: 2024-03-01T10:00:00.000Z\nSubject: Vertrag – 契約 😀\nAttachments: contract.docx, annex.pdf, budget.xlsx\nOlá José,\nsegue o contrato.',
    })
    expect(textOf(artifact)).toContain('[contract.docx]\nHeader: Confidential draft')
    const places = artifact.segments.map(({ at }) => describePosition(at))
    expect(places).toContain('annex.pdf, p. 1')
    expect(places).toContain('budget.xlsx, rows 1–27 of Budget 2024')
    expect(artifact.problems).toEqual([])
    expect(describeReading(attachment, artifact).summary).toBe(receipt.read(receipt.message(3)))
  })

  test('one broken attachment does not affect the others', async () => {
    const artifact = await read(
      'mixed.eml',
      mailOf(
        part('bad.docx', 'application/octet-stream', made('contract.docx').subarray(0, 4_000)),
        part('good.csv', 'text/csv', Buffer.from('name,age\nAda,36\n')),
        part(
          'program.exe',
          'application/octet-stream',
          Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0', 'latin1'),
        ),
      ),
    )
    expect(textOf(artifact)).toContain('[good.csv]\nname | age\nAda | 36')
    expect(artifact.problems.map(({ code, userMessage }) => [code, userMessage.split(' ')[0]])).toEqual([
      ['inner_file_damaged', 'bad.docx'],
      ['inner_file_unsupported', 'program.exe'],
    ])
  })

  test('reads an HTML-only email as a mail program shows it', async () => {
    const mail =
      'From: a@example.org\nSubject: News\nContent-Type: text/html\n\n<style>p{}</style><h1>Hello</h1><p>See <a href="https://example.org">this</a>.</p>'
    expect(textOf(await read('news.eml', mail))).toBe(
      'From: a@example.org\nSubject: News\n# Hello\nSee [this](https://example.org).',
    )
  })

  test('reads an email without a telling name and in an older encoding', async () => {
    const mail = Buffer.from(
      'From: a@example.org\nTo: b@example.org\nMessage-ID: <1@x>\nContent-Type: text/plain; charset=koi8-r\nContent-Transfer-Encoding: 8bit\n\n\xf0\xd2\xc9\xd7\xc5\xd4',
      'latin1',
    )
    const artifact = await read('mail', mail)
    expect(artifact.mediaType).toBe('message/rfc822')
    expect(textOf(artifact)).toContain('Привет')
  })
})

describe('a zip archive', () => {
  test('lists and reads its files, with names in any script', async () => {
    const artifact = await read(
      'all.zip',
      makeZip([
        { name: 'docs/', content: '' },
        { name: 'docs/deck.pptx', content: made('deck.pptx') },
        { name: 'src/main.py', content: 'def main():\n    return 1\n' },
        { name: '日本語.txt', content: 'こんにちは' },
        { name: '__MACOSX/._x', content: 'litter' },
      ]),
    )
    expect(textOf(artifact)).toContain('Files in all.zip:\n- docs/deck.pptx (30,939 bytes)\n- src/main.py')
    const places = artifact.segments.map(({ at }) => describePosition(at))
    expect(places).toEqual([
      'lines 1–4',
      'docs/deck.pptx, slide 1',
      'docs/deck.pptx, slide 2',
      'src/main.py, lines 1–2',
      '日本語.txt, line 1',
    ])
    expect(describeReading(attachment, artifact).summary).toBe(receipt.read(receipt.amount(3, 'file')))
  })

  test('opens an archive inside it, and only names an archive inside that', async () => {
    const deepest = makeZip([{ name: 'deep.txt', content: 'too deep' }])
    const inner = makeZip([
      { name: 'note.txt', content: 'one level down' },
      { name: 'deepest.zip', content: deepest },
    ])
    const artifact = await read('outer.zip', makeZip([{ name: 'inner.zip', content: inner }]))
    expect(textOf(artifact)).toContain('one level down')
    expect(textOf(artifact)).not.toContain('too deep')
    expect(artifact.segments.at(-1)?.at).toMatchObject({ inner: 'inner.zip/note.txt' })
    expect(artifact.problems).toMatchObject([
      { userMessage: expect.stringContaining(fileWording.inner.tooDeep('deepest.zip')) },
    ])
  })

  test('names but does not open locked files and paths that lead outside', async () => {
    const artifact = await read(
      'sly.zip',
      makeZip([
        { name: '../../etc/passwd.txt', content: 'evil' },
        { name: '/root.txt', content: 'evil' },
        { name: 'locked.txt', content: 'noise', encrypted: true },
        { name: 'fine.txt', content: 'fine' },
      ]),
    )
    expect(textOf(artifact)).toContain('[fine.txt]\nfine')
    expect(textOf(artifact)).not.toContain('evil')
    expect(artifact.problems).toMatchObject([
      {
        code: 'archive_unsafe',
        userMessage: fileWording.inner.unsafe('sly.zip', ['../../etc/passwd.txt', '/root.txt', 'locked.txt']),
      },
    ])
  })

  test('an archive with only locked files is refused', async () => {
    const bytes = makeZip([{ name: 'a.txt', content: 'noise', encrypted: true }])
    await expect(read('locked.zip', bytes)).rejects.toMatchObject({ code: 'file_encrypted' })
  })

  test('reads the first files up to the limit and says so', async () => {
    const bytes = makeZip(Array.from({ length: 9 }, (_, at) => ({ name: `${at}.txt`, content: `text ${at}` })))
    const artifact = await readWithin({ archive: { files: 3 } }, 'many.zip', bytes)
    expect(artifact.truncated).toBe(fileWording.partial.first('many.zip', 'file', { done: 3, of: 9 }))
  })
})

test('subtitles are cited by time', async () => {
  const srt =
    '1\r\n00:00:01,000 --> 00:00:03,500\r\n<i>Hello</i>\r\nthere.\r\n\r\n2\r\n00:02:05,000 --> 00:02:07,000\r\nمرحبا 😀\r\n'
  expect((await read('film.srt', srt)).segments).toMatchObject([
    { text: 'Hello there.', at: { kind: 'time', fromMs: 1_000, toMs: 3_500 } },
    { text: 'مرحبا 😀', at: { kind: 'time', fromMs: 125_000, toMs: 127_000 } },
  ])
  const vtt = 'WEBVTT\n\nNOTE skip\n\nintro\n00:01.000 --> 00:04.000 line:0\n<v Ines>Olá</v>\n'
  expect((await read('talk.vtt', vtt)).segments).toMatchObject([{ text: 'Ines: Olá', at: { fromMs: 1_000 } }])
})
