/** A passage cut into what can be quoted alone: sentences of prose, lines of tables and code. */
import { sentenceSpans } from '../core/text/sentences.ts'

export interface Unit {
  /** As in the source; in prose, line breaks within a sentence are spaces. */
  text: string
  /** Which paragraph of the passage, counted from 0; lines are their own paragraphs. */
  paragraph: number
  /** No sentence: it names what follows. */
  heading: boolean
}

export interface Units {
  layout: 'prose' | 'lines'
  units: Unit[]
}

/** Prose longer than this between two ends is cut because a longer quote is not readable. */
const MAX_SENTENCE = 1_200

const bullet = /^\s*(?:[-*•▪◦–—·]|\d{1,3}(?:\.\d{1,3})*[.)]?|[a-zA-Z][.)]|\(\w{1,3}\)|#{1,6}|§+|\|)\s/
const codeLine =
  /[{};]\s*(?:\/\/.*)?$|^\s*(?:import|export|const|let|def|class|function|return|public|private|if|for|fn|func|#include)\b.*[({:=]|^\s{2,}\S.*[(=]|=>|^\s*(?:\/\/|\/\*|\*\/)/
export function unitsOf(text: string, tabular: boolean): Units {
  const lines = text.split(/\r?\n/)
  if (tabular || looksLikeCode(lines)) {
    const units = lines.map((line, paragraph) => ({ text: line.trimEnd(), paragraph, heading: false }))
    return { layout: 'lines', units: units.filter((unit) => unit.text !== '') }
  }
  const units = paragraphs(lines).flatMap((paragraph, at) =>
    sentencesOf(paragraph).map((sentence) => ({
      text: sentence,
      paragraph: at,
      heading: sentence.length < 90 && !/[.!?。！？;；:：”"]$/.test(sentence) && !/^[-*•|]/.test(sentence),
    })),
  )
  return { layout: 'prose', units }
}

function looksLikeCode(lines: string[]): boolean {
  const filled = lines.filter((line) => line.trim() !== '')
  return filled.length >= 2 && filled.filter((line) => codeLine.test(line)).length >= filled.length * 0.4
}

/** Lines that a page broke are joined again; lines that stand for themselves stay apart. */
function paragraphs(lines: string[]): string[] {
  const full = Math.max(...lines.slice(0, 400).map((line) => line.length))
  const joined: string[] = []
  let previous = ''
  for (const line of lines) {
    const wrapped = previous.trim() !== '' && line.trim() !== '' && continues(previous, line, full)
    if (wrapped) joined[joined.length - 1] += ` ${line.trim()}`
    else if (line.trim() !== '') joined.push(line.trim())
    previous = line
  }
  return joined
}

function continues(line: string, next: string, full: number): boolean {
  if (bullet.test(next) || /^\s*#{1,6}\s/.test(line) || /\t|\s{3,}|\|/.test(line.trim())) return false
  if (/[a-zß-ÿ,–-]$/.test(line.trimEnd()) && /^\s*[a-zß-ÿ]/.test(next)) return true
  return line.length > full * 0.6
}

function sentencesOf(paragraph: string): string[] {
  const found: string[] = []
  let open = 0
  for (const { to } of sentenceSpans(paragraph)) {
    const sentence = paragraph.slice(open, to)
    // What has no word in it, such as a number, belongs to what follows.
    if (sentence.length < MAX_SENTENCE && !/\p{L}{2}|\p{Lo}/u.test(sentence)) continue
    for (let at = 0; at < sentence.length; at += MAX_SENTENCE) pushFilled(found, sentence.slice(at, at + MAX_SENTENCE))
    open = to
  }
  pushFilled(found, paragraph.slice(open))
  return found
}

function pushFilled(found: string[], text: string): void {
  const clean = text.trim().replace(/[^\S\n]+/g, ' ')
  if (clean !== '') found.push(clean)
}
