/**
 * Pure: a question → the name of its thread. Discord draws no Markdown there and shows the name to everyone, also in lists,
 * so formatting is removed and what the asker hid as a spoiler stays hidden.
 */
import { wordsOf } from '../../src/core/markdown/parse.ts'
import { shortenTitle } from '../../src/core/text/shorten.ts'

/** Discord allows 100: https://discord.com/developers/docs/resources/channel#start-thread-from-message */
const maxName = 80
/** Code and escapes, in which double bars are no spoiler, and spoilers. */
const hidden = /\\[\s\S]|(`+)(?!`)[\s\S]*?(?<!`)\1(?!`)|\|\|(?=[\s\S]*?\S)([\s\S]+?)\|\|/g
/** Roles, channels, times and other things that Discord's clients draw: `<@&1>`, `<#1>`, `<t:1:R>`, `<id:guide>`. */
const drawn = /<(?:@[!&]?|#|t:|id:)[\w:-]+>/g

/** `text` in Discord's Markdown; `otherwise` names a thread whose question has no words to show. */
export function threadName(text: string, otherwise: string): string {
  const shown = text
    .replaceAll(hidden, (whole, _, spoiler: string | undefined) => (spoiler === undefined ? whole : ' … '))
    .replaceAll(/<a?:(\w+):\d+>/g, ':$1:')
    .replaceAll(/<\/([^:>]+):\d+>/g, '/$1')
    .replaceAll(drawn, ' ')
  const words = wordsOf(shown)
    .replaceAll(/(^|\s)-# /g, '$1')
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/… (?=[?!.,;:])/g, '…')
    .trim()
  return shortenTitle(/[\p{L}\p{N}\p{S}]/u.test(words) ? words : otherwise.replaceAll(/\s+/g, ' ').trim(), maxName)
}
