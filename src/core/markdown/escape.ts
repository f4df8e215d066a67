/** Escapes text of people, files and models, so that it mentions no one and formats nothing. */

const zeroWidthSpace = '\u200B'

/**
 * Takes the power from what would call people or name channels on any platform: `@everyone`, `<@U1>`, `<!channel>`,
 * `<#C1>`, `<at>`. It reads as before: an invisible space stands after the first character.
 */
export function withoutMentions(text: string): string {
  return text
    .replaceAll(/@(?=everyone|here|channel|all(?![a-z]))/gi, `@${zeroWidthSpace}`)
    .replaceAll(/<(?=[@!#]|\/?at\b)/gi, `<${zeroWidthSpace}`)
}

/** Plain words, such as a file's name, for a place where Markdown is read. */
export function escapeMarkdown(words: string): string {
  return withoutMentions(words).replaceAll(/[\\`*_~|<>[\]#]/g, String.raw`\$&`)
}

/** A fence around `code` that nothing in it closes. */
export function fenced(code: string, language = ''): string {
  const runs = [...code.matchAll(/`{3,}/g)].map(([run]) => run.length)
  const fence = '`'.repeat(Math.max(2, ...runs) + 1)
  return `${fence}${language}\n${code}\n${fence}`
}
