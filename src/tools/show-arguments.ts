/** The arguments of a call as a person reads them before saying yes: all of them, exactly, and nothing in them that cannot be seen. */
import type { Json } from '../core/json.ts'

/** A card with more is cut in Teams. */
export const mostArgumentCharacters = 4_000

/**
 * Characters that show nothing, change the direction of text, or look like a plain space: controls, formats (with tags and zero widths),
 * separators, variation selectors, fillers and unassigned ones.
 */
const unseen =
  /(?! )[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Zs}\p{Co}\p{Cn}\p{Cs}\u{115f}\u{1160}\u{2800}\u{3164}\u{ffa0}]|\p{Variation_Selector}|\u{34f}|\u{17b4}|\u{17b5}/gu

/** Chats would show a mention as a name. */
const toMark = new RegExp(`${unseen.source}|<(?=[@#!])`, 'gu')

export function showArguments(args: Json): { shown: string; marked: boolean } {
  let marked = false
  // Line by line: the line breaks are those of the JSON, whose own are escaped.
  const json = JSON.stringify(args, null, 2)
    .split('\n')
    .map((line) =>
      line.replaceAll(toMark, (character) => {
        marked = true
        return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
      }),
    )
    .join('\n')
  const longest = Math.max(2, ...[...json.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return { shown: `${fence}json\n${json}\n${fence}`, marked }
}
