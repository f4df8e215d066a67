/**
 * The step that brings together what an answer may rest on, once for all models and before one is chosen: the files' pictures;
 * the passages that fit the question, where the files are too long for any model that may be asked; and, at the same time, what the web
 * and files that were shared earlier give. Each has a deadline; what was found is stored as references, so that a crash does not search again.
 */
import { z } from 'zod'
import type { Artifact } from '../core/artifact.ts'
import { traced } from '../core/events.ts'
import { siteOf } from '../core/page-address.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import { type BesideExcerpt, type Candidates, hasPages, isRequested, memoryRoom, webRoom } from '../prompt/content.ts'
import { imageLimits, type SourceImage, sourceImages } from '../prompt/images.ts'
import type { Attempts } from '../routing/metered-call.ts'
import { keyOf, type RankedPassage } from '../search/passages.ts'
import { webQueries } from '../search/web-queries.ts'
import { type WebDecision, whenWeb } from '../search/when-web.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import { type GatheredWeb, KeptWeb, type WebRequest, type WebSources } from '../web/gather-web.ts'
import { type AnswerDeps, searchMs } from './deps.ts'
import { type FromMemory, rememberedExcerpts, remembers, searchMemory } from './gather-memory.ts'
import { type Question, roomOf } from './question.ts'
import { aheadStep, inputHashOf, type Steps } from './steps.ts'

export interface Gathered extends Candidates {
  /** Pictures of the files that a model which sees may be shown. */
  images: SourceImage[]
  /** What the web gave, and why; absent where it is of no concern. */
  fromWeb?: { because: string; refused: boolean; kept: KeptWeb } | undefined
  /** Files shared earlier that were found; absent where they were not searched. */
  fromMemory?: FromMemory | undefined
  /** Sentences about what of the files could not be searched as usual. */
  searchNotes: readonly string[]
}

export type GatherDeps = Pick<AnswerDeps, 'storage' | 'retriever' | 'memory' | 'web' | 'models' | 'limits' | 'log'>

/** More passages than any prompt holds. */
const mostPassages = 400
/** Of a picture-filled prompt, the part that is left for text. */
const textShare = 0.5

export async function gather(
  deps: GatherDeps,
  question: Question,
  steps: Steps,
  /** Pays for other words to search with, where those are on. */
  attempts: Attempts,
  signal: AbortSignal,
): Promise<Gathered> {
  const { files, work, wanted } = question
  const artifacts = remembered(deps.storage.attachments.artifacts)
  const decision = decideWeb(deps, question)
  const asked = webRequest(question, decision)
  // It began while the files were read, or begins now.
  const ahead = asked === undefined ? undefined : startedAhead(work, asked)
  let web: Promise<GatheredWeb> | undefined
  const startWeb = () => {
    if (asked === undefined || deps.web === undefined) return undefined
    web ??= ahead === undefined ? gatherWeb(deps.web, question, asked, signal) : deps.web.recall(ahead)
    // A failure while the files are searched is thrown below.
    web.catch(() => {})
    return web
  }
  // Nothing is done again that a step has stored.
  if (ahead === undefined && !work.steps.some(({ kind }) => kind === 'gather')) void startWeb()
  const notes = new Set<string>()
  const note = (sentence: string) => void notes.add(sentence)
  const remembering = searchMemory(deps, question, attempts, signal, note)
  remembering.catch(() => {})
  const images = await sourceImages(files, work, { artifacts }, { ...imageLimits, wanted })
  const whole = { files, artifacts, images }
  const searches = question.text.trim() !== '' && (await isTooLong(deps, question, whole, asked !== undefined))
  const { because, refused = false } = decision
  const fromWeb = (kept: KeptWeb) => (because === undefined ? undefined : { because, refused, kept })
  const found =
    searches || asked !== undefined
      ? await retrieve(deps, question, { searches, asked, startWeb, note }, steps, signal)
      : { found: [], late: false, web: undefined }
  const { kept, passages } = found.web ?? { kept: nothingOfWeb, passages: [] }
  const fromPages = excerptsOf(kept, passages, question)
  // Numbers are given in this order, whatever came first.
  const memory = rememberedExcerpts(await remembering, question)
  return { ...whole, ...found, web: fromPages, fromWeb: fromWeb(kept), ...memory, searchNotes: [...notes] }
}

/** Whether the web is searched for this question, and which links are read. */
export function decideWeb({ web }: Pick<GatherDeps, 'web'>, { text, work, rules }: Question): WebDecision {
  if (web === undefined) return { search: false, links: [] }
  const { program, overrides } = work.messages.at(-1) ?? {}
  return whenWeb({
    text,
    wish: overrides?.web,
    policy: rules.policy.web ?? 'auto',
    localOnly: rules.policy.localOnly,
    files: work.attachments.length > 0,
    program: program?.ownPrompt === true,
    engine: web.engine !== undefined,
    // The same after a crash.
    today: work.createdAt,
  })
}

type AskedOfWeb = Pick<WebRequest, 'queries' | 'links'>

export function webRequest({ text, work }: Question, { search, links }: WebDecision): AskedOfWeb | undefined {
  const files = work.attachments.length + work.earlierFiles.length > 0
  const queries = search ? webQueries(text, { files }) : []
  return queries.length === 0 && links.length === 0 ? undefined : { queries, links }
}

/** What is stored of the web for a turn that has not begun. */
export async function gatherAhead(web: WebSources, question: Question, asked: AskedOfWeb, signal: AbortSignal) {
  const { kept } = await gatherWeb(web, question, asked, signal)
  return { kind: 'web' as const, inputHash: inputHashOf(asked), result: kept }
}

function startedAhead(work: Question['work'], asked: AskedOfWeb): KeptWeb | undefined {
  const stored = work.steps.find(({ n, kind }) => n === aheadStep && kind === 'web')
  return stored?.inputHash === inputHashOf(asked) ? KeptWeb.safeParse(stored.result).data : undefined
}

/** What the web gives for the question. */
async function gatherWeb(
  web: WebSources,
  { work, text, spender }: Question,
  asked: AskedOfWeb,
  signal: AbortSignal,
): Promise<GatheredWeb> {
  return await traced(
    'parley:retrieval',
    { turnId: work.id, retriever: 'web' },
    () => web.gather({ ...asked, turnId: work.id, spender, question: text }, signal),
    ({ passages, kept }) => ({
      found: passages.length,
      late: kept.queries.some(({ problem }) => problem !== undefined),
    }),
  )
}

const nothingOfWeb: KeptWeb = { queries: [], pages: [], passages: [] }

/** Each page gets its number in the order of the results, whether something of it fits or not. */
function excerptsOf(kept: KeptWeb, passages: readonly RankedPassage[], { sources }: Question): BesideExcerpt[] {
  const byHash = new Map(
    kept.pages.flatMap(({ read, title, address }) => {
      if (read === undefined) return []
      const { id, contentHash, site, published } = read
      return [[contentHash, sources.add({ kind: 'page', title, contentHash, url: address, site, published, ref: id })]]
    }),
  )
  const ofPages = passages.flatMap(({ contentHash, engine, ordinal, at, text, tokens }) => {
    const source = byHash.get(contentHash)
    // What was shared as a file is given as that file.
    return source === undefined || source.kind !== 'page' ? [] : [{ source, ordinal, engine, at, text, tokens }]
  })
  // Of what could not be read, the search engine's words are better than nothing, and come last.
  const snippets = kept.pages.flatMap(({ read, address, title, snippet: text }): BesideExcerpt[] => {
    if (read !== undefined || text === undefined) return []
    const site = siteOf(new URL(address))
    const source = sources.add({ kind: 'page', title, url: address, site, snippet: true, ref: address })
    return [{ source, ordinal: 0, at: { kind: 'lines', from: 1, to: 1 }, text, tokens: estimateTokens(text) }]
  })
  return [...ofPages, ...snippets]
}

/** Whether one of the models that may be asked cannot be given all that is to be read. */
async function isTooLong(
  { limits, memory }: Pick<GatherDeps, 'limits' | 'memory'>,
  question: Question,
  { files, artifacts, images }: Pick<Gathered, 'files' | 'artifacts' | 'images'>,
  beside: boolean,
): Promise<boolean> {
  if (files.length === 0) return false
  // Pages of the web and files shared earlier take their part of the room.
  const left = 1 - (beside ? webRoom.besideFiles : 0) - (remembers(memory, question) ? memoryRoom.besideFiles : 0)
  const share = (images.length > 0 ? textShare : 1) * left
  const rooms = question.models
    .filter(({ enabled }) => enabled)
    .map((model) => Math.max(0, roomOf(model, question).left * share))
  const least = Math.min(limits.promptTokens * left, ...rooms)
  const { wanted } = question
  if (sumTokens(files) <= least || wanted === undefined) return sumTokens(files) > least
  const places = (await artifacts(files)).flatMap(({ segments }) => segments)
  if (!hasPages(places, wanted)) return true
  return sumTokens(places.filter(({ at }) => isRequested(at, wanted))) > least
}

/** What is stored of the step: no text, which is read again where a crash wants it. */
type Kept = z.infer<typeof Kept>
const Kept = z.object({
  late: z.boolean(),
  artifacts: z.array(z.tuple([z.string(), z.string()])),
  /** Index into `artifacts`, ordinal, score. */
  found: z.array(z.tuple([z.number(), z.number(), z.number()])),
  web: KeptWeb.optional(),
})

const nothingFound: Omit<Kept, 'web'> = { late: false, artifacts: [], found: [] }

interface Retrieving {
  /** Whether the files are searched. */
  searches: boolean
  asked: AskedOfWeb | undefined
  startWeb(): Promise<GatheredWeb> | undefined
  note(sentence: string): void
}

/** Files and web at the same time, in one step: what takes longest decides how long it takes. */
async function retrieve(
  deps: GatherDeps,
  { work, text, files, audience, spender, rules }: Question,
  { searches, asked, startWeb, note }: Retrieving,
  steps: Steps,
  signal: AbortSignal,
): Promise<Pick<Candidates, 'found' | 'late'> & { web: GatheredWeb | undefined }> {
  const { retriever, limits, storage } = deps
  const among = files.map(({ contentHash, engine }) => ({ contentHash, engine }))
  let fresh: RankedPassage[] | undefined
  let freshWeb: GatheredWeb | undefined

  async function searchFiles(): Promise<Omit<Kept, 'web'>> {
    const deadline = AbortSignal.timeout(limits.searchMs ?? searchMs)
    const asking = { spender, turnId: work.id, localOnly: rules.policy.localOnly, note }
    const options = { audience, among, limit: mostPassages, signal: AbortSignal.any([signal, deadline]), ...asking }
    try {
      fresh = await retriever.retrieve(text, options)
    } catch (thrown) {
      if (!deadline.aborted || signal.aborted) throw thrown
      return { ...nothingFound, late: true }
    }
    return { late: false, ...packed(fresh) }
  }
  const tracedSearch = () =>
    traced('parley:retrieval', { turnId: work.id, retriever: retriever.name }, searchFiles, ({ found, late }) => {
      return { found: found.length, late }
    })

  const input = { retriever: retriever.name, text, audience, among: searches ? among : [], web: asked }
  const kept = await steps.run('gather', input, Kept, async () => {
    const [ofFiles, ofWeb] = await Promise.all([searches ? tracedSearch() : nothingFound, startWeb()])
    freshWeb = ofWeb
    return { ...ofFiles, web: ofWeb?.kept }
  })
  const web = freshWeb ?? (kept.web === undefined ? undefined : await deps.web?.recall(kept.web))
  if (fresh !== undefined || kept.late || kept.found.length === 0) return { found: fresh ?? [], late: kept.late, web }
  const refs = unpacked(kept)
  const passages = await storage.index.read(refs, { audience, signal })
  const texts = new Map(passages.map((passage) => [keyOf(passage), passage]))
  const found = refs.flatMap((ref) => {
    const passage = texts.get(keyOf(ref))
    return passage === undefined ? [] : [{ ...passage, score: ref.score }]
  })
  return { found, late: false, web }
}

function packed(found: readonly RankedPassage[]): Pick<Kept, 'artifacts' | 'found'> {
  const artifacts: [string, string][] = []
  const places = new Map<string, number>()
  const rows = found.map(({ contentHash, engine, ordinal, score }): [number, number, number] => {
    const name = `${contentHash} ${engine}`
    const place = places.get(name) ?? artifacts.push([contentHash, engine]) - 1
    places.set(name, place)
    return [place, ordinal, score]
  })
  return { artifacts, found: rows }
}

function unpacked({ artifacts, found }: Kept) {
  return found.flatMap(([place, ordinal, score]) => {
    const [contentHash, engine] = artifacts[place] ?? []
    return contentHash === undefined || engine === undefined ? [] : [{ contentHash, engine, ordinal, score }]
  })
}

/** Loads each artifact once, those of one call in one statement. */
function remembered(load: AnswerDeps['storage']['attachments']['artifacts']) {
  const known = new Map<string, Artifact | undefined>()
  const nameOf = ({ contentHash, engine }: ArtifactKey) => `${contentHash} ${engine}`
  return async (keys: ArtifactKey[]): Promise<Artifact[]> => {
    const missing = keys.filter((key) => !known.has(nameOf(key)))
    const loaded =
      missing.length === 0 ? [] : await load(missing.map(({ contentHash, engine }) => ({ contentHash, engine })))
    for (const key of missing) known.set(nameOf(key), undefined)
    for (const artifact of loaded) known.set(nameOf(artifact), artifact)
    return keys.flatMap((key) => known.get(nameOf(key)) ?? [])
  }
}

function sumTokens(items: readonly { tokens: number }[]): number {
  return items.reduce((sum, { tokens }) => sum + tokens, 0)
}
