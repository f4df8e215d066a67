/** Whether a text that is about to leave Parley carries a run of words of what it must not. Pure. */
import { wordsOf } from './web-queries.ts'

/** So many words in a row are a quotation. */
const run = 8

/**
 * `true` where `run` words in a row of `texts` occur in `sent` and in nothing that people wrote themselves (`own`). Case, punctuation and
 * invisible characters make no difference.
 */
export function carriesText(sent: string, texts: readonly string[], own: readonly string[]): boolean {
  const runs = runsIn(sent)
  if (runs.size === 0) return false
  const written = new Set(own.flatMap((text) => [...runsIn(text)]))
  const suspects = [...runs].filter((each) => !written.has(each))
  if (suspects.length === 0) return false
  return texts.some((text) => {
    const words = ` ${plainWords(text).join(' ')} `
    return suspects.some((each) => words.includes(` ${each} `))
  })
}

function runsIn(text: string): Set<string> {
  const words = plainWords(text)
  return new Set(
    Array.from({ length: Math.max(0, words.length - run + 1) }, (_, at) => words.slice(at, at + run).join(' ')),
  )
}

function plainWords(text: string): string[] {
  return wordsOf(
    text
      .normalize('NFKC')
      .replace(/\p{Cf}+/gu, '')
      .toLowerCase(),
  )
}
