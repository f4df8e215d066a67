/** What others said before a question, as quoted content: every platform reads it in its own way and tells it alike. */

export interface SaidBefore {
  /** The name that people see. */
  author: string
  /** Markdown: words, cards, polls and names of files. */
  text: string
}

export interface QuotedContext {
  text: string
  /** How many messages did not fit. They are those after the first one, because the newest matter most. */
  leftOut: number
}

/** `undefined` where nothing was said. `maxChars`: of the whole. */
export function quoteConversation(said: readonly SaidBefore[], maxChars = 20_000): QuotedContext | undefined {
  const [first, ...rest] = said.filter(({ text }) => text.trim() !== '').map(({ author, text }) => `${author}: ${text}`)
  if (first === undefined) return undefined
  const opening = first.length <= maxChars / 2 ? first : `${first.slice(0, maxChars / 2).toWellFormed()}…`
  const kept: string[] = []
  let left = maxChars - opening.length
  for (const line of rest.toReversed()) {
    left -= line.length + 2
    if (left < 0) break
    kept.unshift(line)
  }
  const leftOut = rest.length - kept.length
  const gap = leftOut === 0 ? [] : ['…']
  return { text: [opening, ...gap, ...kept].join('\n\n'), leftOut }
}
