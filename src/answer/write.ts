/** One step of the loop (loop.ts): a model is asked with all that was gathered and said so far, and its words go through the reply writer. */
import type { Citation, TokenLogprob } from '../core/reply.ts'
import type { Source } from '../core/source.ts'
import type { Model } from '../models/catalogue.ts'
import type { ModelProvider, ModelRequest } from '../models/model.ts'
import { withoutRefused } from '../models/refused-parts.ts'
import { withStopSequences } from '../models/stop-sequences.ts'
import { withEvents } from '../models/with-events.ts'
import type { Content, Excerpt } from '../prompt/content.ts'
import type { ShownImage } from '../prompt/images.ts'
import { type CitationStream, createCitationStream, type GivenSource, type Supported } from '../reply/citations.ts'
import { createLinkFilter, type LinkFilter } from '../reply/links.ts'
import type { UsedPictures } from '../reply/receipt.ts'
import type { ReplyWriter } from '../reply/reply-writer.ts'
import type { Attempts } from '../routing/metered-call.ts'
import { ask, type ModelCall } from './ask.ts'
import type { AnswerDeps } from './deps.ts'
import { knownLinks } from './known-links.ts'
import type { Answered } from './outcome.ts'
import { type Plan, sees } from './plan.ts'
import type { Question } from './question.ts'
import { supportOf } from './support.ts'

/** What the step adds to all steps before it. */
export interface Written extends Answered {
  /** The words as the model wrote them, with the labels of sources where `text` has numbers. */
  raw: string
  calls: ModelCall[]
}

export interface StepDeps {
  models: AnswerDeps['models']
  log: AnswerDeps['log']
  question: Question
  plan: Plan
  attempts: Attempts
  replyWriter: ReplyWriter
  /** Pictures of the files that a model which sees may be shown. */
  images: number
  /** The calls to models of the whole turn. */
  counted: Parameters<typeof withEvents>[1]
}

export interface StepInput {
  /** In the order in which they may be asked. */
  models: readonly Model[]
  /** What people read already: a step that starts over begins behind it. */
  before: string
  /** What earlier steps cited keeps its number. */
  citations: readonly Citation[]
  /** What tools gave so far, to be cited. */
  excerpts: readonly Excerpt[]
  /** Tokens of the model's window that are kept free for tools. */
  room(model: Model): number
  /** Adds the tools and what they gave. */
  complete(model: Model, request: ModelRequest): ModelRequest
}

/** The answer to one request: what the model was given, and what it has said so far. */
interface Draft {
  model: string
  content: Content
  given: GivenSource[]
  support: Supported | undefined
  reply: CitationStream
  /** Absent where a program composes its own prompt: its answer is as the model wrote it. */
  links: LinkFilter | undefined
  pictures: UsedPictures
  maxOutputTokens: number
  /** A budget did not hold more. */
  shortened: boolean
  /** Messages of a program's history that did not fit. */
  cut: number
  /** What of the sampling its server takes no notice of. */
  ignored: string[]
  thoughts: string
  raw: string
  text: string
  logprobs: TokenLogprob[]
}

/** The most characters of a model's thoughts that are kept. */
const mostThoughts = 20_000
/** The most tokens of which is kept how likely they were. */
const mostLogprobs = 4_000

/** Streams the words through the reply writer; a change of model or a restart starts this step's words over. */
export async function write(deps: StepDeps, input: StepInput, signal: AbortSignal): Promise<Written> {
  const { models, log, question, plan, attempts, replyWriter, images, counted } = deps
  const { provider, catalogue } = models
  /** What is shown, and what the model that is asked now will say instead. */
  let draft: Draft | undefined
  let next: Draft | undefined
  const say = (into: Draft, written: string, last = false) => {
    const part = into.links === undefined ? written : into.links.push(written) + (last ? into.links.flush() : '')
    if (part === '') return
    if (into.text === '' && input.before.trim() !== '') replyWriter.append(betweenSteps(input.before))
    into.text += part
    replyWriter.cite(into.reply.citations(), into.model)
    replyWriter.append(part)
  }
  const linkFilter = (content: Content) =>
    question.work.messages.at(-1)?.program === undefined
      ? createLinkFilter(knownLinks(question, content), input.before + betweenSteps(input.before))
      : undefined
  let tried: Model | undefined
  const prepare = async (model: Model) => {
    tried = model
    const { content: ownContent, shown, request: composed, cut } = await plan.prepare(model, input.room(model))
    const request = input.complete(model, composed)
    const content = { ...ownContent, excerpts: [...ownContent.excerpts, ...input.excerpts] }
    const given = givenSources(content, shown)
    const support = model.kind === 'extractive' ? undefined : supportOf(question, content, shown)
    next = {
      model: model.id,
      content,
      given,
      support,
      reply: createCitationStream(given, support, input.citations),
      links: linkFilter(content),
      pictures: {
        shown: shown.length,
        of: images,
        blind: images > 0 && !sees(model) ? (model.label ?? model.id) : undefined,
      },
      maxOutputTokens: request.maxOutputTokens,
      shortened: false,
      cut,
      ignored: ignoredOf(request, provider(model.provider)),
      thoughts: '',
      raw: '',
      text: '',
      logprobs: [],
    }
    return request
  }
  const reserved = ({ maxOutputTokens }: ModelRequest) => {
    if (next === undefined || maxOutputTokens >= next.maxOutputTokens) return
    next = { ...next, maxOutputTokens, shortened: true }
  }
  const pictures = {
    // The same model answers without pictures: the receipt says that it saw none.
    onRefused() {
      if (next === undefined || tried === undefined) return
      next.pictures = { ...next.pictures, shown: 0, blind: tried.label ?? tried.id }
    },
    onLearnt: () => tried && catalogue.refused(tried, 'pictures'),
  }
  const tools = { onLearnt: () => tried && catalogue.refused(tried, 'tools') }
  // A program's tools are part of its question: it is told that they were refused.
  const own = question.work.messages.at(-1)?.program?.tools !== undefined
  const withoutTools = (provider: ModelProvider) => (own ? provider : withoutRefused('tools', provider, tools))
  const asking = {
    provider: (name: string) =>
      withStopSequences(withoutRefused('pictures', withoutTools(withEvents(provider(name), counted)), pictures)),
    prepare,
    attempts,
    reserved,
    cheaper: plan.cheaper,
    log,
  }
  for await (const event of ask(input.models, asking, signal)) {
    if (event.type === 'reasoning') {
      if (next !== undefined) next.thoughts = think(next.thoughts, event.delta)
      replyWriter.think(next?.thoughts ?? '')
      continue
    }
    if (event.type === 'logprobs') {
      if (next !== undefined && next.logprobs.length < mostLogprobs) next.logprobs.push(...event.tokens)
      continue
    }
    if (event.type === 'begin' || event.type === 'thoughtSoFar') {
      if (draft !== undefined && draft.text !== '') {
        replyWriter.restart()
        replyWriter.append(input.before)
      }
      if (event.type === 'thoughtSoFar' && draft !== undefined) {
        const { given, support, thoughts, text } = draft
        const reply = createCitationStream(given, support, input.citations)
        const links = linkFilter(draft.content)
        next = { ...draft, reply, links, thoughts: think(thoughts, text), raw: '', text: '', logprobs: [] }
        replyWriter.think(next.thoughts)
      }
      draft = next
      continue
    }
    if (draft === undefined) throw new Error('a model answered before it was asked')
    if (event.type === 'text') {
      draft.raw += event.delta
      say(draft, draft.reply.push(event.delta))
    } else {
      say(draft, draft.reply.flush(), true)
      const { model, reason, calls, notices, refusal } = event
      const { reply, links, thoughts, model: _, given: __, support: ___, ...rest } = draft
      return {
        ...rest,
        thoughts: thoughts.trim() || undefined,
        citations: reply.citations(),
        unknown: reply.unknown(),
        unsupported: reply.unsupported(),
        unlinked: links?.removed() ?? 0,
        ...{ model, reason, calls, notices, refusal },
      }
    }
  }
  throw new Error('a model ended without an end')
}

/** What stands between the words of two steps. */
export function betweenSteps(before: string): string {
  return before.trim() === '' || before.endsWith('\n\n') ? '' : '\n\n'
}

/** What the server does not take of the sampling. `stop` is never among it: Parley stops the answer itself. */
function ignoredOf({ sampling = {} }: ModelRequest, { takes = [] }: ModelProvider): string[] {
  const set = Object.entries(sampling).flatMap(([name, value]) => (value === undefined ? [] : [name]))
  return set.filter((name) => name !== 'stop' && !takes.some((each) => each === name))
}

export function think(before: string, more: string): string {
  // It was cut before.
  if (before.length > mostThoughts) return before
  const all = before + more
  return all.length <= mostThoughts ? all : `${all.slice(0, mostThoughts)}…`
}

/** Each source of which the model was given something, with the places of it that it was given. */
function givenSources({ excerpts }: Content, shown: ShownImage[]): GivenSource[] {
  const given = new Map<Source, GivenSource>()
  const seen = new Set<string>()
  for (const { source, at } of [...excerpts, ...shown]) {
    const known = given.get(source) ?? { source, positions: [] }
    given.set(source, known)
    const place = `${source.n} ${JSON.stringify(at)}`
    if (!seen.has(place)) known.positions.push(at)
    seen.add(place)
  }
  return [...given.values()]
}
