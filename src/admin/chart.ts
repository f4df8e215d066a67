/**
 * Charts as SVG: columns over time, bars by name. Every axis starts at zero. Pure. Text is drawn as paths from `Lettering`
 * because a server may have no fonts. 720 wide, so that text of size 22 is readable on a phone.
 */

export interface Lettering {
  /** The path of a text that starts at `x` on the baseline `y`. */
  path(text: string, x: number, y: number, size: number): string
  width(text: string, size: number): number
}

export interface Chart {
  title: string
  /** `$1.20`, `14`. */
  format(value: number): string
  /** `columns`: in time, from left to right. `bars`: by name, largest first. */
  kind: 'columns' | 'bars'
  points: readonly { label: string; value: number }[]
}

const width = 720
const [margin, titleSize, size] = [28, 28, 22]
const ink = '#1f2430'
const faint = '#5c6370'
const grid = '#d9dce3'
const fill = '#2f6feb'

export function drawChart(chart: Chart, letters: Lettering): { svg: string; width: number; height: number } {
  const { body, height } = chart.kind === 'columns' ? columns(chart, letters) : bars(chart, letters)
  const title = text(letters, cut(letters, chart.title, titleSize, width - 2 * margin), margin, 50, titleSize, ink)
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"><rect width="100%" height="100%" fill="#fff"/>${title}${body}</svg>`
  return { svg, width, height }
}

function columns({ points, format }: Chart, letters: Lettering): { body: string; height: number } {
  const [top, bottom, height] = [84, 380, 432]
  const { ticks, most } = scale(Math.max(0, ...points.map(({ value }) => value)))
  const names = ticks.map(format)
  const left = margin + Math.max(...names.map((name) => letters.width(name, size))) + 14
  const room = width - margin - left
  const y = (value: number) => bottom - ((bottom - top) * value) / most
  const lines = ticks.map((tick, n) => {
    const name = names[n] ?? ''
    const label = text(letters, name, left - 14 - letters.width(name, size), y(tick) + 8, size, faint)
    return `<path d="M${round(left)} ${round(y(tick))}H${width - margin}" stroke="${grid}" stroke-width="${tick === 0 ? 3 : 1.5}"/>${label}`
  })
  const step = room / Math.max(1, points.length)
  const thick = Math.min(72, Math.max(1, step * 0.72))
  const drawn = points.map(({ value }, n) => {
    const x = left + step * (n + 0.5) - thick / 2
    return value === 0 ? '' : rect(x, y(value), thick, bottom - y(value))
  })
  const widest = Math.max(1, ...points.map(({ label }) => letters.width(label, size)))
  const every = Math.max(1, Math.ceil((widest + 18) / step))
  const labels = points.map(({ label }, n) => {
    if (n % every !== 0) return ''
    const long = letters.width(label, size)
    const x = Math.min(width - margin - long, Math.max(left - 6, left + step * (n + 0.5) - long / 2))
    return text(letters, label, x, bottom + 34, size, faint)
  })
  return { body: [...lines, ...drawn, ...labels].join(''), height }
}

function bars({ points, format }: Chart, letters: Lettering): { body: string; height: number } {
  const [top, row, thick] = [84, 66, 22]
  const most = Math.max(...points.map(({ value }) => value), Number.MIN_VALUE)
  const room = width - 2 * margin
  const drawn = points.map(({ label, value }, n) => {
    const y = top + n * row
    const name = format(value)
    const end = width - margin - letters.width(name, size)
    const shown = cut(letters, label, size, end - margin - 20)
    return [
      text(letters, shown, margin, y + 20, size, ink),
      text(letters, name, end, y + 20, size, ink),
      rect(margin, y + 30, room, thick, '#eef0f4'),
      value === 0 ? '' : rect(margin, y + 30, Math.max(2, (room * value) / most), thick),
    ].join('')
  })
  return { body: drawn.join(''), height: top + points.length * row + 20 }
}

/** About five round whole numbers from zero to beyond the largest value: questions and nano-dollars have no fractions. */
function scale(largest: number): { ticks: number[]; most: number } {
  if (largest <= 0) return { ticks: [0, 1], most: 1 }
  const rough = largest / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const fits = (step: number) => step >= rough * (1 - 1e-9) && Number.isInteger(step)
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find(fits) ?? 10 * power
  const count = Math.ceil(largest / step - 1e-9)
  return { ticks: Array.from({ length: count + 1 }, (_, n) => n * step), most: count * step }
}

function cut(letters: Lettering, label: string, size: number, most: number): string {
  if (letters.width(label, size) <= most) return label
  const signs = [...label]
  while (signs.length > 1 && letters.width(`${signs.join('')}…`, size) > most) signs.pop()
  return `${signs.join('')}…`
}

const round = (value: number) => Math.round(value * 10) / 10
const text = (letters: Lettering, words: string, x: number, y: number, size: number, color: string) =>
  `<path fill="${color}" d="${letters.path(words, x, y, size)}"/>`
const rect = (x: number, y: number, wide: number, high: number, color = fill) =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(wide)}" height="${round(high)}" rx="3" fill="${color}"/>`
