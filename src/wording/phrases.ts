/** Parts of sentences: short Markdown that reads the same on every platform. Long lists end with how many more there are. */

const maxLines = 25

/** `more` completes "… and 12 more", with how to see them. */
export function bulleted(lines: readonly string[], more = ''): string {
  const shown = lines.slice(0, maxLines).map((line) => `- ${line}`)
  const rest = lines.length - shown.length
  return [...shown, ...(rest > 0 ? [`… and ${rest} more${more === '' ? '' : `: ${more}`}`] : [])].join('\n')
}

export const code = (text: string) => `\`${text.replaceAll('`', "'")}\``

/** Text that people wrote, within a sentence: one line, no longer than `most`. */
export function quoted(text: string, most = 300): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return `“${line.length > most ? `${line.slice(0, most - 1)}…` : line}”`
}

export function listed(words: readonly string[], last = 'and'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

export const many = (count: number, one: string, several = `${one}s`) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : several}`

export const capitalized = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** `0.9 s`. */
export const seconds = (ms: number, digits = 1) => `${(ms / 1000).toFixed(digits)} s`

/** How a language model is configured; part of a sentence that begins with "Set". */
export const modelVariables = 'OPENAI_API_KEY, OPENAI_BASE_URL or ANTHROPIC_API_KEY, or run Ollama and set OLLAMA_HOST'
