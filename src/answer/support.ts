/** What the places that an answer cites can bear, by what its model was given. */
import type { Position } from '../core/artifact.ts'
import { aboutSource, type Source } from '../core/source.ts'
import type { Content, Excerpt } from '../prompt/content.ts'
import { toldHistory } from '../prompt/history.ts'
import type { ShownImage } from '../prompt/images.ts'
import { quotedParts } from '../prompt/question-parts.ts'
import type { Cited, Supported } from '../reply/citations.ts'
import { joined, type KnownText, knownText, supports } from '../reply/support.ts'
import type { Question } from './question.ts'

export function supportOf(
  { work, text }: Pick<Question, 'work' | 'text'>,
  { excerpts }: Pick<Content, 'excerpts'>,
  shown: readonly Pick<ShownImage, 'source'>[],
): Supported {
  const pictured = new Set(shown.map(({ source }) => source.n))
  const known = new Map<string, KnownText>()
  const remember = (key: string, make: () => string): KnownText => {
    const found = known.get(key) ?? knownText(make())
    known.set(key, found)
    return found
  }
  const ofSource = ({ n }: Source) => excerpts.filter(({ source }) => source.n === n)
  const near = ({ source, at }: Cited) =>
    remember(`${source.n} ${JSON.stringify(at)}`, () => textsOf(around(ofSource(source), at)))
  const all = (source: Source) =>
    remember(String(source.n), () => [source.title, aboutSource(source) ?? '', textsOf(ofSource(source))].join('\n'))
  const asked = () =>
    remember('', () =>
      [
        text,
        ...quotedParts(work).map((part) => part.text),
        ...(toldHistory(work) ?? []).map((told) => told.text),
        ...work.history.map(({ answer }) => answer),
      ].join('\n'),
    )

  return (claim, cited) => {
    // What a picture shows is not known here.
    if (cited.some(({ source }) => pictured.has(source.n))) return true
    const sources = [...new Set(cited.map(({ source }) => source))]
    return supports({ near: joined(cited.map(near)), all: joined([...sources.map(all), asked()]) }, claim)
  }
}

/** The place, and what stands before and after it: a label that is one page off is no wrong claim. */
function around(excerpts: readonly Excerpt[], at: Position): Excerpt[] {
  const place = JSON.stringify(at)
  const here = new Set(excerpts.flatMap((excerpt, index) => (JSON.stringify(excerpt.at) === place ? [index] : [])))
  return excerpts.filter((_, index) => here.has(index) || here.has(index - 1) || here.has(index + 1))
}

const textsOf = (excerpts: readonly Excerpt[]) => excerpts.map(({ text }) => text).join('\n')
