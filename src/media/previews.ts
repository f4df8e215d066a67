/** Shows the place that a citation names: a page as a picture, or the lines around it. */
import type { Artifact } from '../core/artifact.ts'
import { ParleyError } from '../core/errors.ts'
import type { Blobs } from './blobs.ts'
import type { PageRenderer } from './reader.ts'

export interface PreviewDeps {
  blobs: Blobs
  renderer: PageRenderer
  latestArtifact(contentHash: string): Promise<Artifact | null>
}

export function createPreviews({ blobs, renderer, latestArtifact }: PreviewDeps) {
  return {
    page: (contentHash: string, page: number, options: { width: number; quote?: string; signal: AbortSignal }) =>
      renderer.render(blobs.path(contentHash), page, options),

    async lines(contentHash: string, from: number, to: number, where: Where = {}) {
      const artifact = await latestArtifact(contentHash)
      if (artifact === null)
        throw new ParleyError('file_missing', 'That file is no longer here. Please share it again.')
      return linesOf(artifact, from, to, where)
    },
  }
}

/** Which part of a file its lines or rows are counted in: the file within it, the sheet; absent for the file itself. */
export interface Where {
  inner?: string | undefined
  sheet?: string | undefined
}

/** Lines or rows `from` to `to` of a text artifact, as far as it has them. */
export function linesOf(
  artifact: Artifact,
  from: number,
  to: number,
  { inner, sheet }: Where = {},
): { from: number; to: number; of: number; lines: string[] } {
  const found = new Map<number, string>()
  let of = 0
  for (const { at, text } of artifact.segments) {
    if (at.kind !== 'lines' && at.kind !== 'rows') continue
    if (at.inner !== inner || (at.kind === 'rows' && sheet !== undefined && at.sheet !== sheet)) continue
    of = Math.max(of, at.to)
    if (at.to < from || at.from > to) continue
    // A segment of a file within begins with that file's path.
    const lines = (inner === undefined ? text : text.replace(/^\[.*\]\n/, '')).split('\n')
    // A segment of rows repeats the header before them.
    const header = at.kind === 'rows' ? Math.max(0, lines.length - (at.to - at.from + 1)) : 0
    for (const [place, line] of lines.slice(header).entries()) {
      const number = Math.min(at.from + place, at.to)
      if (number >= from && number <= to) found.set(number, found.has(number) ? `${found.get(number)}${line}` : line)
    }
  }
  const numbers = [...found.keys()].sort((a, b) => a - b)
  return {
    from: numbers[0] ?? from,
    to: numbers.at(-1) ?? from,
    of,
    lines: numbers.map((number) => found.get(number) ?? ''),
  }
}
