/**
 * Which content of the files at hand the model is given: all of it when it fits, else the passages that fit the question
 * best, and the receipt says how much. Never a blind cut.
 */
import type { Artifact, Position } from '../core/artifact.ts'
import type { PassageIndex } from '../search/passages.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { StoredAttachment, TurnWork } from '../store/turns.ts'
import { describePages, type PageRange } from './page-range.ts'

/** A file that the answer may rest on. `number` is how the model names it: 1 is the first file of the question. */
export interface SourceFile extends ArtifactKey {
  number: number
  title: string
  tokens: number
  pages: number | undefined
  /** Pictures that a model which sees can be shown. */
  images?: number
}

export interface Excerpt {
  file: SourceFile
  at: Position
  text: string
  tokens: number
}

export interface Content {
  files: SourceFile[]
  /** In reading order. */
  excerpts: Excerpt[]
  /** Tokens of all files, of which `excerpts` hold some. */
  tokensAvailable: number
  tokens: number
  /** Everything that was to be read is in it: all of the files, or all of the pages asked for. */
  whole: boolean
  /** What the person restricted the question to, where files have it. */
  asked?: PageRange
  /** What was asked for and no file has. */
  missed?: PageRange
}

export interface ContentDeps {
  artifacts(keys: ArtifactKey[]): Promise<Artifact[]>
  index: Pick<PassageIndex, 'rank'>
}

const mostPassages = 400

/** The files of this turn, then those of earlier turns; a file shared twice counts once. */
export function sourceFiles(work: Pick<TurnWork, 'attachments' | 'earlierFiles'>): SourceFile[] {
  const files = new Map<string, SourceFile>()
  for (const file of [...work.attachments, ...work.earlierFiles]) {
    if (!readable(file) || files.has(file.contentHash)) continue
    files.set(file.contentHash, {
      number: files.size + 1,
      title: file.attachment.name,
      contentHash: file.contentHash,
      engine: file.engine,
      tokens: file.receipt?.tokens ?? 0,
      pages: file.receipt?.pages,
      ...(file.receipt?.images === undefined ? {} : { images: file.receipt.images }),
    })
  }
  return [...files.values()]
}

function readable(file: StoredAttachment): file is StoredAttachment & { contentHash: string; engine: string } {
  return file.state === 'read' && file.contentHash !== null && file.engine !== null
}

/**
 * Chooses at most `budget` tokens. `question` may be empty: then the beginnings stand for the files. `wanted` keeps only
 * those pages of files that have pages; where no file has them, it is as if nothing had been asked.
 */
export async function chooseContent(
  files: SourceFile[],
  question: string,
  budget: number,
  deps: ContentDeps,
  wanted?: PageRange,
): Promise<Content> {
  const tokensAvailable = files.reduce((sum, file) => sum + file.tokens, 0)
  const all = { files, tokensAvailable }
  if (files.length === 0) return { ...all, excerpts: [], tokens: 0, whole: true }
  if (wanted !== undefined) {
    const excerpts = await wholeFiles(files, deps)
    const has = hasPages(excerpts, wanted)
    const chosen = has
      ? await choosePages(files, question, budget, deps, { excerpts, wanted })
      : await chooseContent(files, question, budget, deps)
    return has ? { ...all, ...chosen, asked: wanted } : { ...all, ...chosen, missed: wanted }
  }
  if (tokensAvailable <= budget) {
    const excerpts = await wholeFiles(files, deps)
    return { ...all, excerpts, tokens: sumTokens(excerpts), whole: true }
  }
  const fitting = await fittingPassages(files, question, budget, deps)
  const excerpts = fitting.length > 0 ? fitting : spread(await wholeFiles(files, deps), budget)
  return { ...all, excerpts, tokens: sumTokens(excerpts), whole: false }
}

async function choosePages(
  files: SourceFile[],
  question: string,
  budget: number,
  deps: ContentDeps,
  { excerpts, wanted }: { excerpts: Excerpt[]; wanted: PageRange },
): Promise<Pick<Content, 'excerpts' | 'tokens' | 'whole'>> {
  const kept = excerpts.filter(({ at }) => isAsked(at, wanted))
  const tokens = sumTokens(kept)
  if (tokens <= budget) return { excerpts: kept, tokens, whole: true }
  const fitting = await fittingPassages(files, question, budget, deps, wanted)
  const chosen = fitting.length > 0 ? fitting : spread(kept, budget)
  return { excerpts: chosen, tokens: sumTokens(chosen), whole: false }
}

export function hasPages(places: { at: Position }[], wanted: PageRange): boolean {
  return places.some(({ at }) => isPage(at) && isAsked(at, wanted))
}

/** A place without pages is not restricted by them: the table beside the manual stays. */
export function isAsked(at: Position, { from, to }: PageRange): boolean {
  const page = isPage(at) ? pageOf(at) : from
  return page >= from && page <= to
}

function isPage(at: Position): at is Extract<Position, { kind: 'page' | 'slide' }> {
  return at.kind === 'page' || at.kind === 'slide'
}

function pageOf(at: Extract<Position, { kind: 'page' | 'slide' }>): number {
  return at.kind === 'page' ? at.page : at.slide
}

export function contentNotices({ missed }: Content): string[] {
  if (missed === undefined) return []
  return [`None of the files has text on ${describePages(missed)}, so they were used without that restriction.`]
}

async function wholeFiles(files: SourceFile[], { artifacts }: ContentDeps): Promise<Excerpt[]> {
  const known = new Map((await artifacts(files)).map((artifact) => [artifact.contentHash, artifact]))
  return files.flatMap((file) => (known.get(file.contentHash)?.segments ?? []).map((segment) => ({ file, ...segment })))
}

async function fittingPassages(
  files: SourceFile[],
  question: string,
  budget: number,
  { index }: ContentDeps,
  wanted?: PageRange,
): Promise<Excerpt[]> {
  if (question.trim() === '') return []
  const byHash = new Map(files.map((file) => [file.contentHash, file]))
  const chosen: { file: SourceFile; ordinal: number; excerpt: Excerpt }[] = []
  let tokens = 0
  for (const passage of await index.rank(question, files, mostPassages)) {
    const file = byHash.get(passage.contentHash)
    if (file === undefined || passage.score <= 0 || tokens + passage.tokens > budget) continue
    if (wanted !== undefined && !isAsked(passage.at, wanted)) continue
    tokens += passage.tokens
    chosen.push({
      file,
      ordinal: passage.ordinal,
      excerpt: { file, at: passage.at, text: passage.text, tokens: passage.tokens },
    })
  }
  chosen.sort((a, b) => a.file.number - b.file.number || a.ordinal - b.ordinal)
  return chosen.map(({ excerpt }) => excerpt)
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
  const firsts = Map.groupBy(excerpts, (excerpt) => excerpt.file.number)
  for (const ofFile of firsts.values()) for (const excerpt of ofFile.slice(0, 3)) keep(excerpt, share)
  const mean = sumTokens(excerpts) / Math.max(excerpts.length, 1)
  const step = Math.max(1, Math.floor(excerpts.length / Math.max(1, (budget - tokens) / Math.max(mean, 1))))
  for (let place = 0; place < excerpts.length; place += step) {
    const excerpt = excerpts[place]
    if (excerpt) keep(excerpt, budget)
  }
  return excerpts.filter((excerpt) => kept.has(excerpt))
}

function sumTokens(excerpts: Excerpt[]): number {
  return excerpts.reduce((sum, excerpt) => sum + excerpt.tokens, 0)
}
