/** What the model cites by labels becomes numbers that people can follow, while the answer is still being written. */
import type { Position } from '../core/artifact.ts'
import type { Citation } from '../core/reply.ts'
import type { Source } from '../core/source.ts'
import { type Label, parseLabels, placesOf } from './labels.ts'
import { claimBefore } from './marked-quotes.ts'
import { type Around, createMarkerScanner } from './markers.ts'

/** A source and the places of it that the model was given; nothing else can be cited. */
export interface GivenSource {
  source: Source
  positions: Position[]
}

export interface CitationStream {
  /** The text that is ready to be shown: markers have become `[n]`. An unfinished marker is held back. */
  push(delta: string): string
  /** What is left at the end. */
  flush(): string
  /** In order of first use, so far. */
  citations(): Citation[]
  /** How many markers, so far, named a source or a place that was not given; they are not shown. */
  unknown(): number
  /** How many, so far, named a source that does not bear the claim before them; they are not shown. */
  unsupported(): number
}

export type Cited = Pick<Citation, 'source' | 'at'>

/** Whether what is cited together can bear the claim before it. */
export type Supported = (claim: string, cited: readonly Cited[]) => boolean

/** `before`: what earlier steps of the answer have cited keeps its number. */
export function createCitationStream(
  given: readonly GivenSource[],
  supported?: Supported,
  before: readonly Citation[] = [],
): CitationStream {
  const found = new Map(before.map((citation) => [placeOf(citation), citation]))
  let unknown = 0
  let unsupported = 0
  /** Of markers in a row: how many follow, and whether they are kept. */
  let group = { left: 0, kept: true }

  function placesIn(labels: readonly Label[]): Cited[] {
    return labels.flatMap((label) => {
      const named = given.find(({ source }) => source.n === label.n)
      return named === undefined ? [] : placesOf(label, named.positions).map((at) => ({ source: named.source, at }))
    })
  }

  /** Markers in a row are judged together: each may bear a part of the claim. */
  function isKept(labels: readonly Label[], around: Around | undefined): boolean {
    if (supported === undefined || around === undefined) return true
    if (group.left > 0) {
      group = { ...group, left: group.left - 1 }
      return group.kept
    }
    const others: Label[][] = []
    for (const inner of around.following) {
      const read = parseLabels(inner)
      if (read === undefined) break
      others.push(read.labels)
    }
    const cited = placesIn([...labels, ...others.flat()])
    group = { left: others.length, kept: cited.length === 0 || supported(claimBefore(around.before), cited) }
    return group.kept
  }

  function cite(source: Source, at: Position): number {
    const place = placeOf({ source, at })
    const known = found.get(place) ?? { n: found.size + 1, source, at }
    found.set(place, known)
    return known.n
  }

  const scanner = createMarkerScanner({
    looksAround: supported !== undefined,
    replace(inner, _, around) {
      const read = parseLabels(inner)
      if (read === undefined) return undefined
      unknown += read.unreadable + read.labels.filter((label) => placesIn([label]).length === 0).length
      const places = placesIn(read.labels)
      if (!isKept(read.labels, around)) {
        unsupported += places.length
        return ''
      }
      const numbers = places.map(({ source, at }) => cite(source, at))
      return [...new Set(numbers)].map((n) => `[${n}]`).join('')
    },
  })
  return {
    push: scanner.push,
    flush: scanner.flush,
    citations: () => [...found.values()],
    unknown: () => unknown,
    unsupported: () => unsupported,
  }
}

const placeOf = ({ source, at }: Cited) => `${source.n} ${JSON.stringify(at)}`
