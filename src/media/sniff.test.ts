/** Files are what their bytes say: names that lie, kinds that are refused, bytes that mean harm. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cpuTimeOfAsync } from '../../test/cpu-time.ts'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import { watched } from '../../test/fixtures/shared-files.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import { sniff } from './sniff.ts'

const { files, reader, read } = sharedReader()

describe('misleading names', () => {
  test('a PDF named .txt is read as a PDF and says so', async () => {
    const bytes = await makePdf((doc) => void doc.addPage().text('The truth.'))
    const artifact = await read('report.txt', bytes)
    expect(artifact).toMatchObject({ mediaType: 'application/pdf', segments: [{ text: 'The truth.' }] })
    expect(artifact.problems).toEqual([
      {
        code: 'name_mismatch',
        userMessage: fileWording.notice.misleadingName('report.txt', 'plain text', 'a PDF'),
      },
    ])
  })

  test('text named .pdf is read as text and says so', async () => {
    const artifact = await read('notes.pdf', 'BMW makes cars.\nMZ is a motorcycle.')
    expect(artifact).toMatchObject({ mediaType: 'text/plain', problems: [{ code: 'name_mismatch' }] })
  })

  test('a login page named .csv is read as HTML and says so', async () => {
    const artifact = await read('export.csv', '<!DOCTYPE html><html><body><p>Sign in</p></body></html>')
    expect(artifact).toMatchObject({ mediaType: 'text/html', problems: [{ code: 'name_mismatch' }] })
  })

  test.each([
    ['README.md', '# Title\n\nSome text.', 'text/markdown'],
    ['main.rs', 'fn main() {}', 'text/x-source'],
    ['data.bin', '{"a": [1, 2]}', 'application/json'],
    ['notes.txt', 'Subject: hello\n\n# not a lie', 'text/plain'],
    ['drawing.svg', '<svg xmlns="http://www.w3.org/2000/svg"><text>Hi</text></svg>', 'image/svg+xml'],
    ['feed', '<?xml version="1.0"?><rss><title>News</title></rss>', 'application/xml'],
  ])('%s is what its name says', async (name, content, mediaType) => {
    const artifact = await read(name, content)
    expect(artifact).toMatchObject({ mediaType, problems: [] })
  })
})

describe('refused', () => {
  const psd = Buffer.concat([Buffer.from('8BPS\0\x01', 'latin1'), Buffer.alloc(40)])

  test.each([
    ['photo.psd', psd, 'a picture'],
    ['more.pdf', Buffer.concat([Buffer.from('MSCF\0\0\0\0', 'latin1'), Buffer.alloc(500)]), 'an archive'],
    [
      'tool.txt',
      Buffer.concat([Buffer.from('7f454c46020101000000000000000000', 'hex'), Buffer.alloc(500)]),
      'a program',
    ],
    ['old.doc', Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(2_000)]), 'an office file'],
    [
      'noise.pdf',
      Buffer.from(Array.from({ length: 5_000 }, (_, i) => (i * i * 7919) % 256)),
      'not a kind of file that Parley can read',
    ],
  ])('%s is refused by its actual type', async (name, bytes, called) => {
    const request = files.share(name, bytes)
    const expected = { code: 'file_unsupported', userMessage: expect.stringContaining(`${name} is ${called}`) }
    await expect(reader.read(request, watched())).rejects.toMatchObject(expected)
    await expect(reader.identify(request)).rejects.toMatchObject(expected)
  })

  test('empty files', async () => {
    await expect(read('empty.pdf', '')).rejects.toMatchObject({
      code: 'file_empty',
      userMessage: fileWording.empty.noBytes('empty.pdf'),
    })
    await expect(read('blank.txt', ' \n\n\t ')).rejects.toMatchObject({ code: 'file_empty' })
  })

  test('a deleted file', async () => {
    const request = { path: `${files.folder}/nothing`, contentHash: '0'.repeat(64), name: 'gone.txt', mediaType: '' }
    await expect(reader.read(request, watched())).rejects.toMatchObject({ code: 'file_missing' })
  })
})

test('a burst of files, good and bad, gives each its own outcome', async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 12 }, (_, i) =>
      (i % 2 === 0 ? read('app.html', '<!doctype html><div id=root></div>') : read('ok.csv', 'a,b\n1,2\n')).then(
        ({ engine }) => engine,
        (error: unknown) => (error instanceof ParleyError ? error.code : error),
      ),
    ),
  )
  expect(outcomes).toEqual(outcomes.map((_, i) => (i % 2 === 0 ? 'file_empty' : 'csv-3')))
})

test.each([
  ['pluck.au', fileWording.advice.recording],
  ['broken.wav', fileWording.advice.recording],
  ['scan.psd', fileWording.advice.picture],
  ['clip.mov', fileWording.advice.video],
])('content that tells nothing gets the advice for what its name says: %s', async (name, advice) => {
  const bytes = Uint8Array.from({ length: 4000 }, (_, at) => (at * at * 7 + at) % 251)
  const sentence = await read(name, bytes).catch((error: ParleyError) => error.userMessage)
  expect(sentence).toContain(name)
  expect(sentence).toContain(advice)
})

test('identify names the engine that reads', async () => {
  expect(await reader.identify(files.share('a.csv', 'a,b\n1,2\n'))).toEqual({
    engine: 'csv-3',
    mediaType: 'text/csv',
    elsewhere: false,
  })
})

test('no bytes make detection throw or hang', async () => {
  const heads = [
    '',
    '%PDF-1.7',
    'PK\x03\x04',
    'RIFF____',
    '\x30\x26\xb2\x75\x8e\x66\xcf\x11',
    '\x1a\x45\xdf\xa3',
    'ID3',
    '<html',
    '\x00\x00\x00\x20ftyp',
    'OggS',
  ]
  const bytes = fc.tuple(fc.constantFrom(...heads), fc.uint8Array({ maxLength: 4_096, size: 'max' }))
  await fc.assert(
    fc.asyncProperty(bytes, async ([head, tail]) => {
      const ms = await cpuTimeOfAsync(async () => {
        const { mediaType } = await sniff(Buffer.concat([Buffer.from(head, 'latin1'), tail]), {
          name: 'x.bin',
          mediaType: '',
        })
        expect(mediaType).toMatch(/^[\w.+-]+\/[\w.+-]+$/)
      })
      expect(ms).toBeLessThan(1_000)
    }),
    { numRuns: 1_000 },
  )
})
