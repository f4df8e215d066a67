/**
 * Which content of the sources the model is given: all of it when it fits, else the passages that match the question
 * best, and the receipt says how much. Never a blind cut. And "read only pages 10 to 20": the pages that a person restricts
 * their question to, in the words of several languages.
 */
import type { Artifact, Position } from '../core/artifact.ts'
import type { Source, SourceRegistry } from '../core/source.ts'
import { pageWord } from '../core/text/page-word.ts'
import type { RankedPassage } from '../search/passages.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { StoredAttachment, TurnWork } from '../store/turns.ts'
import { noticeWording } from '../wording/answers.ts'

/** 1-based, inclusive. */
export interface PageRange {
  from: number
  to: number
}

const start = String.raw`(?<![\p{L}\p{N}.])`
/** Not the beginning of a longer number, of a date or of a version. */
const number = String.raw`(\d{1,5})(?!\d|[.,/:\-–]\d)`
const article = String.raw`(?:the|zur?|la|las|les)\s+`
const until = String.raw`\s*(?:[-–—]|(?:to|through|thru|until|till|bis|à|a|al|hasta|jusqu['’]à)\s+(?:${article})?)\s*`
/** "Pages 10 to 20 times faster" is about something else. */
const noUnit = String.raw`(?!\s*(?:%|x\b|times|percent|prozent|mal\b|fois|veces|minut|second|sekund|hours?|days?|years?|people))`
/** What may stand between "only" and the page. "Only on page 7" tells where something is; it does not restrict. */
const filler = String.raw`(?:(?:read|use|consider|summari[sz]e|look\s+at|search|from|the|lies|aus|von|die|der|lis|lisez|de|la|les|las|lee|usa)\s+){0,3}`
const only = `(?:only|just|solely|nur|lediglich|ausschließlich|seulement|uniquement|s[óo]lo|solamente|[úu]nicamente|solo|soltanto)`

const ranges = new RegExp(`${start}${pageWord}\\s*(\\d{1,5})${until}(?:${pageWord}\\s*)?${number}${noUnit}`, 'giu')
const singles = [
  new RegExp(`${start}${only}\\s+${filler}${pageWord}\\s*${number}`, 'giu'),
  new RegExp(`${start}${pageWord}\\s*${number}\\s+${only}(?!\\p{L})`, 'giu'),
]
const mentions = new RegExp(`${start}${pageWord}\\s*\\d`, 'giu')
const negated =
  /(?<!\p{L})(?:not|n['’]t|never|except|excluding|all\s+but|skip|ignore|omit|without|after|before|beyond|nicht|kein\p{L}*|ohne|außer|überspring\p{L}*|ignorier\p{L}*|non|pas|sauf|sans|hormis|no|sin|salvo|excepto|menos)(?!\p{L})[^.!?\n]{0,25}$|n['’]t[^.!?\n]{0,25}$/iu
/** Another number follows: more pages than one range can tell. */
const goesOn = /^\s*(?:[,;&+]|and|und|or|oder|et|ou|y|e)\s*\d/iu
/** What is asked reaches beyond the range. */
const beyond = /(?<!\p{L})(?:the\s+rest|elsewhere|übrige[nrs]?|dem\s+rest|le\s+reste|el\s+resto)(?!\p{L})/iu

/** Only what clearly restricts: an explicit range, or one page with "only". Everything else is left to the whole files. */
export function pagesWanted(text: string): PageRange | undefined {
  const found = [...text.matchAll(ranges)]
  if (found.length === 0) found.push(...singles.flatMap((single) => [...text.matchAll(single)].slice(0, 1)).slice(0, 1))
  const [match] = found
  if (match === undefined || found.length > 1 || beyond.test(text)) return undefined
  const before = text.slice(0, match.index)
  const after = text.slice(match.index + match[0].length)
  if (negated.test(before) || goesOn.test(after)) return undefined
  if (`${before}\n${after}`.match(mentions) !== null) return undefined
  const from = Number(match[1])
  const to = Number(match[2] ?? match[1])
  return from >= 1 && to >= from ? { from, to } : undefined
}

/** "page 7", "pages 10–20". */
export function describePages({ from, to }: PageRange, word = 'page'): string {
  return from === to ? `${word} ${from}` : `${word}s ${from}–${to}`
}

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

/** A passage of something beside the files: a page of the web, or a file that was shared earlier. */
export interface BesideExcerpt extends Excerpt {
  /** Its order within its source, and what made its text; absent where it is kept nowhere. */
  ordinal: number
  engine?: string | undefined
  /** How much of the question occurs in it, from 0 to 1, where that was looked at. */
  coverage?: number | undefined
  /** Whether it means nearly what was asked, where that was looked at. */
  close?: boolean | undefined
}

export interface Content {
  files: ReadSource[]
  /** Pages of the web and files shared earlier, of which `excerpts` hold something. */
  pages?: Source[]
  memory?: Source[]
  /** In reading order; those of the files first. */
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
  /** Passages of pages of the web, and of files that were shared earlier, best first. */
  web?: readonly BesideExcerpt[]
  memory?: readonly BesideExcerpt[]
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

/** The most tokens of pages of the web in a prompt, and the share of it that they may take beside files; the same for files shared earlier. */
export const webRoom = { tokens: 12_000, besideFiles: 0.4 }
export const memoryRoom = { tokens: 8_000, besideFiles: 0.2, besidePages: 0.5 }

/** The files' content with the best passages of other sources beside it. Those come first: they were looked for because of the question. */
export async function chooseAllContent(candidates: Candidates, budget: number, wanted?: PageRange): Promise<Content> {
  const { web = [], memory = [], files } = candidates
  const share = files.length > 0 ? memoryRoom.besideFiles : web.length > 0 ? memoryRoom.besidePages : 1
  const remembered = best(memory, Math.min(memoryRoom.tokens, budget * share))
  const pages = best(
    web,
    Math.min(webRoom.tokens, files.length === 0 ? budget - remembered.tokens : budget * webRoom.besideFiles),
  )
  const taken = [...remembered.taken, ...pages.taken]
  if (taken.length === 0) return await chooseContent(candidates, budget, wanted)
  const content = await chooseContent(candidates, budget - remembered.tokens - pages.tokens, wanted)
  return {
    ...content,
    memory: sourcesOf(remembered.taken),
    pages: sourcesOf(pages.taken),
    excerpts: [...content.excerpts, ...taken],
  }
}

/** As many as fit, best first, in reading order. */
function best(excerpts: readonly BesideExcerpt[], room: number): { taken: BesideExcerpt[]; tokens: number } {
  const taken: BesideExcerpt[] = []
  let left = room
  for (const excerpt of excerpts) {
    if (excerpt.tokens > left) continue
    left -= excerpt.tokens
    taken.push(excerpt)
  }
  return { taken: taken.toSorted((a, b) => a.source.n - b.source.n || a.ordinal - b.ordinal), tokens: sumTokens(taken) }
}

const sourcesOf = (excerpts: readonly Excerpt[]) => [...new Set(excerpts.map(({ source }) => source))]

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
