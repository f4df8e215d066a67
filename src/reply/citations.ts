/** What the model cites by labels becomes numbers that people can follow, while the answer is still being written. */
import type { Position } from '../core/artifact.ts'
import type { Citation } from '../core/reply.ts'
import { parseLabels, placesOf } from './labels.ts'
import { createMarkerScanner } from './markers.ts'

export { parseLabel, sourceLabel } from './labels.ts'

export interface CitationSource {
  fileNumber: number
  title: string
  contentHash: string
  /** The places that the model was given; nothing else can be cited. */
  positions: Position[]
}

export interface CitationStream {
  /** The text that is ready to be shown: markers have become `[n]`. An unfinished marker is held back. */
  push(delta: string): string
  /** What is left at the end. */
  flush(): string
  /** In order of first use, so far. */
  citations(): Citation[]
  /** How many markers, so far, named a file or a place that was not given; they are not shown. */
  unknown(): number
}

export function createCitationStream(sources: CitationSource[]): CitationStream {
  const found = new Map<string, Citation>()
  let unknown = 0

  function cite({ title, contentHash }: CitationSource, at: Position): number {
    const place = `${contentHash} ${JSON.stringify(at)}`
    const known = found.get(place) ?? { n: found.size + 1, title, contentHash, at }
    found.set(place, known)
    return known.n
  }

  const scanner = createMarkerScanner({
    replace(inner) {
      const labels = parseLabels(inner)
      if (labels === undefined) return undefined
      const numbers = labels.flatMap((label) => {
        const source = sources.find(({ fileNumber }) => fileNumber === label.fileNumber)
        const places = source ? placesOf(label, source.positions) : []
        if (source === undefined || places.length === 0) unknown++
        return source ? places.map((at) => cite(source, at)) : []
      })
      return [...new Set(numbers)].map((n) => `[${n}]`).join('')
    },
  })
  return { push: scanner.push, flush: scanner.flush, citations: () => [...found.values()], unknown: () => unknown }
}
