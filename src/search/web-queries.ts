/**
 * Queries for a search engine: the asker's own words, never those of a file, a quoted message or the history. If the conversation
 * has files, a query is too short to hold a passage that somebody pasted from one. Pure.
 */
import { sentenceSpans } from '../core/text/sentences.ts'
import { questionTerms, terms } from './terms.ts'
import { longestQuery } from './web.ts'
import { linksIn, withoutWish } from './when-web.ts'

const mostQueries = 3
/** With files in the conversation, a query has fewer words than the eight in a row that would be a quotation. */
const mostWordsWithFiles = 7
/** Above this many words, the same in fewer words is asked too. */
const longQuestion = 12
const mostKeywords = 8

/** Up to three queries, most telling first. `files`: whether the conversation has files, whose words must not be sent. */
export function webQueries(text: string, { files }: { files: boolean }): string[] {
  const own = ownWords(text)
  const asks = questionsIn(own)
  const queries = asks.flatMap((ask) => {
    const words = wordsOf(ask)
    if (files && words.length > mostWordsWithFiles) return [keywords(ask, mostWordsWithFiles)]
    if (words.length <= longQuestion || asks.length > 1) return [ask]
    return [ask, keywords(ask, mostKeywords)]
  })
  const unique = [...new Map(queries.map((query) => [query.toLowerCase(), cut(query)])).values()]
  return unique.filter((query) => query !== '').slice(0, mostQueries)
}

/** A question without its links, and without the words that ask for a search of the web. */
export function ownWords(text: string): string {
  const plain = linksIn(text).reduce((rest, link) => rest.replaceAll(link, ' '), withoutWish(text))
  return tidy(plain.replace(/https?:\/\/\S+/gi, ' '))
}

/** The questions among the sentences; where none is one, all of it. */
export function questionsIn(text: string): string[] {
  const sentences = sentenceSpans(text)
    .map(({ from, to }) => text.slice(from, to).trim())
    .filter((sentence) => wordsOf(sentence).length > 1)
  const asked = sentences.filter((sentence) => /[?？؟]["'”’»)]*$/u.test(sentence))
  return asked.length > 0 ? asked : text === '' ? [] : [text]
}

/** The words that tell most, in their order. */
function keywords(text: string, most: number): string {
  const telling = new Set(questionTerms(text))
  const weigh = (word: string) => (/\d|^\p{Lu}/u.test(word) ? 100 : 0) + word.length
  const candidates = wordsOf(text).map((word, at) => ({
    word,
    at,
    tells: terms(word).some((term) => telling.has(term)),
  }))
  const chosen = candidates
    .filter(({ tells }) => tells)
    .toSorted((a, b) => weigh(b.word) - weigh(a.word))
    .slice(0, most)
  return chosen
    .toSorted((a, b) => a.at - b.at)
    .map(({ word }) => word)
    .join(' ')
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'word' })

/** Also of scripts without spaces. */
export function wordsOf(text: string): string[] {
  return [...segmenter.segment(text)].flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []))
}

function tidy(text: string): string {
  return text
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[*_~#>|]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .replace(/^(?:(?:please|bitte|hi|hello|hey|hallo)[,!.\s]+)+/i, '')
    .replace(/^[\s:,.;–-]+/, '')
    .trim()
}

/** At the end of a word. */
function cut(query: string): string {
  if (query.length <= longestQuery) return query
  const short = query.slice(0, longestQuery)
  return (short.lastIndexOf(' ') > longestQuery / 2 ? short.slice(0, short.lastIndexOf(' ')) : short).toWellFormed()
}
