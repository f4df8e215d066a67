/** Marks letters that would read as another value: raised and lowered ones (`10^6`, `x_i`), struck-out ones (`~~900~~`), fractions. Pure. */
import type { Box } from './pdf-annotations.ts'
import type { Letter } from './pdf-letters.ts'
import type { Line } from './pdf-objects.ts'
import { marked } from './styled-text.ts'

/** Letters of this size, as a share of the letters beside them, can be raised or lowered ones. */
const smallest = 0.35
const largest = 0.88
/** How far they are moved, in sizes of the letters beside them. */
const raised = { least: 0.12, most: 1 }
const lowered = { least: 0.06, most: 0.7 }
/** Longer ones are text of another size. */
const longest = 16

interface Script {
  from: number
  /** Exclusive. */
  to: number
  raised: boolean
}

/** Changes the text of `letters`. */
export function markScripts(letters: Letter[]): void {
  let from = 0
  for (let at = 0; at <= letters.length; at += 1) {
    if (at < letters.length && letters[at]?.text !== '\n') continue
    markLine(letters, from, at)
    from = at + 1
  }
}

function markLine(letters: Letter[], from: number, to: number): void {
  const scripts = scriptsOf(letters, from, to)
  for (let at = 0; at < scripts.length; at += 1) {
    const script = scripts[at]
    if (script === undefined) continue
    if (isFraction(letters, script, scripts[at + 1])) {
      // 2½ is not 21/2.
      if (/\d$/.test(letters[script.from - 1]?.text ?? '')) prepend(letters[script.from], ' ')
      const slash = letters[script.to]
      if (slash !== undefined) slash.text = '/'
      at += 1
    } else mark(letters, script)
  }
}

function scriptsOf(letters: Letter[], from: number, to: number): Script[] {
  const scripts: Script[] = []
  let base = baseAfter(letters, from, to)
  for (let at = from; at < to; at += 1) {
    const letter = letters[at]
    if (letter === undefined || isBlank(letter) || letter.size === 0) continue
    const way = base === undefined ? undefined : moved(base, letter)
    if (way === undefined) {
      base = letter
      continue
    }
    let end = at + 1
    while (end < to && base !== undefined && isPartOf(letters[end], letter, base)) end += 1
    if (end - at <= longest) scripts.push({ from: at, to: end, raised: way === 'raised' })
    at = end - 1
  }
  return scripts
}

/** For a line that begins with a small letter, such as a footnote's number: the first letter that it belongs to. */
function baseAfter(letters: Letter[], from: number, to: number): Letter | undefined {
  const first = letters.slice(from, to).find((letter) => !isBlank(letter) && letter.size > 0)
  if (first === undefined) return undefined
  return letters.slice(from, Math.min(to, from + longest)).find((letter) => letter.size > first.size / largest)
}

/** Scripts of scripts are part of them. */
function isPartOf(letter: Letter | undefined, first: Letter, base: Letter): boolean {
  if (letter === undefined || isBlank(letter) || letter.size === 0 || letter.size > first.size * 1.1) return false
  const same = Math.abs(letter.baseline - first.baseline) < 0.5
  const rises = first.baseline > base.baseline
  return same || (letter.size < first.size * 0.9 && letter.baseline > base.baseline === rises)
}

function moved(base: Letter, letter: Letter): 'raised' | 'lowered' | undefined {
  const ratio = letter.size / base.size
  if (ratio < smallest || ratio > largest) return undefined
  const by = (letter.baseline - base.baseline) / base.size
  if (by >= raised.least && by <= raised.most) return 'raised'
  return -by >= lowered.least && -by <= lowered.most ? 'lowered' : undefined
}

/** A raised number, a slash and a lowered number: 1⁄2. */
function isFraction(letters: Letter[], over: Script, under: Script | undefined): boolean {
  if (under === undefined || !over.raised || under.from - over.to !== 1) return false
  if (!/[/\u2044\u2215]/.test(letters[over.to]?.text ?? '')) return false
  return /^\d+$/.test(textOf(letters, over)) && /^\d+$/.test(textOf(letters, under))
}

function mark(letters: Letter[], { from, to, raised: isRaised }: Script): void {
  const text = textOf(letters, { from, to })
  const around = { before: letters[from - 1]?.text.at(-1) ?? '', next: letters[to]?.text.at(0) ?? '' }
  const [first, last] = [letters[from], letters[to - 1]]
  const styled = marked(text, isRaised ? 'super' : 'sub', around)
  const at = styled.indexOf(text)
  prepend(first, styled.slice(0, Math.max(0, at)))
  if (last !== undefined && at >= 0) last.text += styled.slice(at + text.length)
}

function prepend(letter: Letter | undefined, sign: string): void {
  if (letter !== undefined) letter.text = sign + letter.text
}

function textOf(letters: Letter[], { from, to }: Pick<Script, 'from' | 'to'>): string {
  return letters
    .slice(from, to)
    .map(({ text }) => text)
    .join('')
}

function isBlank({ text, box }: Letter): boolean {
  return box === undefined || text.trim() === ''
}

// Fractions: a number or term over a line over another one.

/** In points; longer lines are rules of tables and of pages. */
const longestBar = 250
/** A page with more is a drawing. */
const mostBars = 300

/** Puts the parts of each fraction together as `(a)/(b)`. Changes `letters`. */
export function joinFractions(letters: Letter[], bars: readonly Line[]): void {
  const short = bars.filter(({ from, to }) => to - from <= longestBar)
  for (const bar of short.length > mostBars ? [] : short) {
    const near = lettersNear(letters, bar)
    const over = part(letters, near, bar, (rise, size) => rise > -size * 0.2 && rise < size * 1.4)
    const under = over && part(letters, near, bar, (rise, size) => rise < -size * 0.4 && rise > -size * 1.6)
    if (over === undefined || under === undefined) continue
    if (bar.to - bar.from > Math.max(over.width, under.width) + over.size) continue
    join(letters, over, under, bar)
  }
}

interface Part {
  indexes: number[]
  width: number
  size: number
  box: Box
}

/** The letters above or below a bar. Undefined when there are none, or they go on beyond it: then it underlines them. */
function part(letters: Letter[], near: number[], bar: Line, isNear: (rise: number, size: number) => boolean) {
  let size = 0
  for (const index of near) {
    const letter = letters[index]
    if (letter !== undefined && isOver(letter, bar, 0) && isNear(letter.baseline - bar.at, letter.size))
      size = Math.max(size, letter.size)
  }
  const indexes: number[] = []
  for (const index of near) {
    const letter = letters[index]
    if (letter === undefined || !isNear(letter.baseline - bar.at, size)) continue
    if (isOver(letter, bar, 1)) indexes.push(index)
    else if (isOver(letter, bar, size * 0.6)) return undefined
  }
  const boxes = indexes.flatMap((index) => letters[index]?.box ?? [])
  if (boxes.length === 0) return undefined
  const box = {
    left: Math.min(...boxes.map(({ left }) => left)),
    right: Math.max(...boxes.map(({ right }) => right)),
    bottom: Math.min(...boxes.map(({ bottom }) => bottom)),
    top: Math.max(...boxes.map(({ top }) => top)),
  }
  return { indexes, width: box.right - box.left, size, box } satisfies Part
}

/** Letters that can belong to a fraction with this bar, or underlined words around it. */
function lettersNear(letters: Letter[], { at, from, to }: Line): number[] {
  const near: number[] = []
  for (const [index, letter] of letters.entries()) {
    const { box, baseline, size } = letter
    if (box === undefined || size === 0 || Math.abs(baseline - at) > size * 1.6) continue
    if (box.right > from - size && box.left < to + size && !isBlank(letter)) near.push(index)
  }
  return near
}

function isOver({ box }: Letter, bar: Line, margin: number): boolean {
  return box !== undefined && box.left > bar.from - margin - 0.5 && box.right < bar.to + margin + 0.5
}

function join(letters: Letter[], over: Part, under: Part, bar: Line): void {
  const first = Math.min(...over.indexes, ...under.indexes)
  const last = Math.max(...over.indexes, ...under.indexes)
  const taken = new Set([...over.indexes, ...under.indexes])
  const between = letters.slice(first, last + 1)
  // Words of the text around it between its parts: its letters are not those of one fraction.
  if (between.some((letter, at) => !taken.has(first + at) && !isBlank(letter))) return
  const before = letters.slice(0, first).findLast((letter) => letter.text.trim() !== '')?.text ?? ''
  const mixed = /\d$/.test(before) && (letters[first - 1]?.text ?? ' ').trim() !== ''
  const fraction: Letter = {
    text: `${mixed ? ' ' : ''}${term(letters, over)}/${term(letters, under)}`,
    box: {
      left: Math.min(over.box.left, under.box.left),
      right: Math.max(over.box.right, under.box.right),
      bottom: bar.at - over.size * 0.5,
      top: bar.at + over.size * 0.5,
    },
    baseline: bar.at - over.size * 0.25,
    size: over.size,
  }
  letters.splice(first, last - first + 1, fraction)
}

function term(letters: Letter[], { indexes }: Part): string {
  const from = Math.min(...indexes)
  const parts = letters.slice(from, Math.max(...indexes) + 1).filter(({ text }) => text !== '\n' && text !== '\r')
  markScripts(parts)
  const text = parts
    .map((letter) => letter.text)
    .join('')
    .trim()
  return /^(?:[\p{N}.,]+|\p{L}+)$/u.test(text) ? text : `(${text})`
}

// Struck-out text: letters with a line through their middle.

/** Where a line strikes, in sizes of the letters above their baseline; lower ones underline. */
const strike = { least: 0.15, most: 0.45 }
/** In points. */
const mostStruckSize = 100
/** A page with more is a drawing. */
const mostLines = 1_000

export interface Struck {
  letters: Set<Letter>
  /** The lines through them, which are no borders of tables. */
  lines: Set<Line>
}

export function findStruck(letters: readonly Letter[], lines: readonly Line[]): Struck {
  const struck: Struck = { letters: new Set(), lines: new Set() }
  const byBaseline = new Map<number, Letter[]>()
  let largestSize = 0
  if (lines.length === 0 || lines.length > mostLines) return struck
  for (const letter of letters) {
    if (isBlank(letter) || letter.size === 0) continue
    const key = Math.round(letter.baseline)
    const others = byBaseline.get(key)
    if (others === undefined) byBaseline.set(key, [letter])
    else others.push(letter)
    largestSize = Math.max(largestSize, letter.size)
  }
  for (const line of lines) {
    const lowest = Math.floor(line.at - strike.most * Math.min(largestSize, mostStruckSize))
    for (let key = lowest; key <= line.at + 1; key += 1) {
      for (const letter of byBaseline.get(key) ?? []) {
        if (!strikes(line, letter)) continue
        struck.letters.add(letter)
        struck.lines.add(line)
      }
    }
  }
  return struck
}

/** Changes the text of `letters`. */
export function markStruck(letters: readonly Letter[], { letters: struck }: Struck): void {
  let last: Letter | undefined
  for (const letter of struck.size === 0 ? [] : letters) {
    if (isBlank(letter)) continue
    const isStruck = struck.has(letter)
    if (isStruck && last === undefined) prepend(letter, '~~')
    if (!isStruck && last !== undefined) last.text += '~~'
    last = isStruck ? letter : undefined
  }
  if (last !== undefined) last.text += '~~'
}

function strikes({ at, from, to }: Line, { box, baseline, size }: Letter): boolean {
  if (box === undefined) return false
  const middle = (box.left + box.right) / 2
  const above = at - baseline
  return middle > from && middle < to && above > strike.least * size && above < strike.most * size
}
