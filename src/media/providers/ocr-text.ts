/** Turns tesseract's TSV into text, with the place and confidence of each word. Pure. */

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
}

/** Below this, the reader gets a warning. */
export const poorConfidence = 70
/** Specks and textures are recognized as words with a lower confidence than this. */
const noise = 25

interface Line {
  paragraph: string
  key: string
  words: Word[]
}

/** `tsv` is as from `tesseract … tsv`, with or without its header. */
export function readTsv(tsv: string): Recognized {
  return recognized(linesOf(tsv))
}

function linesOf(tsv: string): Line[] {
  const lines: Line[] = []
  for (const row of tsv.split('\n')) {
    const [level, , block, paragraph, line, , x, y, width, height, confidence, text = ''] = row.split('\t')
    if (level !== '5' || text.trim() === '' || Number(confidence) < noise) continue
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

/** Grain in photographs looks like letters, so only likely lines with a word are kept. */
export function withoutGrain(tsv: string): Recognized {
  const good = linesOf(tsv).filter(({ words }) => meanConfidence(words) >= 50 && words.some(isWord))
  const sure = good.flatMap(({ words }) => words).filter((word) => isWord(word) && word.confidence >= 60)
  return recognized(sure.length === 0 ? [] : good)
}

function recognized(lines: Line[]): Recognized {
  const words = lines.flatMap((line) => line.words)
  return { text: textOf(lines), words, confidence: meanConfidence(words) }
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
