/** What the model cites by labels becomes numbers that people can follow, while the answer is still being written. */
import type { Position } from '../core/artifact.ts'
import type { Citation } from '../core/reply.ts'
import type { Source } from '../core/source.ts'
import { parseLabels, placesOf } from './labels.ts'
import { createMarkerScanner } from './markers.ts'

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
}

/** `given` may grow while the answer is written: what a tool brings can be cited from then on. */
export function createCitationStream(given: readonly GivenSource[]): CitationStream {
  const found = new Map<string, Citation>()
  let unknown = 0

  function cite(source: Source, at: Position): number {
    const place = `${source.n} ${JSON.stringify(at)}`
    const known = found.get(place) ?? { n: found.size + 1, source, at }
    found.set(place, known)
    return known.n
  }

  const scanner = createMarkerScanner({
    replace(inner) {
      const labels = parseLabels(inner)
      if (labels === undefined) return undefined
      const numbers = labels.flatMap((label) => {
        const named = given.find(({ source }) => source.n === label.n)
        const places = named ? placesOf(label, named.positions) : []
        if (named === undefined || places.length === 0) unknown++
        return named ? places.map((at) => cite(named.source, at)) : []
      })
      return [...new Set(numbers)].map((n) => `[${n}]`).join('')
    },
  })
  return { push: scanner.push, flush: scanner.flush, citations: () => [...found.values()], unknown: () => unknown }
}
