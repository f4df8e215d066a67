/** Sentences of any language, for texts of files (whose lines break anywhere) and of answers. */

const ENDS = '.!?…。！？'
const CLOSERS = String.raw`["'”’»)\]」』*_]*`
/** A full stop after these ends no sentence: before any word, and before a small letter or a number. */
const TITLE = String.raw`(?<=\b(?:Mr|Mrs|Ms|Dr|Prof|St|Hr|Fr))\.`
const ABBREVIATION = String.raw`(?<=\b(?:\p{L}|\d{1,2}|No|Nr|Art|Abs|Fig|cf|vgl|bzw|etc|ca|inkl|pp))\.(?=\s+[\p{Ll}\p{N}])`
/** A full stop inside a number, a name or an address. */
const INNER = String.raw`[.!?…](?!${CLOSERS}(?:\s|$))`
/** A line break within a sentence: neither a blank line nor a list item follows. */
const WRAP = String.raw`\n(?!\s*\n|\s*(?:[-*•]|\d+[.)])\s)`

const SENTENCE = new RegExp(`(?:[^${ENDS}\\n]|${TITLE}|${ABBREVIATION}|${INNER}|${WRAP})+[${ENDS}]*${CLOSERS}`, 'gu')

/** Where each sentence stands, white space and closing signs included. */
export function sentenceSpans(text: string): { from: number; to: number }[] {
  return Array.from(text.matchAll(SENTENCE), ({ 0: sentence, index }) => ({ from: index, to: index + sentence.length }))
}
