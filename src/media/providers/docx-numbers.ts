/** The numbers and bullets of Word's lists, which are not part of the text: "4.2", "(b)", "iii."; and the marks of notes. */
import { type Archive, smallPart } from './archive.ts'
import { readXml } from './xml.ts'

interface Level {
  format: string
  /** With `%1` to `%9` for the numbers of the levels. */
  text: string
  start: number
}

export interface ListNumbers {
  /** The label of the next paragraph. */
  next(list: string, level: number): string
}

export async function readListNumbers(archive: Archive, part: string): Promise<ListNumbers> {
  const patterns = new Map<string, Level[]>()
  const patternOf = new Map<string, string>()
  if (archive.has(part)) await readXml(archive.stream(part, smallPart), collect(patterns, patternOf))
  const counters = new Map<string, number[]>()
  return {
    next(list, level) {
      const pattern = patternOf.get(list)
      const levels = patterns.get(pattern ?? '') ?? []
      const own = levels[level]
      const indent = '  '.repeat(Math.min(level, 8))
      if (own === undefined || own.format === 'bullet') return `${indent}- `
      if (own.format === 'none') return ''
      const counter = counters.get(pattern ?? '') ?? []
      counters.set(pattern ?? '', counter)
      counter.length = Math.min(counter.length, level + 1)
      for (let at = 0; at < level; at += 1) counter[at] ??= levels[at]?.start ?? 1
      counter[level] = counter[level] === undefined ? own.start : counter[level] + 1
      const shown = own.text.replace(/%([1-9])/g, (_, digit: string) => {
        const at = Number(digit) - 1
        return inFormat(counter[at] ?? levels[at]?.start ?? 1, levels[at]?.format ?? 'decimal')
      })
      return shown.trim() === '' ? '' : `${indent}${shown.trim()} `
    },
  }
}

function collect(patterns: Map<string, Level[]>, patternOf: Map<string, string>) {
  let levels: Level[] = []
  let level: Level | undefined
  let list = ''
  return {
    open(name: string, attributes: Record<string, string>) {
      const value = attributes['w:val'] ?? ''
      if (name === 'w:abstractNum') {
        levels = []
        patterns.set(attributes['w:abstractNumId'] ?? '', levels)
      } else if (name === 'w:num') list = attributes['w:numId'] ?? ''
      else if (name === 'w:abstractNumId') patternOf.set(list, value)
      else if (name === 'w:lvl') {
        const at = Number(attributes['w:ilvl'] ?? 0)
        level = { format: 'decimal', text: '', start: 1 }
        if (at >= 0 && at < 9) levels[at] = level
      } else if (level === undefined) return
      else if (name === 'w:start') level.start = Number(value) || 0
      else if (name === 'w:numFmt') level.format = value
      else if (name === 'w:lvlText') level.text = value
    },
    close(name: string) {
      if (name === 'w:lvl') level = undefined
    },
  }
}

function inFormat(number: number, format: string): string {
  switch (format) {
    case 'lowerLetter':
      return letters(number)
    case 'upperLetter':
      return letters(number).toUpperCase()
    case 'lowerRoman':
      return roman(number).toLowerCase()
    case 'upperRoman':
      return roman(number)
    case 'decimalZero':
      return String(number).padStart(2, '0')
    default:
      return String(number)
  }
}

/** a to z, then aa to zz, as Word counts. */
function letters(number: number): string {
  if (number < 1) return String(number)
  const letter = String.fromCharCode(97 + ((number - 1) % 26))
  return letter.repeat(Math.min(Math.ceil(number / 26), 20))
}

function roman(number: number): string {
  if (number < 1 || number > 3_999) return String(number)
  const signs = 'M:1000 CM:900 D:500 CD:400 C:100 XC:90 L:50 XL:40 X:10 IX:9 V:5 IV:4 I:1'
  let left = number
  let shown = ''
  for (const [sign = '', value = ''] of signs.split(' ').map((each) => each.split(':'))) {
    while (left >= Number(value)) {
      shown += sign
      left -= Number(value)
    }
  }
  return shown
}

/** `[^1]` for a footnote, `[^e1]` for an endnote; the first mention gives the number. */
export function noteMark(notes: Map<string, number>, kind: string, attributes: Record<string, string>): string {
  const key = `${kind}:${attributes['w:id'] ?? ''}`
  const number = notes.get(key) ?? [...notes.keys()].filter((each) => each.startsWith(`${kind}:`)).length + 1
  notes.set(key, number)
  return `[^${kind}${number}]`
}
