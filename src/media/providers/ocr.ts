/**
 * The text of a picture that may be crooked, unevenly lit or turned: tesseract's TSV as text, with the place and confidence of each
 * word.
 */
import { type Gray, quarterTurn, turnedBack } from './gray.ts'
import { prepare } from './ocr-picture.ts'
import type { Ocr } from './tesseract.ts'

/** Rotated text is recognized as unlikely words. */
const suspicious = 60
const surely = 75
/** Handwriting and unknown scripts are recognized as text that looks like words but is not. */
const hopeless = 45
/** Only a page with as many words is tried on its side, because tesseract turns level text on its own. */
const manyWords = 20

export interface Upright extends Recognized {
  /** As tesseract names them. */
  languages: readonly string[]
  /** The script of the page, if no installed language has it. */
  unknownScript: string | undefined
}

/** Takes the rotation and the languages that read best. The words are where they are in the given picture. */
export async function recognizeUpright(ocr: Ocr, given: Gray, read: (tsv: string) => Recognized): Promise<Upright> {
  const { picture, mayHaveText, place } = prepare(given)
  const quarters = [picture]
  let best = await attempt(0)
  if (best.marks === 0 || !mayHaveText) return upright(undefined)
  if (best.likely < suspicious) await compare(2)
  const { again, unknownScript } = await ocr.reconsider(quarters[best.turned] ?? picture, {
    text: best.text,
    poor: best.likely < suspicious,
  })
  if (again) await compare(best.turned, best.likely)
  const sideways = best.likely < suspicious && best.words.length >= manyWords && unknownScript === undefined
  for (const turned of sideways ? [1, 3] : []) if (best.likely < surely) await compare(turned)
  return upright(unknownScript)

  async function attempt(turned: number) {
    for (let at = quarters.length; at <= turned; at += 1) quarters[at] = quarterTurn(quarters[at - 1] ?? picture)
    const { tsv, languages } = await ocr.recognize(quarters[turned] ?? picture)
    return { ...read(tsv), turned, languages, marks: tsv.match(/^5\t/gm)?.length ?? 0 }
  }

  async function compare(turned: number, least = best.likely + 0.1): Promise<void> {
    const found = await attempt(turned)
    if (found.likely >= least && found.text.length > best.text.length / 3) best = found
  }

  function upright(unknownScript: string | undefined): Upright {
    const { turned, marks: _, ...found } = best
    const unread = mayHaveText ? found.unread : 0
    if (mayHaveText && found.likely > 0 && found.likely < hopeless)
      return { ...found, text: '', words: [], unread: unread + 1, unknownScript }
    const words = found.words.map((word) => ({ ...word, ...place(turnedBack(word, turned, picture)) }))
    return { ...found, words, unread, unknownScript }
  }
}

export interface Word {
  text: string
  /** In pixels of the recognized picture. */
  x: number
  y: number
  width: number
  height: number
  /** 0 to 100. */
  confidence: number
}

export interface Recognized {
  text: string
  words: Word[]
  /** Mean over the letters, 0 to 100; 0 without words. */
  confidence: number
  /** The same over everything that looks like a word, unread lines included. */
  likely: number
  /** Lines that were left out because they could not be read; handwriting, for example. */
  unread: number
}

/** Below this, the reader gets a warning. */
export const poorConfidence = 70
/** Specks and textures are recognized as words with a lower confidence than this. */
const noise = 25
/** Lines below this are wrong more often than right. */
const legible = 40
/** The grain of a photograph looks like letters. So each line needs this confidence, and the picture needs one sure word. */
const legibleInPhotograph = 50
const sureWord = 60

interface Line {
  paragraph: string
  key: string
  words: Word[]
}

/** `tsv` is as from `tesseract … tsv`, with or without its header. */
export function readTsv(tsv: string): Recognized {
  const all = linesOf(tsv)
  return recognized(legibleLines(all, legible), all)
}

/** For photographs. */
export function withoutGrain(tsv: string): Recognized {
  const all = linesOf(tsv)
  const { lines, unread } = legibleLines(all, legibleInPhotograph)
  const good = lines.filter(({ words }) => words.some(isWord))
  const sure = good.some(({ words }) => words.some((word) => isWord(word) && word.confidence >= sureWord))
  return recognized({ lines: sure ? good : [], unread }, all)
}

function legibleLines(all: Line[], least: number): { lines: Line[]; unread: number } {
  const lines: Line[] = []
  let unread = 0
  for (const line of all) {
    const words = line.words.filter(({ confidence }) => confidence >= noise)
    if (meanConfidence(line.words) >= least) lines.push({ ...line, words })
    else if (line.words.some((word) => word.text.length >= 3 && isWord(word))) unread += 1
    else if (meanConfidence(words) >= least) lines.push({ ...line, words })
  }
  return { lines, unread }
}

function linesOf(tsv: string): Line[] {
  const lines: Line[] = []
  for (const row of tsv.split('\n')) {
    const [level, , block, paragraph, line, , x, y, width, height, confidence, text = ''] = row.split('\t')
    if (level !== '5' || text.trim() === '') continue
    const key = `${block}.${paragraph}.${line}`
    let last = lines.at(-1)
    if (last?.key !== key) {
      last = { key, paragraph: `${block}.${paragraph}`, words: [] }
      lines.push(last)
    }
    last.words.push({
      text: text.trim(),
      x: Number(x),
      y: Number(y),
      width: Number(width),
      height: Number(height),
      confidence: Number(confidence),
    })
  }
  return lines
}

function recognized({ lines, unread }: { lines: Line[]; unread: number }, all: Line[]): Recognized {
  const words = lines.flatMap((line) => line.words)
  const likely = meanConfidence(all.flatMap((line) => line.words.filter(isWord)))
  return { text: textOf(lines), words, confidence: meanConfidence(words), likely, unread }
}

function textOf(lines: Line[]): string {
  let text = ''
  let paragraph: string | undefined
  for (const line of lines) {
    const words = line.words.map((word) => word.text).join(' ')
    if (paragraph === undefined) text = words
    else if (line.paragraph !== paragraph) text += `\n\n${words}`
    // Joins a word that was split at the line end.
    else if (/\p{L}[-‐]$/u.test(text) && /^\p{Ll}/u.test(words)) text = text.slice(0, -1) + words
    else text += `\n${words}`
    paragraph = line.paragraph
  }
  return text
}

function meanConfidence(words: Word[]): number {
  const letters = words.reduce((sum, { text }) => sum + text.length, 0)
  const sum = words.reduce((total, { text, confidence }) => total + text.length * confidence, 0)
  return letters === 0 ? 0 : sum / letters
}

function isWord({ text }: Word): boolean {
  return (text.match(/[\p{L}\p{N}]/gu)?.length ?? 0) >= Math.max(2, text.length / 2)
}
