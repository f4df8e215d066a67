/**
 * The step that brings together what an answer may rest on, once for all models and before one is chosen: the files' pictures,
 * and the passages that fit the question, where the files are too long for any model that may be asked. The search has a
 * deadline; what it found is stored as references, so that a crash does not search again.
 */
import { z } from 'zod'
import type { Artifact } from '../core/artifact.ts'
import { traced } from '../core/events.ts'
import { type Candidates, hasPages, isRequested } from '../prompt/content.ts'
import { imageLimits, type SourceImage, sourceImages } from '../prompt/images.ts'
import type { RankedPassage } from '../search/passages.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { AnswerDeps } from './deps.ts'
import { type Question, roomOf } from './question.ts'
import type { Steps } from './steps.ts'

export interface Gathered extends Candidates {
  /** Pictures of the files that a model which sees may be shown. */
  images: SourceImage[]
}

export type GatherDeps = Pick<AnswerDeps, 'storage' | 'retriever' | 'limits'>

/** More passages than any prompt holds. */
const mostPassages = 400
/** Of a picture-filled prompt, the part that is left for text. */
const textShare = 0.5
const searchMs = 5_000

export async function gather(
  deps: GatherDeps,
  question: Question,
  steps: Steps,
  signal: AbortSignal,
): Promise<Gathered> {
  const { files, work, wanted } = question
  const artifacts = remembered(deps.storage.attachments.artifacts)
  const images = await sourceImages(files, work, { artifacts }, { ...imageLimits, wanted })
  const whole = { files, artifacts, images }
  if (question.text.trim() === '' || !(await isTooLong(deps, question, whole)))
    return { ...whole, found: [], late: false }
  return { ...whole, ...(await search(deps, question, steps, signal)) }
}

/** Whether one of the models that may be asked cannot be given all that is to be read. */
async function isTooLong(
  { limits }: Pick<GatherDeps, 'limits'>,
  question: Question,
  { files, artifacts, images }: Pick<Gathered, 'files' | 'artifacts' | 'images'>,
): Promise<boolean> {
  const share = images.length > 0 ? textShare : 1
  const rooms = question.models
    .filter(({ enabled }) => enabled)
    .map((model) => Math.max(0, roomOf(model, question).left * share))
  const least = Math.min(limits.promptTokens, ...rooms)
  const { wanted } = question
  if (sumTokens(files) <= least || wanted === undefined) return sumTokens(files) > least
  const places = (await artifacts(files)).flatMap(({ segments }) => segments)
  if (!hasPages(places, wanted)) return true
  return sumTokens(places.filter(({ at }) => isRequested(at, wanted))) > least
}

/** What is stored of a search: no text, which is read again where a crash wants it. */
type KeptSearch = z.infer<typeof KeptSearch>
const KeptSearch = z.object({
  late: z.boolean(),
  artifacts: z.array(z.tuple([z.string(), z.string()])),
  /** Index into `artifacts`, ordinal, score. */
  found: z.array(z.tuple([z.number(), z.number(), z.number()])),
})

async function search(
  deps: GatherDeps,
  { work, text, files, spender }: Question,
  steps: Steps,
  signal: AbortSignal,
): Promise<Pick<Candidates, 'found' | 'late'>> {
  const { retriever, limits, storage } = deps
  const audience = { conversation: work.conversationKey }
  const among = files.map(({ contentHash, engine }) => ({ contentHash, engine }))
  let fresh: RankedPassage[] | undefined

  async function searchNow(): Promise<KeptSearch> {
    const deadline = AbortSignal.timeout(limits.searchMs ?? searchMs)
    const options = { audience, among, limit: mostPassages, signal: AbortSignal.any([signal, deadline]), spender }
    try {
      fresh = await retriever.retrieve(text, options)
    } catch (thrown) {
      if (!deadline.aborted || signal.aborted) throw thrown
      return { late: true, artifacts: [], found: [] }
    }
    return { late: false, ...packed(fresh) }
  }

  const kept = await steps.run('gather', { retriever: retriever.name, text, audience, among }, KeptSearch, () =>
    traced('parley:retrieval', { turnId: work.id, retriever: retriever.name }, searchNow, ({ found, late }) => {
      return { found: found.length, late }
    }),
  )
  if (fresh !== undefined || kept.late) return { found: fresh ?? [], late: kept.late }
  const refs = unpacked(kept)
  const passages = await storage.index.read(refs, { audience, signal })
  const texts = new Map(passages.map((passage) => [keyOf(passage), passage]))
  const found = refs.flatMap((ref) => {
    const passage = texts.get(keyOf(ref))
    return passage === undefined ? [] : [{ ...passage, score: ref.score }]
  })
  return { found, late: false }
}

function packed(found: readonly RankedPassage[]): Pick<KeptSearch, 'artifacts' | 'found'> {
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

function unpacked({ artifacts, found }: KeptSearch) {
  return found.flatMap(([place, ordinal, score]) => {
    const [contentHash, engine] = artifacts[place] ?? []
    return contentHash === undefined || engine === undefined ? [] : [{ contentHash, engine, ordinal, score }]
  })
}

const keyOf = ({ contentHash, engine, ordinal }: { contentHash: string; engine: string; ordinal: number }) =>
  `${contentHash} ${engine} ${ordinal}`

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
