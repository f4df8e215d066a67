/** Shows the place of a citation: as a picture, or as its text with the lines around it. */

import type { Artifact, Picture, Position, Segment } from '../core/artifact.ts'
import type { Blobs, ByteRange } from '../core/blobs.ts'
import { ParleyError } from '../core/errors.ts'
import { storageWording } from '../wording/storage.ts'
import type { PageRenderer } from './reader.ts'

export interface PreviewDeps {
  blobs: Pick<Blobs, 'open' | 'size' | 'withFile'>
  renderer: PageRenderer
  latestArtifact(contentHash: string): Promise<Artifact | null>
}

export function createPreviews({ blobs, renderer, latestArtifact }: PreviewDeps) {
  async function read(contentHash: string): Promise<Artifact> {
    const artifact = await latestArtifact(contentHash)
    if (artifact === null) throw missing()
    return artifact
  }

  return {
    page: (contentHash: string, page: number, options: { width: number; quote?: string; signal: AbortSignal }) =>
      blobs.withFile(contentHash, options.signal, (path) => renderer.render(path, page, options)),

    async lines(contentHash: string, from: number, to: number, where: Where = {}) {
      const artifact = await read(contentHash)
      const text: TextOfPlace = linesOf(artifact, from, to, where)
      if (pictureAt(artifact, from, to, where) !== undefined) text.picture = true
      const play = kindOfRecording(artifact)
      if (where.kind === 'time' && where.inner === undefined && play !== undefined) text.play = play
      return text
    },

    /** The sound or video itself, for a player. */
    async recording(contentHash: string) {
      const artifact = await read(contentHash)
      if (kindOfRecording(artifact) === undefined) throw missing()
      return {
        mediaType: artifact.mediaType,
        bytes: await blobs.size(contentHash),
        open: (range: ByteRange) => blobs.open(contentHash, range),
      }
    },

    /** The picture stored for the place: an image or a scanned page in an archive, or a moment of a video. */
    async picture(
      contentHash: string,
      from: number,
      to: number,
      { width, signal, ...where }: Where & { width: number; signal: AbortSignal },
    ) {
      const picture = pictureAt(await read(contentHash), from, to, where)
      if (picture === undefined) throw missing()
      return blobs.withFile(picture.contentHash, signal, (path) => renderer.render(path, 1, { width, signal }))
    },
  }
}

function kindOfRecording({ mediaType }: Artifact): 'audio' | 'video' | undefined {
  const kind = mediaType.split('/')[0]
  return kind === 'audio' || kind === 'video' ? kind : undefined
}

function missing(): ParleyError {
  return new ParleyError('file_missing', storageWording.fileGone)
}

/** The unit in which places of a file are counted, and which part of it is meant. */
export interface Where {
  /** Absent: lines or rows. */
  kind?: Position['kind'] | undefined
  /** The file inside it; absent for the file itself. */
  inner?: string | undefined
  sheet?: string | undefined
}

export interface TextOfPlace {
  from: number
  to: number
  of: number
  lines: string[]
  /** The page, slide or milliseconds of each line. Absent for lines and rows, which are consecutive from `from`. */
  places?: { from: number; to: number }[]
  /** The number of each row, and what its columns are called. */
  numbers?: number[]
  columns?: string[]
  /** A picture of the place can be shown. */
  picture?: boolean
  /** What can be played from the place on. */
  play?: 'audio' | 'video'
}

/** Lines or rows, pages, slides or milliseconds `from` to `to`, as far as the artifact has them. */
export function linesOf(artifact: Artifact, from: number, to: number, where: Where = {}): TextOfPlace {
  const { kind = 'lines', inner } = where
  const segments = artifact.segments.filter(({ at }) => at.inner === inner)
  if (kind === 'lines') return numberedLines(segments, from, to)
  if (kind === 'rows') return rowsOf(segments, from, to, where)
  const found = segments.flatMap((segment) => {
    const place = segment.at.kind === kind ? extentOf(segment.at) : undefined
    if (place === undefined || place.to < from || place.from > to) return []
    return linesIn(segment).map((line) => ({ line, place }))
  })
  const ends = segments.map(({ at }) => (at.kind === kind ? extentOf(at).to : 0))
  return {
    from: found[0]?.place.from ?? from,
    to: found.at(-1)?.place.to ?? from,
    of: ends.reduce((most, end) => Math.max(most, end), 0),
    lines: found.map(({ line }) => line),
    places: found.map(({ place }) => place),
  }
}

/** A segment of rows repeats what its columns are called. A sheet leaves out its empty rows, so its lines begin with their numbers. */
function rowsOf(segments: Segment[], from: number, to: number, { sheet }: Where): TextOfPlace {
  const found: { number: number; line: string }[] = []
  let columns: string[] | undefined
  let of = 0
  for (const segment of segments) {
    const { at } = segment
    if (at.kind !== 'rows' || (sheet !== undefined && at.sheet !== sheet)) continue
    of = Math.max(of, at.to)
    if (at.to < from || at.from > to) continue
    const lines = linesIn(segment)
    const sheetHead = `[${at.sheet}] row | `
    const isSheet = at.sheet !== undefined && lines[0]?.startsWith(sheetHead) === true
    const heads = isSheet ? 1 : Math.max(0, lines.length - (at.to - at.from + 1))
    const head = lines[0]?.slice(isSheet ? sheetHead.length : 0) ?? ''
    if (heads === 1 && head !== 'cells' && !head.startsWith('[')) columns ??= head.split(' | ')
    for (const [place, line] of lines.slice(heads).entries()) {
      const own = isSheet ? /^(\d+) \| ?/.exec(line) : null
      const number = own === null ? Math.min(at.from + place, at.to) : Number(own[1])
      if (number >= from && number <= to) found.push({ number, line: line.slice(own?.[0].length ?? 0) })
    }
  }
  found.sort((a, b) => a.number - b.number)
  const text: TextOfPlace = {
    from: found[0]?.number ?? from,
    to: found.at(-1)?.number ?? from,
    of,
    lines: found.map(({ line }) => line),
    numbers: found.map(({ number }) => number),
  }
  if (columns !== undefined) text.columns = columns
  return text
}

function numberedLines(segments: Segment[], from: number, to: number): TextOfPlace {
  const found = new Map<number, string>()
  let of = 0
  for (const segment of segments) {
    const { at } = segment
    if (at.kind !== 'lines') continue
    of = Math.max(of, at.to)
    if (at.to < from || at.from > to) continue
    for (const [place, line] of linesIn(segment).entries()) {
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

/** A segment of an inner file begins with that file's path. */
function linesIn({ at, text }: Segment): string[] {
  return (at.inner === undefined ? text : text.replace(/^\[.*\]\n/, '')).split('\n')
}

function pictureAt(artifact: Artifact, from: number, to: number, { kind, inner }: Where): Picture | undefined {
  const pictures = (artifact.images ?? []).flatMap((picture) => {
    const at: Position = picture.at ?? { kind: 'page', page: 1 }
    return at.kind === kind && at.inner === inner ? [{ picture, ...extentOf(at) }] : []
  })
  // A picture of a video applies until the next one.
  const found =
    kind === 'time'
      ? (pictures.findLast((one) => one.from <= to) ?? pictures[0])
      : pictures.find((one) => one.from <= to && one.to >= from)
  return found?.picture
}

function extentOf(at: Position): { from: number; to: number } {
  switch (at.kind) {
    case 'page':
      return { from: at.page, to: at.page }
    case 'slide':
      return { from: at.slide, to: at.slide }
    case 'time':
      return { from: at.fromMs, to: at.toMs }
    case 'lines':
    case 'rows':
      return at
  }
}
