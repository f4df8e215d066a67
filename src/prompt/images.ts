/** Which pictures of the files a model with vision is shown: this turn's first, then earlier ones as far as they fit. */
import type { Artifact, Picture, Position } from '../core/artifact.ts'
import type { Source } from '../core/source.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { TurnWork } from '../store/turns.ts'
import { hasPages, isRequested, type PageRange, type ReadSource } from './content.ts'

export interface SourceImage {
  source: Source
  picture: Picture
  /** What a citation of it names. */
  at: Position
}

export interface ShownImage extends SourceImage {
  data: Uint8Array
}

export interface ImageDeps {
  artifacts(keys: ArtifactKey[]): Promise<Artifact[]>
  /** The bytes of a stored picture, or null when they are gone. */
  picture(contentHash: string): Promise<Uint8Array | null>
}

export interface ImageLimits {
  count: number
  bytes: number
}

export const imageLimits: ImageLimits = { count: 10, bytes: 12e6 }

/**
 * The best candidates in order: this turn's files share the number among them, earlier files take what is left. Where files
 * have the pages that were asked for, only their pictures; a file that is a picture stays.
 */
export async function sourceImages(
  files: ReadSource[],
  work: Pick<TurnWork, 'attachments'>,
  deps: Pick<ImageDeps, 'artifacts'>,
  { count, wanted }: ImageLimits & { wanted?: PageRange | undefined } = imageLimits,
): Promise<SourceImage[]> {
  const withImages = files.filter((file) => file.images > 0)
  if (withImages.length === 0) return []
  const artifacts = await deps.artifacts(wanted === undefined ? withImages : files)
  const known = new Map(artifacts.map((artifact) => [artifact.contentHash, artifact]))
  const requestedPages =
    wanted !== undefined && artifacts.some(({ segments }) => hasPages(segments, wanted)) ? wanted : undefined
  const now = new Set(work.attachments.map(({ contentHash }) => contentHash))
  const candidates = (of: ReadSource[]) =>
    of.map((file) =>
      (known.get(file.contentHash)?.images ?? [])
        .filter(({ at }) => requestedPages === undefined || at === undefined || isRequested(at, requestedPages))
        .map((picture) => imageOf(file, picture)),
    )
  const current = shareOut(candidates(withImages.filter(({ contentHash }) => now.has(contentHash))), count)
  const earlier = candidates(withImages.filter(({ contentHash }) => !now.has(contentHash)))
  return [...current, ...shareOut(earlier, count - current.length)]
}

function imageOf({ source }: ReadSource, picture: Picture): SourceImage {
  return { source, picture, at: picture.at ?? { kind: 'page', page: 1 } }
}

/** As many of each as fit in turns; of a film with more, those that are spread evenly. */
function shareOut(lists: SourceImage[][], most: number): SourceImage[] {
  const shares = lists.map(() => 0)
  let left = most
  while (left > 0 && shares.some((share, at) => share < (lists[at]?.length ?? 0))) {
    for (const [at, list] of lists.entries()) {
      if (left === 0 || (shares[at] ?? 0) >= list.length) continue
      shares[at] = (shares[at] ?? 0) + 1
      left -= 1
    }
  }
  return lists.flatMap((list, at) => spread(list, shares[at] ?? 0))
}

function spread<Item>(list: Item[], count: number): Item[] {
  if (count >= list.length) return list
  return Array.from({ length: count }, (_, at) => list[Math.floor(((at + 0.5) * list.length) / count)]).flatMap(
    (item) => (item === undefined ? [] : [item]),
  )
}

/** What a picture takes of a model's window; providers count between this and half of it. */
export function imageTokens({ picture: { width, height } }: SourceImage): number {
  return Math.min(1_600, Math.max(85, Math.ceil((width * height) / 750)))
}

/** Those that fit, with their bytes, in the order given. */
export async function loadImages(
  images: SourceImage[],
  budget: number,
  deps: Pick<ImageDeps, 'picture'>,
  { bytes }: ImageLimits = imageLimits,
): Promise<ShownImage[]> {
  const shown: ShownImage[] = []
  let tokensLeft = budget
  let bytesLeft = bytes
  for (const image of images) {
    if (imageTokens(image) > tokensLeft) continue
    const data = await deps.picture(image.picture.contentHash)
    if (data === null || data.length > bytesLeft) continue
    tokensLeft -= imageTokens(image)
    bytesLeft -= data.length
    shown.push({ ...image, data })
  }
  return shown
}
