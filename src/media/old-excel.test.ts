/** Workbooks from before 2007 say what they said when they were saved, also where a formula asks for today's date. */
import { describe, expect, test } from 'vitest'
import { biffStream, formulaRecords, oleFile } from '../../test/fixtures/make-xls.ts'
import { createSharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import { createReader } from './create-reader.ts'
import { findProgram } from './providers/soffice.ts'
import { keepStoredValues } from './providers/xls-stored-values.ts'
import { sniff } from './sniff.ts'

const cells = [
  ...formulaRecords([0, 0], 40_000),
  ...formulaRecords([0, 1], 'saved in 2009'),
  ...formulaRecords([0, 2], true),
  ...formulaRecords([0, 3], ''),
  ...formulaRecords([0, 4], '#DIV/0!'),
]
const padded = (stream: Buffer) => Buffer.concat([stream, Buffer.alloc(5_000)])

/** The numbers of the records after the beginning of the sheet, and what they hold; fillers left out. */
function recordsOf(stream: Buffer): string[] {
  const shown: string[] = []
  for (let at = 0; at + 4 <= stream.length && stream.readUInt32LE(at) !== 0; at += 4 + stream.readUInt16LE(at + 2)) {
    const [id, size] = [stream.readUInt16LE(at), stream.readUInt16LE(at + 2)]
    if (id !== 0x0ffe) shown.push(`${id.toString(16)}:${stream.subarray(at + 4, at + 4 + size).toString('hex')}`)
  }
  return shown.slice(5, -1)
}

describe('formulas become their stored values before the conversion', () => {
  test.each([
    ['in a short stream', biffStream(cells)],
    ['in a long stream', padded(biffStream(cells))],
  ])('%s', (_, stream) => {
    const file = oleFile('Workbook', stream)
    expect(keepStoredValues(file)).toBe(true)
    const changed = file.subarray(512 * 4, 512 * 4 + stream.length)
    expect(recordsOf(Buffer.from(changed))).toEqual([
      `203:000000000000${Buffer.from(new Float64Array([40_000]).buffer).toString('hex')}`,
      `204:000001000000${Buffer.from('\x0d\0\0saved in 2009', 'latin1').toString('hex')}`,
      '205:0000020000000100',
      '201:000003000000',
      '205:0000040000000701',
    ])
  })

  test.each<[why: string, file: Buffer]>([
    ['that were never calculated', oleFile('Workbook', biffStream(formulaRecords([0, 0], 0, { flags: 3 })))],
    ['of a locked workbook', oleFile('Workbook', biffStream([{ id: 0x002f, data: Buffer.alloc(4) }, ...cells]))],
    ['of another kind of file', oleFile('WordDocument', biffStream(cells))],
    ['of a damaged file', oleFile('Workbook', padded(biffStream(cells))).subarray(0, 3_000)],
  ])('but not those %s', (_, file) => {
    const before = Buffer.from(file)
    expect(keepStoredValues(file)).toBe(false)
    expect(file.equals(before)).toBe(true)
  })

  test('a file whose chains come back to themselves ends', () => {
    const file = oleFile('Workbook', padded(biffStream(cells)))
    // Every sector is followed by the one before it.
    for (let at = 0; at < 128; at += 1) file.writeUInt32LE(at === 0 ? 5 : at - 1, 512 + at * 4)
    file.writeUInt32LE(0, 68)
    expect(() => keepStoredValues(file)).not.toThrow()
  })
})

const missing = findProgram('soffice', process.env.PATH ?? '') === undefined
test.skipIf(missing)(
  `the date in an .xls is the one that was stored${missing ? ' (skipped: LibreOffice is not installed here)' : ''}`,
  async () => {
    const files = createSharedFiles()
    const reader = createReader()
    const artifact = await reader.read(
      files.share('report.xls', oleFile('Workbook', padded(biffStream(cells)))),
      watched(),
    )
    await reader.close()
    files.remove()
    expect(artifact.segments.map(({ text }) => text.split('\n').at(-1))).toEqual([
      '1 | 40000 | saved in 2009 | TRUE |  | #DIV/0!',
    ])
  },
)

test.each([
  ['a.doc', 'WORDDOCUMENT', 'application/msword'],
  ['a.ppt', 'POWERPOINT DOCUMENT', 'application/vnd.ms-powerpoint'],
  ['a.xls', 'WORKBOOK', 'application/vnd.ms-excel'],
])('%s with the names of its streams in capitals is what it is', async (name, stream, mediaType) => {
  const file = oleFile(stream, Buffer.alloc(5_000))
  expect(await sniff(file, { name, mediaType: '' }, undefined, file.subarray(1_024, 1_536))).toEqual({ mediaType })
})
