/** Windows bitmaps of every depth show the picture that was saved. */
import { describe, expect, test } from 'vitest'
import { readHere } from '../../test/fixtures/read-here.ts'
import { fileWording } from '../wording/files.ts'
import { bitmapSize, decodeBitmap } from './providers/bmp.ts'

interface Made {
  width?: number
  height?: number
  bits: number
  compression?: number
  /** What stands between the header and the rows. */
  between?: number[]
  rows: number[] | Uint8Array
}

function bmp({ width = 2, height = 2, bits, compression = 0, between = [], rows }: Made): Buffer {
  const head = Buffer.alloc(54)
  head.write('BM')
  head.writeUInt32LE(54 + between.length, 10)
  head.writeUInt32LE(40, 14)
  head.writeInt32LE(width, 18)
  head.writeInt32LE(height, 22)
  head.writeUInt16LE(1, 26)
  head.writeUInt16LE(bits, 28)
  head.writeUInt32LE(compression, 30)
  return Buffer.concat([head, Buffer.from(between), Buffer.from(rows)])
}

/** Of four pixels from the top left: red, green; blue, white. */
const expected = ['#ff0000', '#00ff00', '#0000ff', '#ffffff']
const palette = [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0]
const padded = [...palette, ...Array.from({ length: (16 - 4) * 4 }, () => 0)]
const long = [...palette, ...Array.from({ length: (256 - 4) * 4 }, () => 0)]

describe('a bitmap', () => {
  test.each<[string, Made]>([
    ['24 bits', { bits: 24, rows: [255, 0, 0, 255, 255, 255, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0] }],
    ['32 bits', { bits: 32, rows: [255, 0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 0, 0, 255, 0, 0] }],
    ['rows from the top', { bits: 32, height: -2, rows: [0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 255, 255, 0] }],
    ['16 bits', { bits: 16, rows: [0x1f, 0, 0xff, 0x7f, 0, 0x7c, 0xe0, 0x03] }],
    [
      '16 bits with masks',
      {
        bits: 16,
        compression: 3,
        between: [0, 0xf8, 0, 0, 0xe0, 7, 0, 0, 0x1f, 0, 0, 0],
        rows: [0x1f, 0, 0xff, 0xff, 0, 0xf8, 0xe0, 7],
      },
    ],
    ['8 bits', { bits: 8, between: long, rows: [2, 3, 0, 0, 0, 1, 0, 0] }],
    ['4 bits', { bits: 4, between: padded, rows: [0x23, 0, 0, 0, 0x01, 0, 0, 0] }],
    ['8 bits in runs', { bits: 8, compression: 1, between: long, rows: [1, 2, 1, 3, 0, 0, 1, 0, 1, 1, 0, 1] }],
    ['4 bits in runs', { bits: 4, compression: 2, between: padded, rows: [2, 0x23, 0, 0, 2, 0x01, 0, 1] }],
  ])('of %s', (_, made) => {
    const bitmap = decodeBitmap(bmp(made))
    const pixels = Buffer.from(bitmap?.data ?? [])
      .toString('hex')
      .match(/.{8}/g)
    expect(pixels?.map((pixel) => `#${pixel.slice(0, 6)}`)).toEqual(expected)
    expect(bitmap?.cut).toBe(false)
  })

  test('is given to models as a picture; a part of one says that the rest is missing', async () => {
    const rows = new Uint8Array(120 * 90 * 3).fill(255)
    const whole = bmp({ width: 120, height: 90, bits: 24, rows })
    expect(await readHere('shot.bmp', whole)).toMatchObject({
      mediaType: 'image/bmp',
      images: [{ mediaType: 'image/png', width: 120, height: 90 }],
      outcome: 'read',
    })
    expect(await readHere('shot.bmp', whole.subarray(0, 9_000))).toMatchObject({
      outcome: 'partly',
      problems: [{ userMessage: fileWording.partlyDamaged.picture('shot.bmp') }],
    })
  })

  test('of a monstrous size is refused before it is decoded', async () => {
    await expect(
      readHere('huge.bmp', bmp({ width: 60_000, height: 60_000, bits: 24, rows: [1, 2, 3] })),
    ).rejects.toMatchObject({
      code: 'file_too_large',
    })
    for (let at = 0; at < 60; at += 1)
      expect(() => bitmapSize(bmp({ bits: 24, rows: [] }).subarray(0, at))).not.toThrow()
  })
})
