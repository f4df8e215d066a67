/**
 * Which content of the sources the model is given: all of it when it fits, else the passages that match the question
 * best, and the receipt says how much. Never a blind cut.
 */
import type { Artifact, Position } from '../core/artifact.ts'
import type { Source, SourceRegistry } from '../core/source.ts'
import type { RankedPassage } from '../search/passages.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { StoredAttachment, TurnWork } from '../store/turns.ts'
import { noticeWording } from '../wording/answers.ts'
import { describePages, type PageRange } from './page-range.ts'

/** A source whose whole text is stored as an artifact: today the files of the conversation. */
export interface ReadSource extends ArtifactKey {
  source: Source
  tokens: number
  pages: number | undefined
  /** Pictures that a model which sees can be shown. */
  images: number
}

export interface Excerpt {
  source: Source
  at: Position
  text: string
  tokens: number
}

export interface Content {
  files: ReadSource[]
  /** In reading order. */
  excerpts: Excerpt[]
  /** Tokens of all files, of which `excerpts` hold some. */
  tokensAvailable: number
  tokens: number
  /** Everything that was to be read is in it: all of the files, or all of the pages asked for. */
  whole: boolean
  /** What the person restricted the question to, where files have it. */
  requestedPages?: PageRange
  /** What was asked for and no file has. */
  missed?: PageRange
  /** The search took too long and was left out. */
  late?: boolean
}

/** What was gathered for the turn, once for all models. */
export interface Candidates {
  files: ReadSource[]
  /** The files' whole texts. */
  artifacts(keys: ArtifactKey[]): Promise<Artifact[]>
  /** The passages that fit the question, best first; none where nothing was searched for. */
  found: readonly RankedPassage[]
  /** The search took too long and was left out. */
  late: boolean
}

/** The files of this turn, then those of earlier turns; a file shared twice counts once. */
export function readSources(
  work: Pick<TurnWork, 'attachments' | 'earlierFiles'>,
  registry: SourceRegistry,
): ReadSource[] {
  const files = new Map<number, ReadSource>()
  for (const file of [...work.attachments, ...work.earlierFiles]) {
    if (!readable(file)) continue
    const { contentHash, engine, receipt, attachment } = file
    const { name: title, link: url } = attachment
    const source = registry.add({ kind: 'file', title, contentHash, url, ref: file.id })
    if (files.has(source.n)) continue
    const { tokens = 0, pages, images = 0 } = receipt ?? {}
    files.set(source.n, { source, contentHash, engine, tokens, pages, images })
  }
  return [...files.values()]
}

function readable(file: StoredAttachment): file is StoredAttachment & { contentHash: string; engine: string } {
  return file.state === 'read' && file.contentHash !== null && file.engine !== null
}

/**
 * Chooses at most `budget` tokens. Where nothing was found, the beginnings and samples stand for the files. `wanted` keeps only
 * those pages of files that have pages; where no file has them, it is as if nothing had been asked.
 */
export async function chooseContent(candidates: Candidates, budget: number, wanted?: PageRange): Promise<Content> {
  const { files, late } = candidates
  const tokensAvailable = sumTokens(files)
  const all = { files, tokensAvailable }
  if (files.length === 0) return { ...all, excerpts: [], tokens: 0, whole: true }
  if (wanted !== undefined) {
    const excerpts = await wholeFiles(candidates)
    if (!hasPages(excerpts, wanted)) return { ...(await chooseContent(candidates, budget)), missed: wanted }
    const kept = excerpts.filter(({ at }) => isRequested(at, wanted))
    if (sumTokens(kept) <= budget) return { ...all, ...chosen(kept, true), requestedPages: wanted }
    const fitting = fittingPassages(candidates, budget, wanted)
    return {
      ...all,
      ...chosen(fitting.length > 0 ? fitting : spread(kept, budget), false),
      requestedPages: wanted,
      late,
    }
  }
  if (tokensAvailable <= budget) return { ...all, ...chosen(await wholeFiles(candidates), true) }
  const fitting = fittingPassages(candidates, budget)
  return { ...all, ...chosen(fitting.length > 0 ? fitting : spread(await wholeFiles(candidates), budget), false), late }
}

function chosen(excerpts: Excerpt[], whole: boolean): Pick<Content, 'excerpts' | 'tokens' | 'whole'> {
  return { excerpts, tokens: sumTokens(excerpts), whole }
}

export function hasPages(places: { at: Position }[], wanted: PageRange): boolean {
  return places.some(({ at }) => isPage(at) && isRequested(at, wanted))
}

/** A place without pages is not restricted by them: the table beside the manual stays. */
export function isRequested(at: Position, { from, to }: PageRange): boolean {
  const page = isPage(at) ? pageOf(at) : from
  return page >= from && page <= to
}

function isPage(at: Position): at is Extract<Position, { kind: 'page' | 'slide' }> {
  return at.kind === 'page' || at.kind === 'slide'
}

function pageOf(at: Extract<Position, { kind: 'page' | 'slide' }>): number {
  return at.kind === 'page' ? at.page : at.slide
}

export function contentNotices({ missed, late = false }: Content): string[] {
  return [
    ...(missed === undefined ? [] : [noticeWording.pagesMissing(describePages(missed))]),
    ...(late ? [noticeWording.searchTooSlow] : []),
  ]
}

async function wholeFiles({ files, artifacts }: Candidates): Promise<Excerpt[]> {
  const known = new Map((await artifacts(files)).map((artifact) => [artifact.contentHash, artifact]))
  return files.flatMap(({ source, contentHash }) =>
    (known.get(contentHash)?.segments ?? []).map((segment) => ({ source, ...segment })),
  )
}

function fittingPassages({ files, found }: Candidates, budget: number, wanted?: PageRange): Excerpt[] {
  const byHash = new Map(files.map((file) => [file.contentHash, file.source]))
  const fitting: { ordinal: number; excerpt: Excerpt }[] = []
  let tokens = 0
  for (const passage of found) {
    const source = byHash.get(passage.contentHash)
    if (source === undefined || passage.score <= 0 || tokens + passage.tokens > budget) continue
    if (wanted !== undefined && !isRequested(passage.at, wanted)) continue
    tokens += passage.tokens
    const { ordinal, at, text } = passage
    fitting.push({ ordinal, excerpt: { source, at, text, tokens: passage.tokens } })
  }
  fitting.sort((a, b) => a.excerpt.source.n - b.excerpt.source.n || a.ordinal - b.ordinal)
  return fitting.map(({ excerpt }) => excerpt)
}

/** Nothing fits the question by its words ("summarise this"): the opening of each file, then pieces spread over the rest. */
function spread(excerpts: Excerpt[], budget: number): Excerpt[] {
  const share = 0.3 * budget
  const kept = new Set<Excerpt>()
  let tokens = 0
  const keep = (excerpt: Excerpt, most: number) => {
    if (kept.has(excerpt) || tokens + excerpt.tokens > most) return
    kept.add(excerpt)
    tokens += excerpt.tokens
  }
  const firsts = Map.groupBy(excerpts, (excerpt) => excerpt.source.n)
  for (const ofFile of firsts.values()) for (const excerpt of ofFile.slice(0, 3)) keep(excerpt, share)
  const mean = sumTokens(excerpts) / Math.max(excerpts.length, 1)
  const step = Math.max(1, Math.floor(excerpts.length / Math.max(1, (budget - tokens) / Math.max(mean, 1))))
  for (let place = 0; place < excerpts.length; place += step) {
    const excerpt = excerpts[place]
    if (excerpt) keep(excerpt, budget)
  }
  return excerpts.filter((excerpt) => kept.has(excerpt))
}

function sumTokens(items: readonly { tokens: number }[]): number {
  return items.reduce((sum, { tokens }) => sum + tokens, 0)
}
