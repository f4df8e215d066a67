/** Pictures of every sort: what models are given of them, what is recognised on them, and what is refused. */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keeping, localBlobs, picturesIn } from '../../test/fixtures/blobs.ts'
import { program, wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import { makeZip } from '../../test/fixtures/make-zip.ts'
import { createSharedFiles, type SharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import type { Artifact, Picture } from '../core/artifact.ts'
import type { Blobs } from '../core/blobs.ts'
import { silentLog } from '../core/log.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import { createPreviews } from './previews.ts'
import type { PageRenderer, Reader, ReadProgress } from './reader.ts'

const words = ['Invoice number 4711-K', 'Total: 1,234.56 EUR', 'Payable within thirty days']
const magick = imageMagick()
/** Other programs are called `convert` too. */
function imageMagick(): string | undefined {
  const convert = program('convert')
  const told = convert === undefined ? '' : spawnSync(convert, ['-version'], { encoding: 'utf8' }).stdout
  return told.startsWith('Version: ImageMagick') ? convert : undefined
}

/** The reading processes' largest memory, in MB. */
const peaks: number[] = []
let files: SharedFiles
let blobs: Blobs
const pathOf = (hash: string) => join(files.folder, 'blobs', hash.slice(0, 2), hash)
let reader: Reader & PageRenderer

beforeAll(() => {
  files = createSharedFiles()
  blobs = localBlobs(files.folder)
  const log = { ...silentLog, debug: (fields: unknown) => void peaks.push(Number(Object(fields).peakMb)) }
  reader = keeping(createReader({ log }), picturesIn(blobs))
})
afterAll(async () => {
  await reader.close()
  files.remove()
})

const read = (name: string, bytes: Uint8Array | string): Promise<Artifact> =>
  reader.read(files.share(name, bytes), watched())
const textOf = (artifact: Artifact) => artifact.segments.map(({ text }) => text).join('\n')

function note(): Sharp {
  const lines = words.map((line, at) => `<text x="30" y="${60 + at * 60}" font-size="30">${line}</text>`).join('')
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="700" height="240"><rect width="700" height="240" fill="white"/><g font-family="DejaVu Sans, sans-serif">${lines}</g></svg>`
  return sharp(Buffer.from(svg))
}

function pictureOf(artifact: Artifact): Picture & { bytes: Buffer } {
  const picture = artifact.images?.[0]
  if (picture === undefined) throw new Error('no picture was given')
  return { ...picture, bytes: readFileSync(pathOf(picture.contentHash)) }
}

/** The pages of a TIFF, which all show the same. */
function makeTiff(pages: number, { width = 827, height = 1169 } = {}): Buffer {
  const strip = deflateSync(Buffer.alloc(width * height, 200))
  const first = 8 + strip.length + (strip.length % 2)
  const tags = [256, width, 257, height, 258, 8, 259, 8, 262, 1, 273, 8, 277, 1, 278, height, 279, strip.length]
  const size = 2 + (tags.length / 2) * 12 + 4
  const bytes = Buffer.alloc(first + pages * size)
  bytes.write('II*\0')
  bytes.writeUInt32LE(first, 4)
  strip.copy(bytes, 8)
  for (let page = 0; page < pages; page += 1) {
    const at = first + page * size
    bytes.writeUInt16LE(tags.length / 2, at)
    for (const [place, value] of tags.entries()) {
      const entry = at + 2 + Math.floor(place / 2) * 12
      if (place % 2 === 0) bytes.writeUInt16LE(value, entry)
      // One number of 32 bits.
      else {
        bytes.writeUInt16LE(4, entry + 2)
        bytes.writeUInt32LE(1, entry + 4)
        bytes.writeUInt32LE(value, entry + 8)
      }
    }
    bytes.writeUInt32LE(page === pages - 1 ? 0 : at + size, at + size - 4)
  }
  return bytes
}

test('a TIFF of 200 pages is read page by page, in the memory of one page', async () => {
  const own: number[] = []
  const log = { ...silentLog, debug: (fields: unknown) => void own.push(Number(Object(fields).peakMb)) }
  const limits = { image: { pages: 200, ocrPages: 0 } }
  const paged = createReader({ log, limits, idleMs: 100 })
  try {
    const seen = new Set<number>()
    const onProgress = ({ done, of }: ReadProgress) => void seen.add(of === 200 ? done : Number.NaN)
    const artifact = await paged.read(files.share('fax.tif', makeTiff(200)), { ...watched(), onProgress })
    expect(artifact).toMatchObject({ pages: 200, truncated: undefined })
    expect(artifact.problems.map(({ code }) => code)).toEqual(['ocr_limit'])
    expect(seen).not.toContain(Number.NaN)
    expect(seen.size).toBeGreaterThan(3)
    await paged.read(files.share('short.tif', makeTiff(2)), watched())
    // All pages are 193 MB.
    expect((own[0] ?? 0) - (own[1] ?? 0)).toBeLessThan(100)
  } finally {
    await paged.close()
  }
})

describe('formats', () => {
  const encode: [string, (picture: Sharp) => Sharp][] = [
    ['note.png', (picture) => picture.png()],
    ['note.jpg', (picture) => picture.jpeg()],
    ['note.webp', (picture) => picture.webp()],
    ['note.gif', (picture) => picture.gif()],
    ['note.tiff', (picture) => picture.tiff()],
    ['note.avif', (picture) => picture.avif({ quality: 70 })],
  ]
  test.each(encode)('%s gives a picture for models and its text', async (name, as) => {
    const artifact = await read(name, await as(note()).toBuffer())
    expect(artifact).toMatchObject({ engine: 'image-2', pages: 1, problems: [{ code: 'read_by_ocr' }] })
    expect(wordRecall(words.join(' '), textOf(artifact))).toBeGreaterThanOrEqual(0.9)
    const { bytes, ...picture } = pictureOf(artifact)
    expect(picture).toMatchObject({ width: 700, height: 240, at: { kind: 'page', page: 1 } })
    expect((await sharp(bytes).metadata()).format).toBe(picture.mediaType.slice('image/'.length))
  })

  test('HEIC made by heif-enc', async () => {
    const bytes = readFileSync(new URL('../../test/fixtures/note.heic', import.meta.url))
    const artifact = await read('note.heic', bytes)
    expect(artifact.mediaType).toBe('image/heic')
    expect(textOf(artifact)).toBe('Invoice number 4711-K\n\nTotal: 1,234.56 EUR')
    expect(pictureOf(artifact)).toMatchObject({ mediaType: 'image/jpeg', width: 600, height: 200 })
  })

  test('an SVG is drawn and its words are exact', async () => {
    const artifact = await read(
      'plan.svg',
      '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><text x="10" y="50">Pump 7b</text></svg>',
    )
    expect(artifact.segments).toMatchObject([{ text: expect.stringContaining('>Pump 7b<'), at: { kind: 'lines' } }])
    expect(pictureOf(artifact)).toMatchObject({ mediaType: 'image/png', width: 1568, height: 784 })
  })

  test('an animation gives its first frame and says so', async () => {
    const frames = await Promise.all(['red', 'blue'].map((background) => solid(64, 64, background).png().toBuffer()))
    const artifact = await read(
      'moves.gif',
      await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
    )
    expect(artifact.problems).toEqual([
      { code: 'first_frame', userMessage: fileWording.notice.firstFrame('moves.gif') },
    ])
    const { data } = await sharp(pictureOf(artifact).bytes).raw().toBuffer({ resolveWithObject: true })
    expect([...data.subarray(0, 3)]).toEqual([254, 0, 0].map((level) => expect.closeTo(level, -1)))
  })

  test.skipIf(magick === undefined)(
    'a TIFF of several pages by ImageMagick (skipped without imagemagick)',
    async () => {
      const [one, two, out] = ['one.png', 'two.png', 'fax.tiff'].map((name) => `${files.folder}/${name}`)
      writeFileSync(one ?? '', await note().png().toBuffer())
      writeFileSync(two ?? '', await note().rotate(180).png().toBuffer())
      execFileSync(magick ?? '', [one ?? '', one ?? '', out ?? ''])
      const artifact = await read('fax.tiff', readFileSync(out ?? ''))
      expect(artifact).toMatchObject({ pages: 2, mediaType: 'image/tiff' })
      expect(artifact.segments.map(({ at }) => at)).toEqual([1, 2].map((page) => ({ kind: 'page', page })))
      expect(artifact.images).toHaveLength(2)
    },
  )
})

describe('what models are given', () => {
  test('contains no metadata: no location, camera or name', async () => {
    const gps = {
      GPSLatitudeRef: 'N',
      GPSLatitude: '52/1 31/1 12/1',
      GPSLongitudeRef: 'E',
      GPSLongitude: '13/1 24/1 18/1',
    }
    const exif = { IFD0: { Artist: 'Ada Lovelace', Model: 'Camera 9' }, IFD3: gps }
    const bytes = await solid(3000, 2000, 'olive')
      .withExif(exif)
      .withXmp('<x:xmpmeta>Ada Lovelace</x:xmpmeta>')
      .jpeg()
      .toBuffer()
    expect((await sharp(bytes).metadata()).exif).toBeDefined()
    expect(bytes.includes('Ada Lovelace')).toBe(true)
    const { bytes: given } = pictureOf(await read('holiday.jpg', bytes))
    const { exif: left, xmp, iptc, icc } = await sharp(given).metadata()
    expect({ left, xmp, iptc, icc }).toEqual({})
    expect(given.includes('Ada Lovelace') || given.includes('Exif')).toBe(false)
  })

  test.each([1, 3, 6, 8])('a photograph with orientation %i is turned upright', async (orientation) => {
    // Red on the left and blue on the right, as it is to be seen, stored the way that the orientation undoes.
    const turn = { 1: 0, 3: 180, 6: 270, 8: 90 }[orientation] ?? 0
    const upright = await sharp({ create: { width: 400, height: 300, channels: 3, background: 'red' } })
      .composite([{ input: await solid(200, 300, 'blue').png().toBuffer(), left: 200, top: 0 }])
      .png()
      .toBuffer()
    const stored = await sharp(upright).rotate(turn).withMetadata({ orientation }).jpeg().toBuffer()
    const { bytes, width, height } = pictureOf(await read('turned.jpg', stored))
    expect({ width, height }).toEqual({ width: 400, height: 300 })
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
    const at = (x: number, y: number) => [...data.subarray((y * info.width + x) * 3, (y * info.width + x) * 3 + 3)]
    expect(at(50, 150)[0]).toBeGreaterThan(200)
    expect(at(350, 150)[2]).toBeGreaterThan(200)
  })

  test('is at most 1568 pixels a side, with transparency shown as white', async () => {
    const clear = sharp({ create: { width: 4000, height: 1000, channels: 4, background: '#00000000' } })
    const { bytes, width, height } = pictureOf(await read('clear.png', await clear.png().toBuffer()))
    expect({ width, height }).toEqual({ width: 1568, height: 392 })
    expect([...(await sharp(bytes).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255])
  })

  test('a citation opens the picture and marks the words', async () => {
    const request = files.share('note.png', await note().png().toBuffer())
    const signal = new AbortController().signal
    const shown = await reader.render(request.path, 1, { width: 350, quote: 'Total: 1,234.56 EUR', signal })
    expect(shown).toMatchObject({ width: 350, height: 120 })
    expect(shown.marks).toHaveLength(1)
    expect(shown.marks[0]?.y).toBeCloseTo(95 / 240, 1)
    await expect(reader.render(request.path, 2, { width: 350, signal })).rejects.toMatchObject({ code: 'file_missing' })
  })

  test('a citation of a picture in a nested archive opens that picture', async () => {
    const png = await note().png().toBuffer()
    const deep = makeZip([{ name: 'note.png', content: await note().negate({ alpha: false }).png().toBuffer() }])
    const artifact = await read(
      'all.zip',
      makeZip([
        { name: 'note.png', content: png },
        { name: 'deep.zip', content: deep },
      ]),
    )
    expect(artifact.images?.map(({ at }) => at?.inner)).toEqual(['note.png', 'deep.zip/note.png'])
    const previews = createPreviews({ blobs, renderer: reader, latestArtifact: async () => artifact })
    const where = { kind: 'page', inner: 'deep.zip/note.png' } as const
    expect(await previews.lines(artifact.contentHash, 1, 1, where)).toMatchObject({ picture: true })
    const signal = new AbortController().signal
    const shown = await previews.picture(artifact.contentHash, 1, 1, { ...where, width: 350, signal })
    expect([...(await sharp(shown.png).removeAlpha().raw().toBuffer()).subarray(0, 3)]).toEqual([0, 0, 0])
  })
})

describe('hostile', () => {
  test('30,000 × 30,000 pixels are refused before they are decoded', async () => {
    await expect(read('bomb.png', pngOf(30_000, 30_000))).rejects.toMatchObject({
      code: 'file_too_large',
      userMessage: fileWording.limit.pixels('bomb.png', { width: 30_000, height: 30_000 }, 64e6),
    })
  })

  test('the largest allowed picture stays within its memory limit', async () => {
    const artifact = await read('large.png', pngOf(8_000, 7_900))
    expect(artifact.images).toMatchObject([{ width: 1568 }])
  })

  const kinds: [string, (picture: Sharp) => Sharp][] = [
    ['cut.png', (picture) => picture.png()],
    ['cut.jpg', (picture) => picture.jpeg()],
    ['cut.webp', (picture) => picture.webp({ lossless: true })],
    ['cut.gif', (picture) => picture.gif()],
    ['cut.tiff', (picture) => picture.tiff()],
    ['cut.avif', (picture) => picture.avif()],
  ]
  test.each(kinds)('%s cut at 60 %% gives what is left and says so, or is reported as damaged', async (name, as) => {
    const whole = await as(note()).toBuffer()
    const outcome = await read(name, whole.subarray(0, whole.length * 0.6)).catch((error: unknown) => error)
    if (outcome instanceof Error) expect(outcome).toMatchObject({ code: 'file_damaged' })
    else expect(Object(outcome).problems).toContainEqual(expect.objectContaining({ code: 'file_damaged' }))
  })

  test.each(['png', 'jpg', 'webp', 'gif', 'tiff', 'avif', 'heic'])(
    'garbage behind the signature of .%s is refused',
    async (kind) => {
      const heads = {
        png: '89504e470d0a1a0a0000000d4948445200000100000001000806000000',
        jpg: 'ffd8ffe000104a46494600010100000100010000',
        webp: '52494646f0ff00005745425056503820',
        gif: '474946383961ff00ff00f70000',
        tiff: '49492a0008000000',
        avif: '0000001c667479706176696600000000617669666d6966316d696166',
        heic: '0000001c667479706865696300000000686569636d69663168656963',
      }
      const noise = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i * 7919) % 251))
      const head = Buffer.from(heads[kind as keyof typeof heads], 'hex')
      await expect(read(`noise.${kind}`, Buffer.concat([head, noise]))).rejects.toMatchObject({
        code: expect.stringMatching(/^file_(?:damaged|too_large|unsupported)$/),
      })
    },
  )

  test('an SVG fetches nothing: no address, no file, no entity, no include', async () => {
    const asked: string[] = []
    const trap = createServer((request, response) => {
      asked.push(request.url ?? '')
      response.end()
    })
    await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve))
    const web = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`
    const secret = `${files.folder}/secret.png`
    writeFileSync(secret, await solid(100, 100, 'red').png().toBuffer())
    writeFileSync(`${files.folder}/secret.txt`, 'a word nobody may see')
    const images = [`${web}/a.png`, `file://${secret}`, secret, 'secret.png'].map(
      (href) => `<image href="${href}" xlink:href="${href}" width="100" height="100"/>`,
    )
    const svg = `<?xml version="1.0"?><?xml-stylesheet href="${web}/b.css" type="text/css"?>
      <!DOCTYPE svg [<!ENTITY out SYSTEM "file://${files.folder}/secret.txt"><!ENTITY net SYSTEM "${web}/c">]>
      <svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:xi="http://www.w3.org/2001/XInclude" width="100" height="100">
      <style>@import url("${web}/d.css"); rect { fill: url(${web}/e.svg#x) }</style>
      ${images.join('')}<use href="${web}/f.svg#g"/><xi:include href="file://${files.folder}/secret.txt" parse="text"/>
      <text x="5" y="50">&out;&net;</text></svg>`
    const outcome = await read('curious.svg', svg).catch((error: unknown) => error)
    trap.close()
    expect(asked).toEqual([])
    if (outcome instanceof Error) return expect(outcome).toMatchObject({ code: 'file_damaged' })
    const artifact = outcome as Artifact
    expect(textOf(artifact)).not.toContain('nobody may see')
    const pixels = await sharp(pictureOf(artifact).bytes).raw().toBuffer()
    expect(pixels.every((level) => level > 200)).toBe(true)
  })

  test('an SVG that refers to itself endlessly ends soon', async () => {
    const layers = Array.from(
      { length: 24 },
      (_, i) => `<g id="g${i + 1}"><use href="#g${i}"/><use href="#g${i}"/></g>`,
    )
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="100" height="100"><defs><rect id="g0" width="9" height="9"/>${layers.join('')}</defs><use href="#g24"/></svg>`
    await read('laughs.svg', svg).catch((error: unknown) =>
      expect(error).toMatchObject({ code: expect.stringMatching(/^file_/) }),
    )
  })

  test('no picture here needed 700 MB', () => {
    expect(peaks.length).toBeGreaterThan(20)
    expect(Math.max(...peaks)).toBeLessThan(700)
  })
})

function solid(width: number, height: number, background: string): Sharp {
  return sharp({ create: { width, height, channels: 3, background } })
}

/** One black bit a pixel: a few bytes for any number of them. */
function pngOf(width: number, height: number): Buffer {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header[8] = 1
  const lines = deflateSync(Buffer.alloc(height * (1 + Math.ceil(width / 8))))
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', lines), chunk('IEND', Buffer.alloc(0))])
}
