/** Pages as people scan and photograph them: crooked, in shadow, upside down, with few words. The built-in recognition reads them. */
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { file } from '../../test/fakes/message.ts'
import { wordRecall } from '../../test/fixtures/foreign-pdf.ts'
import { makePdf } from '../../test/fixtures/make-pdf.ts'
import {
  at600dpi,
  bent,
  darkToOneSide,
  drawnPage,
  fromTheSide,
  postcard,
  relit,
  scribbled,
  tilted,
  underAShadow,
} from '../../test/fixtures/scans.ts'
import { createSharedFiles, watched } from '../../test/fixtures/shared-files.ts'
import { fileWording } from '../wording/files.ts'
import { createReader } from './create-reader.ts'
import type { OuterRecognizer } from './provider.ts'
import { type Gray, quarterTurn } from './providers/gray.ts'
import { readTsv, recognizeUpright } from './providers/ocr.ts'
import { languageNames } from './providers/ocr-languages.ts'
import { markWords } from './providers/quote-marks.ts'
import { createOcr } from './providers/tesseract.ts'
import { describeReading } from './receipt.ts'

const letter = [
  'Minutes of the meeting of 14 March in room 214',
  'The boiler in the north wing was repaired on Tuesday.',
  'Replacement of the feed pump costs 2,340 euros.',
  'The insurance has asked for photographs of the damage',
  'and for the report of the engineer before the end of May.',
  'Keys for the roof are kept by the caretaker from now on.',
  'The next meeting takes place on the second of April.',
]
const ocr = createOcr()
const read = (page: Gray) => recognizeUpright(ocr, page, readTsv)
const turned = (page: Gray, quarters: number): Gray => (quarters === 0 ? page : turned(quarterTurn(page), quarters - 1))

/** The edge of a shadow runs through every line and hides a word of some. */
const photographs: [string, (page: Gray) => Gray, recall?: number][] = [
  ['3 degrees askew', (page) => tilted(page, 3)],
  ['10 degrees askew the other way', (page) => tilted(page, -10)],
  ['seen from the side', fromTheSide],
  ['bent like a page of a book', bent],
  ['with one dark side', darkToOneSide],
  ['under the shadow of a hand', underAShadow, 0.85],
  ['in bad light and askew', (page) => tilted(darkToOneSide(page), 4)],
  ['on its side and askew', (page) => turned(tilted(page, 4), 1)],
  ['upside down, askew and in a shadow', (page) => turned(underAShadow(tilted(page, -4)), 2), 0.85],
  ['in faint gray', (page) => relit(page, (level) => 190 + (level - 255) * 0.25)],
  ['white on black', (page) => relit(page, (level) => 235 - level * 0.85)],
  ['scanned at 600 dpi', at600dpi],
]
test.each(photographs)(
  'reads a page %s',
  async (_, change, recall = 0.95) => {
    const { text, unread } = await read(change(await postcard(letter)))
    expect(wordRecall(letter.join(' '), text)).toBeGreaterThanOrEqual(recall)
    expect(unread).toBe(0)
  },
  240_000,
)

const notes = [
  ['Gate code', 'QX-4471'],
  ['Delivery note 4711', 'Please ring the bell twice'],
  ['Meeting moved to Thursday', 'Room 214, second floor', 'Bring the signed contract and your badge'],
]
test.each(notes.flatMap((lines) => [0, 1, 2, 3].map((quarters) => [lines.join(' '), quarters, lines] as const)))(
  'reads the few words "%s" after %d quarter turns',
  async (words, quarters, lines) => {
    const { text } = await read(turned(await postcard(lines), quarters))
    expect(wordRecall(words, text)).toBe(1)
  },
  240_000,
)

test('words are marked where they are on a page that lies upside down and askew', async () => {
  const upright = await postcard(letter)
  const place = (page: Gray, words: Awaited<ReturnType<typeof read>>['words']) => {
    const marks = markWords(words, 'feed pump', page)
    const middle = (of: (mark: (typeof marks)[number]) => [number, number]) =>
      (Math.min(...marks.map((mark) => of(mark)[0])) + Math.max(...marks.map((mark) => of(mark)[1]))) / 2
    return { x: middle(({ x, width }) => [x, x + width]), y: middle(({ y, height }) => [y, y + height]) }
  }
  const straight = place(upright, (await read(upright)).words)
  for (const quarters of [1, 2]) {
    const page = turned(upright, quarters)
    const { x, y } = place(page, (await read(page)).words)
    const expected = quarters === 1 ? { x: 1 - straight.y, y: straight.x } : { x: 1 - straight.x, y: 1 - straight.y }
    expect(Math.abs(x - expected.x)).toBeLessThan(0.02)
    expect(Math.abs(y - expected.y)).toBeLessThan(0.02)
  }
  const askew = tilted(upright, 5)
  const { x, y } = place(askew, (await read(askew)).words)
  const ratio = upright.height / upright.width
  const angle = (5 * Math.PI) / 180
  const [across, down] = [straight.x - 0.5, (straight.y - 0.5) * ratio]
  expect(Math.abs(x - (0.5 + across * Math.cos(angle) - down * Math.sin(angle)))).toBeLessThan(0.03)
  expect(Math.abs(y - (0.5 + (across * Math.sin(angle) + down * Math.cos(angle)) / ratio))).toBeLessThan(0.03)
})

test('two columns are read one after the other', async () => {
  const left =
    'The tenant pays the rent on the first day of each month. Heating costs are settled once a year by the owner. Small repairs up to eighty euros are paid by the tenant. The garden is open to all, and bicycles are kept in the cellar behind the second door.'
  const right =
    'The owner repairs the roof and the pipes. Pets need the consent of all neighbors who share the staircase. Loud music ends at ten in the evening. The deposit of three rents is returned with interest within six months after the keys were handed over.'
  const page = await drawnPage((doc) => {
    doc.addPage({ size: [420, 298], margin: 36 }).fontSize(11)
    doc.text(left, 36, 50, { width: 155 }).text(right, 230, 50, { width: 155 })
  })
  const { text } = await read(page)
  expect(text.replace(/\s+/g, ' ')).toBe(`${left} ${right}`)
})

test('handwriting is left out and counted', async () => {
  const { text, unread } = await read(await scribbled())
  expect(unread).toBeGreaterThan(0)
  expect(text.match(/\p{L}{4,}/gu) ?? []).toEqual([])
})

const pngOf = ({ pixels, width, height }: Gray) =>
  sharp(pixels, { raw: { width, height, channels: 1 } })
    .png()
    .toBuffer()

/** As a file that somebody shares. */
async function receiptOf(name: string, bytes: Buffer) {
  const files = createSharedFiles()
  const reader = createReader()
  try {
    const artifact = await reader.read(files.share(name, bytes), watched())
    return { artifact, receipt: describeReading(file(name), artifact) }
  } finally {
    await reader.close()
    files.remove()
  }
}

test('the receipt of a handwritten page says that it could not be read', async () => {
  const page = await pngOf(await scribbled())
  const bytes = await makePdf(
    (doc) => void doc.addPage({ size: [420, 298], margin: 0 }).image(page, 0, 0, { width: 420 }),
  )
  const { artifact, receipt } = await receiptOf('letter.pdf', bytes)
  expect(artifact.segments).toEqual([])
  expect(receipt).toMatchObject({ outcome: 'partly', problems: [{ userMessage: fileWording.ocr.unreadable([1]) }] })
})

test('a screenshot that is many times as long as wide keeps its letters', async () => {
  const lines = Array.from(
    { length: 18 },
    (_, place) => `Message ${place + 1} of the long conversation ends at ${place + 8} o'clock`,
  )
  const long = await drawnPage((doc) => {
    doc.addPage({ size: [330, 2400], margin: 20 }).fontSize(11)
    for (const [place, line] of lines.entries()) doc.text(line, 20, 30 + place * 130)
  })
  const { artifact, receipt } = await receiptOf('chat.png', await pngOf(long))
  expect(wordRecall(lines.join(' '), artifact.segments.map(({ text }) => text).join(' '))).toBeGreaterThanOrEqual(0.97)
  expect(receipt).toMatchObject({
    outcome: 'read',
    problems: [{ userMessage: fileWording.ocr.picture('chat.png', 'English') }],
  })
})

/** An installed tesseract with these languages that says a page is in `script`, and reads well in the languages of `good`. */
function installed(
  languages: string[],
  script: string | undefined,
  good: string[],
  text = 'page number four',
): OuterRecognizer & { asked: string[] } {
  const asked: string[] = []
  return {
    asked,
    languages,
    scripts: true,
    atOnce: 1,
    async recognize(_, wanted) {
      asked.push(wanted.join('+'))
      const confidence = wanted.some((language) => good.includes(language)) ? 95 : 30
      return text
        .split(' ')
        .map((word, at) => `5\t1\t1\t1\t1\t${at}\t${at * 50}\t10\t40\t20\t${confidence}\t${word}`)
        .join('\n')
    },
    async script() {
      asked.push('script')
      return script
    },
  }
}

const many = ['eng', 'ara', 'chi_sim', 'deu', 'fra', 'ita', 'jpn', 'por', 'rus', 'spa', 'ukr']
const german =
  'der Mieter zahlt die Miete und die Kosten sind von dem Vermieter zu tragen wenn das Haus nicht bewohnt ist'
const languageCases: [string, string[], string | undefined, string[], string | undefined, string[]][] = [
  ['a few languages are all used at once', ['eng', 'deu', 'rus'], undefined, ['eng'], undefined, ['eng+deu+rus']],
  [
    'of a few, the one of the words comes first',
    ['eng', 'deu', 'rus'],
    undefined,
    ['eng'],
    german,
    ['eng+deu+rus', 'deu+eng+rus'],
  ],
  ['of many, those of the script of the page', many, 'Cyrillic', ['rus'], undefined, ['script', 'rus+ukr+eng']],
  ['Japanese is also read where the script is Han', many, 'Han', ['chi_sim'], undefined, ['script', 'chi_sim+jpn+eng']],
  [
    'of many in Latin letters, the one of the words',
    many,
    'Latin',
    ['eng', 'deu'],
    german,
    ['script', 'eng', 'deu+eng'],
  ],
  [
    'English stays English',
    many,
    'Latin',
    ['eng'],
    'the rent of the house is to be paid by the tenant and not by the owner for the house',
    ['script', 'eng'],
  ],
]
test.each(languageCases)('%s', async (_, languages, script, good, text, asked) => {
  const recognizer = installed(languages, script, good, text)
  const found = await recognizeUpright(createOcr({ recognizer }), await postcard(letter), readTsv)
  expect(recognizer.asked).toEqual(asked)
  expect(found.languages.join('+')).toBe(asked.at(-1))
})

test('a script without an installed language is named, and what was guessed is left out', async () => {
  const recognizer = installed(['eng'], 'Cyrillic', [])
  const found = await recognizeUpright(createOcr({ recognizer }), await postcard(letter), readTsv)
  expect(found).toMatchObject({ text: '', unknownScript: 'Cyrillic' })
  expect(found.unread).toBeGreaterThan(0)
})

test('names of languages are words', () => {
  expect(languageNames(['eng'])).toBe('English')
  expect(languageNames(['deu', 'eng'])).toBe('German and English')
  expect(languageNames(['chi_tra', 'chi_sim', 'jpn_vert', 'xyz'])).toBe(
    'Traditional Chinese, Simplified Chinese, Japanese, and xyz',
  )
})
