/** A document that the stand-in of the console's server shows: page pictures with text, and where a quote lies on them. */
import sharp from 'sharp'

const WIDTH = 612
const HEIGHT = 792
const LINE = 19
const TOP = 150
const LEFT = 72

const body = [
  'Demand in the northern region recovered in the second quarter,',
  'after two quarters in which deliveries were held back by the port.',
  '',
  'Revenue grew by 14 percent to 48.2 million euros, of which 9.1',
  'million came from contracts signed before the end of March. The',
  'gross margin rose to 37.5 percent, mostly through lower freight.',
  '',
  'Two risks remain. The largest customer accounts for 22 percent of',
  'revenue, and its contract ends on 30 September. The notice period',
  'is three months. Prices for steel are fixed until December only.',
  '',
  'The board proposes to keep the dividend unchanged and to put the',
  'surplus into the second production line in Aarhus.',
]
const quoted = [3, 4, 5]

export async function pagePicture(page: number, width: number): Promise<Buffer> {
  const lines = body.map((line, index) => `<text x="${LEFT}" y="${TOP + index * LINE}" font-size="13.5">${line}</text>`)
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">
    <rect width="100%" height="100%" fill="#fff"/>
    <g font-family="DejaVu Serif, serif" fill="#222">
      <text x="${LEFT}" y="100" font-size="20" font-weight="bold">Quarterly report</text>
      ${lines.join('')}
      <text x="${WIDTH / 2}" y="750" font-size="11" text-anchor="middle">${page}</text>
    </g></svg>`
  return sharp(Buffer.from(svg), { density: (72 * width) / WIDTH })
    .resize({ width })
    .png()
    .toBuffer()
}

export function pageMarks(quote: string) {
  const marks = quoted.map((index) => ({
    x: (LEFT - 2) / WIDTH,
    y: (TOP + index * LINE - 13) / HEIGHT,
    width: 466 / WIDTH,
    height: 17 / HEIGHT,
  }))
  return { width: WIDTH, height: HEIGHT, marks: quote === '' ? [] : marks }
}

/** What a slide or a recording says, with its neighbours; the text of a page that has no picture, with one of the scan. */
function textOf(kind: string, from: number, to: number) {
  const around = { from, to, of: to }
  if (kind === 'page') return { ...around, lines: body, places: body.map(() => ({ from, to })), picture: true }
  if (kind === 'slide') {
    const lines = [
      'Orders by region',
      '| Region | Orders |',
      '| --- | --- |',
      '| North | 12 |',
      '| South \\| West | 9 |',
    ]
    return { ...around, lines, places: lines.map(() => ({ from: from + 1, to: from + 1 })) }
  }
  const step = kind === 'time' ? 20_000 : 1
  const starts = Array.from({ length: Math.floor((to - from) / step) + 1 }, (_, index) => from + index * step)
  return {
    ...around,
    lines: starts.flatMap((start) => [`heard or shown at ${start}`, 'and more of it']),
    places: starts.flatMap((start) => [0, 1].map(() => ({ from: start, to: kind === 'time' ? start + step : start }))),
  }
}

function textLines(from: number, to: number) {
  const of = 400
  const last = Math.min(to, of)
  const lines = Array.from({ length: last - from + 1 }, (_, index) => `line ${from + index} of the log, level=info`)
  return { from, to: last, of, lines }
}

/** Every third row is empty, and left out. */
function tableRows(from: number, to: number) {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((number) => number % 3 !== 0)
  const lines = numbers.map((number) => `Item ${number} | ${'a long description of it '.repeat(6)} | ${number * 10}`)
  return { from, to, of: 400, lines, numbers, columns: ['A: Item', 'B: Description', 'C: Price'] }
}

export function textFrom(query: URLSearchParams) {
  const kind = query.get('kind') ?? 'lines'
  const [from, to] = [Number(query.get('from')), Number(query.get('to'))]
  if (kind === 'rows') return tableRows(from, to)
  return kind === 'lines' ? textLines(from, to) : textOf(kind, from, to)
}
