/** Sources and citations for tests, complete but for what a test cares about. */
import type { Position } from '../../src/core/artifact.ts'
import type { Citation } from '../../src/core/reply.ts'
import type { Source } from '../../src/core/source.ts'
import type { ReadSource } from '../../src/prompt/content.ts'

export function source(n: number, title = 'report.pdf', more: Partial<Source> = {}): Source {
  return { n, kind: 'file', title, contentHash: String(n).repeat(64), ref: `file-${n}`, ...more }
}

export function citation(n: number, title?: string, more: Partial<Citation> & { contentHash?: string } = {}): Citation {
  const { contentHash, ...rest } = more
  const of = source(n, title, contentHash === undefined ? {} : { contentHash })
  return { n, source: of, at: page(3), ...rest }
}

export const page = (number: number): Extract<Position, { kind: 'page' }> => ({ kind: 'page', page: number })

export function readSource(n: number, title?: string, more: Partial<Omit<ReadSource, 'source'>> = {}): ReadSource {
  const of = source(n, title, more.contentHash === undefined ? {} : { contentHash: more.contentHash })
  const contentHash = of.contentHash ?? ''
  return { source: of, engine: 'pdf-1', tokens: 0, pages: undefined, images: 0, ...more, contentHash }
}

/** A file that Ann shared in #sales a week before. */
export const earlier = (n: number, title = 'plan.pdf', more: Partial<Source> = {}): Source =>
  source(n, title, {
    kind: 'memory',
    shared: { by: 'Ann', at: '2026-11-20T09:30:00.000Z', place: '#sales' },
    url: `https://files.example/${n}`,
    ...more,
  })
