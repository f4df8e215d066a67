/** Kinds of files that Parley does not read, or only with a program: named for what they are, with a next step that fits. */
import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import { makeZip } from '../../test/fixtures/make-zip.ts'
import { caseFile, casesMissing, readHere } from '../../test/fixtures/read-here.ts'
import { sharedReader } from '../../test/fixtures/shared-reader.ts'
import { fileWording } from '../wording/files.ts'
import { createOffice } from './providers/soffice.ts'
import { recordings, recordingType } from './recordings.ts'
import { sniff } from './sniff.ts'

const { advice, refusal } = fileWording
const zipOf = (...names: string[]) => makeZip(names.map((name) => ({ name, content: 'x' })))
const ftyp = (...brands: string[]) => {
  const box = Buffer.from(`....ftyp${brands.join('')}`, 'latin1')
  box.writeUInt32BE(box.length)
  return box
}
/** An OLE file as far as its first directory. */
const ole = (...names: string[]) => {
  const file = Buffer.alloc(2_048)
  Buffer.from('d0cf11e0a1b11ae1', 'hex').copy(file)
  file.writeUInt16LE(9, 30)
  file.writeUInt32LE(0, 48)
  for (const [at, name] of names.entries()) file.write(name, 512 + at * 128, 'utf16le')
  return file
}

describe('refused by name', () => {
  test.each([
    [
      'talk.key',
      zipOf('Index/Slide-12.iwa', 'Index/Document.iwa', 'Metadata/Properties.plist'),
      'a Keynote presentation',
      advice.keynote,
    ],
    [
      'talk.key',
      zipOf('Talk.key/Index.zip', 'Talk.key/Metadata/DocumentIdentifier'),
      'a Keynote presentation',
      advice.keynote,
    ],
    ['old.key', zipOf('index.apxl.gz', 'QuickLook/Thumbnail.jpg'), 'a Keynote presentation', advice.keynote],
    [
      'costs.numbers',
      zipOf('Index/CalculationEngine.iwa', 'Index/Tables/DataList.iwa'),
      'a Numbers spreadsheet',
      advice.numbers,
    ],
    ['letter.pages', zipOf('index.xml', 'buildVersionHistory.plist'), 'a Pages document', advice.pages],
    [
      'letter.pages',
      zipOf('Index/Document.iwa', 'Index/Metadata.iwa'),
      'a document of Pages, Numbers or Keynote',
      advice.office,
    ],
    [
      'short.avif',
      Buffer.concat([ftyp('mif3', 'avif'), Buffer.from('\0\0\0\x10mini........', 'latin1')]),
      'an AVIF picture in a new short form',
      advice.picture,
    ],
    ['secret.docx', ole('ENCRYPTEDPACKAGE'), 'an office document with a password', advice.password],
  ])('%s', async (name, bytes, called, next) => {
    const failure = await readHere(name, bytes).catch((error: unknown) => error)
    expect(failure).toMatchObject({ userMessage: expect.stringContaining(`${name} is ${called}`) })
    expect(failure).toMatchObject({ userMessage: expect.stringMatching(new RegExp(`${next}$`)) })
  })

  const { read } = sharedReader({ office: createOffice('/nowhere') })

  test('a binary workbook, where LibreOffice is missing', async () => {
    const bytes = zipOf('[Content_Types].xml', 'xl/workbook.bin', 'xl/worksheets/sheet1.bin')
    await expect(read('costs.xlsb', bytes)).rejects.toMatchObject({
      code: 'file_unsupported',
      userMessage: refusal.binaryWorkbook('costs.xlsb'),
    })
  })
})

describe('told by their bytes', () => {
  const typeOf = async (bytes: Uint8Array, name = 'x') =>
    (await sniff(bytes, { name, mediaType: '' }, undefined, bytes.subarray(512))).mediaType

  test('streams of OLE files in capitals', async () => {
    expect(await typeOf(ole('ROOT ENTRY', 'WORDDOCUMENT'))).toBe('application/msword')
    expect(await typeOf(ole('Root Entry', 'WORKBOOK'))).toBe('application/vnd.ms-excel')
  })

  test('a picture whose main brand is new', async () => {
    expect(await typeOf(Buffer.concat([ftyp('mif2', 'avif', 'mif1'), Buffer.alloc(64)]))).toBe('image/avif')
  })

  test('a key in text form is text, and its name is not called misleading', async () => {
    const read = await readHere('server.key', '-----BEGIN PUBLIC KEY-----\nMFwwDQYJ\n-----END PUBLIC KEY-----\n')
    expect(read).toMatchObject({ mediaType: 'text/plain', problems: [], outcome: 'read' })
  })

  test('a picture is never taken for a text in UTF-16', async () => {
    for (const [width, height] of [
      [300, 200],
      [301, 77],
      [64, 64],
    ] as const) {
      const png = await sharp({ create: { width, height, channels: 3, background: '#fff' } })
        .png()
        .toBuffer()
      expect(await typeOf(png, 'x.txt')).toBe('image/png')
    }
  })

  test.each([
    ['audio/x-ms-asf', 'asf'],
    ['video/x-ms-asf', 'asf'],
    ['application/vnd.ms-asf', 'asf'],
    ['video/x-flv', 'flv'],
    ['audio/wavpack', 'wv'],
    ['video/mp2t', 'mpegts'],
    ['video/MP2P', 'mpeg,mpegvideo'],
  ])('a recording as %s goes to ffmpeg', (mediaType, demuxers) => {
    const type = recordingType(mediaType)
    expect(type === undefined ? undefined : recordings[type].demuxers).toBe(demuxers)
  })
})

describe.skipIf(casesMissing)(`files of others${casesMissing}`, () => {
  test.each([
    ['27-testKeynote2018.key', advice.keynote],
    ['28-simple_osm_tile_alpha.avif', advice.picture],
    ['29-protected_upper_case.docx', advice.password],
  ])('%s', async (name, next) => {
    await expect(readHere(name, caseFile(name))).rejects.toMatchObject({
      userMessage: expect.stringMatching(new RegExp(`${next}$`)),
    })
  })
})
