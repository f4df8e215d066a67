/** Archives beside zip: tar, 7z, rar, and compressed ones, whole, cut off, locked and hostile. */
import { crc32, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { makeZip } from '../../test/fixtures/make-zip.ts'
import { readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'

const { partlyDamaged, refusal, limit, receipt, inner } = fileWording

function tar(files: Readonly<Record<string, string>>, type = '0'): Buffer {
  const blocks = Object.entries(files).flatMap(([name, content]) => {
    const head = Buffer.alloc(512)
    head.write(name)
    head.write('0000644\x000000000\x000000000\0', 100)
    head.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\x0000000000000\0        ${type}`, 124)
    head.write('ustar\x0000', 257)
    const sum = head.reduce((all, byte) => all + byte, 0)
    head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512)
    body.write(content)
    return [head, body]
  })
  return Buffer.concat([...blocks, Buffer.alloc(1_024)])
}

/** A rar (version 5) with one stored file. */
function rar(name: string, content: string): Buffer {
  const vint = (value: number) => (value < 128 ? [value] : [(value & 127) | 128, value >> 7])
  const header = (type: number, flags: number[], rest: number[]) => {
    const fields = Buffer.from([type, ...flags, ...rest])
    const sized = Buffer.concat([Buffer.from(vint(fields.length)), fields])
    const sum = Buffer.alloc(4)
    sum.writeUInt32LE(crc32(sized))
    return Buffer.concat([sum, sized])
  }
  const data = Buffer.from(content)
  const sum = Buffer.alloc(4)
  sum.writeUInt32LE(crc32(data))
  const file = [
    ...vint(data.length),
    4,
    ...vint(data.length),
    32,
    ...sum,
    0,
    0,
    ...vint(name.length),
    ...Buffer.from(name),
  ]
  return Buffer.concat([
    Buffer.from('526172211a070100', 'hex'),
    header(1, [0], [0]),
    header(2, [2], file),
    data,
    header(5, [0], [0]),
  ])
}

/** Made by 7-Zip of one file, `plan.txt`; the second with a password for its names too. */
const sevenZip = Buffer.from(
  'N3q8ryccAATVhc+hEgAAAAAAAABOAAAAAAAAAOg4QqUBAA1zaGlwIG9uIEZyaWRheQABBAYAAQkSAAcLAQABISEBAAwOAAgKAWU2G5gAAAUBGQwAAAAAAAAAAAAAAAAREwBwAGwAYQBuAC4AdAB4AHQAAAAZABUGAQAggLaBAAA=',
  'base64',
)
const lockedSevenZip = Buffer.from(
  'N3q8ryccAARA1lM6kAAAAAAAAAAuAAAAAAAAAOihDa5G8KPKnSllWvElYP90DVDntj3XQXJHzbkjwqB/7jEnyGV0roE4nDGnthzQDjql896vlkSTSFmPibwDcwMC/Vd/C1L99KZ2aTYk/0s1aqspu0bl8tWlSVpLCIS0OkgAebfDRISjKSMkY+KUFZgN5eccRN4e7g3+YjrgftfDvfsUcIDjTo4zDvtWYF5XNUjhfs4XBiABCXAABwsBAAEkBvEHARJTDygdF0texO7xEylCS+d6PI4MagoBLcwjQgAA',
  'base64',
)

describe('an archive', () => {
  const files = { 'docs/plan.txt': 'ship on Friday', 'list.csv': 'item,sum\nbolt,12\n' }

  test.each([
    ['backup.tar', tar(files), 'application/x-tar'],
    ['backup.tar.gz', gzipSync(tar(files)), 'application/gzip'],
    ['backup.tgz', gzipSync(tar(files)), 'application/gzip'],
    ['backup.tar.zst', zstdCompressSync(tar(files)), 'application/zstd'],
  ])('%s is listed and read', async (name, bytes, mediaType) => {
    const read = await readHere(name, bytes)
    expect(read.text).toContain(`Files in ${name}:\n- docs/plan.txt (14 bytes)\n- list.csv (17 bytes)`)
    expect(read.text).toContain('[docs/plan.txt]\nship on Friday')
    expect(read.text).toContain('[list.csv]\nitem | sum\nbolt | 12')
    expect(read).toMatchObject({
      mediaType,
      problems: [],
      outcome: 'read',
      summary: receipt.read(receipt.amount(2, 'file')),
    })
  })

  test.each([
    ['a.rar', rar('plan.txt', 'ship on Friday')],
    ['a.7z', sevenZip],
    ['plan.txt.gz', gzipSync('ship on Friday')],
    ['plan.txt.zst', zstdCompressSync('ship on Friday')],
  ])('%s with one file', async (name, bytes) => {
    const read = await readHere(name, bytes)
    expect(read.text).toContain('[plan.txt]\nship on Friday')
    expect(read).toMatchObject({ problems: [], outcome: 'read' })
  })

  test('that is cut off gives the files before the break, and says so', async () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`${at}.txt`, `file ${at} ${(at * 7919) % 9973}`.repeat(20)]),
    )
    const read = await readHere('b.tgz', gzipSync(tar(many)).subarray(0, -200))
    expect(read.text).toContain('[0.txt]\nfile 0')
    expect(read.outcome).toBe('partly')
    expect(read.problems[0]?.userMessage).toBe(partlyDamaged.cutOff('b.tgz'))
  })

  test('7z: cut off or with a password it is refused as that', async () => {
    await expect(readHere('x.7z', sevenZip.subarray(0, 60))).rejects.toMatchObject({ code: 'file_damaged' })
    await expect(readHere('x.7z', lockedSevenZip)).rejects.toMatchObject({ code: 'file_encrypted' })
  })

  test('one file in bzip2, which is not unpacked, is named with what to do', async () => {
    const bytes = Buffer.from(
      'QlpoOTFBWSZTWdN5tF4AAARVgAAQQAARACwlkCAgACIJiNplCAaAENNsN8ViwhV8XckU4UJDTebReA==',
      'base64',
    )
    await expect(readHere('notes.txt.bz2', bytes)).rejects.toMatchObject({
      userMessage: refusal.compressed('notes.txt.bz2'),
    })
  })

  test('with paths that lead outside, and links, names them only', async () => {
    const read = await readHere(
      'sly.tar',
      Buffer.concat([tar({ '../../etc/x.txt': 'evil' }).subarray(0, -1_024), tar({ 'fine.txt': 'fine' })]),
    )
    expect(read.text).toContain('[fine.txt]\nfine')
    expect(read.text).not.toContain('evil')
    expect(read.problems).toMatchObject([{ userMessage: inner.unsafe('sly.tar', ['../../etc/x.txt']) }])
  })

  test('a bomb ends at the limit', async () => {
    const bomb = gzipSync(Buffer.alloc(60_000_000))
    await expect(readHere('b.gz', bomb)).rejects.toMatchObject({
      code: 'file_too_large',
      userMessage: limit.unpackedSize('b.gz', 50e6),
    })
  })

  test('inside an archive inside an archive is only named', async () => {
    const deepest = tar({ 'deep.txt': 'too deep' })
    const read = await readHere(
      'a.zip',
      makeZip([
        { name: 'b.tgz', content: gzipSync(tar({ 'note.txt': 'one down', 'c.tar': deepest.toString('latin1') })) },
      ]),
    )
    expect(read.text).toContain('one down')
    expect(read.text).not.toContain('too deep')
    expect(read.problems).toMatchObject([{ userMessage: expect.stringContaining(inner.tooDeep('c.tar')) }])
  })
})
