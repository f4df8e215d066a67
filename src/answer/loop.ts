/**
 * The loop of an answer: a model is asked → it says something, or asks for tools → their results go back to it → until it calls none.
 * Each model's step is reserved over the budget for itself and stored before its calls run, and the results are stored before the model is
 * asked again, so that a crash resumes after the last stored step. Models that take no tools answer in the first step.
 */
import type { Program } from '../core/message.ts'
import type { Source } from '../core/source.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import type { ToolCall } from '../core/tool-call.ts'
import type { Model } from '../models/catalogue.ts'
import { modelKey } from '../models/complete-model.ts'
import type { ModelRequest } from '../models/model.ts'
import type { BesideExcerpt, Excerpt } from '../prompt/content.ts'
import type { StoredStep } from '../store/turns.ts'
import type { Tool } from '../tools/tool.ts'
import { toolWording } from '../wording/tools.ts'
import type { AnswerDeps } from './deps.ts'
import { remembers } from './gather-memory.ts'
import type { Answered } from './outcome.ts'
import type { Plan } from './plan.ts'
import type { Question } from './question.ts'
import { KeptModel, type Round, tokensOf, withTools } from './rounds.ts'
import type { Steps } from './steps.ts'
import {
  type CallsInput,
  type FreshTexts,
  freshKey,
  type KeptResult,
  KeptResults,
  runCalls,
  toolReceipts,
} from './tool-calls.ts'
import { untrustedReasonsOf } from './untrusted.ts'
import { betweenSteps, type StepDeps, think, type Written, write } from './write.ts'
import { type Verdict, WaitsForPeople, type Writes } from './writes.ts'

export const loopLimits = {
  /** How often a model is asked for one answer; the last time without tools. */
  steps: 8,
  calls: 24,
  /** Tokens of results in all, and the share of a model's window that definitions and results may take. */
  tokens: 24_000,
  windowShare: 0.3,
  /** A model with a smaller window gets no tools. */
  leastWindow: 16_000,
}

export interface LoopDeps extends Omit<StepDeps, 'counted'> {
  storage: AnswerDeps['storage']
  tools?: AnswerDeps['tools']
  memory?: AnswerDeps['memory']
  web?: AnswerDeps['web']
  steps: Steps
  /** What was found of files shared earlier. */
  remembered: readonly BesideExcerpt[]
  /** Calls that change something; absent where nobody can be asked about them. */
  writes?: Writes | undefined
  /** Shows people what runs. */
  progress(what: string): void
}

/** Of an earlier run of the turn: sources that are cited by number already. */
export function numberedBefore(stored: readonly StoredStep[]): Source[] {
  const last = stored.findLast(({ kind }) => kind === 'tools')
  return KeptResults.safeParse(last?.result).data?.sources ?? []
}

export async function loop(deps: LoopDeps, signal: AbortSignal): Promise<Answered> {
  const { question, plan, replyWriter, steps, storage, log } = deps
  const { work, text, audience, spender, rules, files, opening } = question
  const program = work.messages.at(-1)?.program
  const tools = await offered(deps)
  const fresh: FreshTexts = new Map()
  const rounds: Round[] = []
  let { usable, definitions, tokens: definitionTokens } = named(tools, rounds)
  let calls = 0
  const counted = { turnId: work.id, next: () => ++calls }
  const words = [...work.history.flatMap(({ messages }) => messages), ...work.messages].map((each) => each.text)
  let before = opening
  replyWriter.append(opening)

  const room = (model: Model) =>
    takesTools(model, tools)
      ? definitionTokens + Math.min(loopLimits.tokens, Math.floor(model.contextWindow * loopLimits.windowShare))
      : tokensOf(rounds)

  for (let n = 1; ; n += 1) {
    const ran = rounds.flatMap(({ results }) => results).filter(({ outcome }) => outcome !== 'repeated').length
    const last = n >= loopLimits.steps || ran >= loopLimits.calls || isRepeating(rounds)
    ;({ usable, definitions, tokens: definitionTokens } = named(tools, rounds))
    const open = steps.open('model', { loop: n, text }, KeptModel)
    let written: Written | undefined
    let said = open.known
    if (said === undefined) {
      const input = {
        models: inTurn(plan.models, rounds),
        before,
        citations: rounds.at(-1)?.said.citations ?? [],
        excerpts: rounds.flatMap((round) => round.excerpts.flatMap(({ excerpts }) => excerpts)),
        room,
        complete: (model: Model, request: ModelRequest) =>
          withTools(request, takesTools(model, tools) ? definitions : [], rounds, last),
      }
      written = await write({ ...deps, counted }, input, signal)
      // A program runs its own tools: what the model calls is the answer.
      if (program !== undefined) return { ...written, programCalls: callsFor(program, written) }
      if (written.calls.length === 0) return answered(question, written, rounds)
      said = keptOf(written)
      await open.store(said)
    } else {
      replyWriter.append(betweenSteps(before) + said.text)
      replyWriter.cite(said.citations, said.model)
    }
    if (said.text !== '') before += betweenSteps(before) + said.text
    const { calls: asked, model } = said
    const earlier = rounds.flatMap(({ results }) => results)
    try {
      const call = {
        ...{ turnId: work.id, question: text, audience, spender, localOnly: rules.policy.localOnly, files, words },
        shown: async () => await shownSoFar(deps, model, written, rounds),
        kept: keptBy(deps, rounds),
      }
      const done = await steps.run('tools', { loop: n, text }, KeptResults, () =>
        runCalls(
          {
            ...{ tools: usable, calls: asked, earlier, call, log, sources: question.sources },
            left: loopLimits.calls - ran,
            prefix: String(n),
            progress: deps.progress,
            decide: (writes) => decideWrites(deps, writes, earlier),
          },
          fresh,
          signal,
        ),
      )
      rounds.push({ said, results: done.results, excerpts: await readExcerpts(done, fresh, question, storage, signal) })
      question.notes.push(...done.notes.filter((note) => !question.notes.includes(note)))
    } catch (thrown) {
      if (!signal.aborted) throw thrown
      // Stopped while tools ran: what was said stays.
      return await stopped(deps, said, written, rounds)
    }
  }
}

function callsFor({ tools = [], parallelCalls }: Program, { calls }: Written): ToolCall[] {
  if (tools.length === 0) return []
  return parallelCalls === false ? calls.slice(0, 1) : calls
}

/** What people decided; while they have not, the turn waits. */
async function decideWrites(
  { writes, question, progress }: LoopDeps,
  calls: Parameters<Writes['decide']>[0],
  earlier: readonly KeptResult[],
): Promise<{ verdicts: Verdict[]; notes: string[] }> {
  const refused = { kind: 'refused', text: toolWording.nobodyToAsk, outcome: 'denied' } as const
  if (writes === undefined) return { verdicts: calls.map(() => refused), notes: [] }
  const untrusted = untrustedReasonsOf(question, earlier)
  try {
    const verdicts = await writes.decide(calls, untrusted)
    return { verdicts, notes: untrusted.length === 0 ? [] : [toolWording.askedBecause(untrusted)] }
  } catch (thrown) {
    if (thrown instanceof WaitsForPeople)
      progress(toolWording.waiting([...new Set(calls.map(({ tool }) => tool.name))].join(', ')))
    throw thrown
  }
}

/** The tools that a model gets: hidden ones only after they were found. */
function named(tools: readonly Tool[], rounds: readonly Round[]) {
  const found = new Set(rounds.flatMap(({ results }) => results.flatMap(({ opens = [] }) => opens)))
  const usable = tools.filter(({ name, hidden }) => hidden !== true || found.has(name))
  const definitions = usable.map(({ name, description, schema }) => ({ name, description, schema }))
  return { usable, definitions, tokens: tools.length === 0 ? 0 : estimateTokens(JSON.stringify(definitions)) }
}

async function offered({ tools, question, memory, web }: LoopDeps): Promise<readonly Tool[]> {
  const { work, audience, spender, rules, files, models } = question
  // A program that composes its own prompt brings its own tools.
  const asked = work.messages.at(-1)
  if (tools === undefined || asked === undefined || asked.program !== undefined || !rules.policy.tools) return []
  if (!models.some((model) => model.enabled && mayCall(model))) return []
  const mayBrowse = (rules.policy.web ?? 'auto') !== 'off' && asked.overrides?.web !== 'off'
  return await tools.offered({
    ...{ turnId: work.id, platform: work.platform, audience, spender, files },
    author: asked.author,
    conversation: asked.conversation,
    note: (sentence) => void question.notes.push(sentence),
    localOnly: rules.policy.localOnly,
    memory: remembers(memory, question),
    web: web?.engine !== undefined && mayBrowse && !rules.policy.localOnly,
    pages: web !== undefined && mayBrowse,
  })
}

const mayCall = ({ kind, tools, contextWindow }: Model) =>
  kind === 'generative' && tools === true && contextWindow >= loopLimits.leastWindow

const takesTools = (model: Model, tools: readonly Tool[]) => tools.length > 0 && mayCall(model)

/** Two rounds in which nothing new was called. */
function isRepeating(rounds: readonly Round[]): boolean {
  const [a, b] = rounds.slice(-2)
  const nothing = (round: Round | undefined) => round?.results.every(({ outcome }) => outcome === 'repeated') === true
  return b !== undefined && nothing(a) && nothing(b)
}

/** The model of the round before goes on; the others are there if it cannot. */
function inTurn(models: readonly Model[], rounds: readonly Round[]): Model[] {
  const last = rounds.at(-1)?.said.model
  return models.toSorted((a, b) => Number(modelKey(b) === last) - Number(modelKey(a) === last))
}

function keptOf({
  raw,
  text,
  thoughts,
  citations,
  unknown,
  unsupported,
  unlinked,
  notices,
  model,
  calls,
}: Written): KeptModel {
  return { raw, text, thoughts, citations, unknown, unsupported, unlinked, notices, model: modelKey(model), calls }
}

/** Texts of passages that are stored by reference are read again after a crash, as far as the audience may see them then. */
async function readExcerpts(
  { results }: KeptResults,
  fresh: FreshTexts,
  { audience, sources }: Question,
  { index }: AnswerDeps['storage'],
  signal: AbortSignal,
): Promise<Round['excerpts']> {
  const refs = results.flatMap(({ excerpts }) => excerpts.flatMap(({ ref }) => ref ?? []))
  const missing = refs.filter((ref) => !fresh.has(freshKey(ref)))
  const read = missing.length === 0 ? [] : await index.read(missing, { audience, signal })
  for (const passage of read) fresh.set(freshKey(passage), passage.text)
  const byNumber = new Map(sources.all().map((source) => [source.n, source]))
  return results.map((result) => ({
    result,
    excerpts: result.excerpts.flatMap(({ n, at, tokens, text, ref }): Excerpt[] => {
      const source = byNumber.get(n)
      const found = ref === undefined ? text : fresh.get(freshKey(ref))
      return source === undefined || found === undefined ? [] : [{ source, at, text: found, tokens }]
    }),
  }))
}

/** All steps as one answer. */
function answered(question: Question, written: Written, rounds: readonly Round[]): Answered {
  const results = rounds.flatMap((round) => round.results)
  const untrusted = untrustedReasonsOf(question, results)
  if (rounds.length === 0) return { ...written, untrusted }
  const said = [...rounds.map((round) => round.said), written]
  return {
    ...written,
    text: said.map(({ text }) => text).reduce((all, text) => (text === '' ? all : all + betweenSteps(all) + text), ''),
    thoughts:
      said.reduce(
        (all, { thoughts = '' }) => (thoughts === '' ? all : think(all === '' ? '' : `${all}\n\n`, thoughts)),
        '',
      ) || undefined,
    unknown: said.reduce((sum, each) => sum + each.unknown, 0),
    unsupported: said.reduce((sum, each) => sum + each.unsupported, 0),
    unlinked: said.reduce((sum, each) => sum + each.unlinked, 0),
    notices: [...new Set(said.flatMap(({ notices }) => notices))],
    tools: toolReceipts(results),
    untrusted,
  }
}

/** All of sources that the model has read before it made its calls. */
async function shownSoFar(
  { plan }: LoopDeps,
  model: string,
  written: Written | undefined,
  rounds: readonly Round[],
): Promise<Excerpt[]> {
  const { content } = written ?? (await plan.prepare(modelOf(plan, model), 0))
  return [...content.excerpts, ...rounds.flatMap((round) => round.excerpts.flatMap(({ excerpts }) => excerpts))]
}

/** Where the text of files is kept, by the numbers of their sources. */
function keptBy({ question, remembered }: LoopDeps, rounds: readonly Round[]): CallsInput['call']['kept'] {
  const found = rounds.flatMap(({ results }) => results.flatMap(({ excerpts }) => excerpts))
  return new Map([
    ...remembered.flatMap(({ source: { n, contentHash }, engine }) =>
      contentHash === undefined || engine === undefined ? [] : [[n, { contentHash, engine }] as const],
    ),
    ...found.flatMap(({ n, ref }) => (ref === undefined ? [] : [[n, ref] as const])),
    ...question.files.map(({ source, contentHash, engine }) => [source.n, { contentHash, engine }] as const),
  ])
}

const modelOf = ({ models, chosen }: Plan, key: string) => models.find((each) => modelKey(each) === key) ?? chosen.model

async function stopped(
  { plan, question }: LoopDeps,
  said: KeptModel,
  written: Written | undefined,
  rounds: readonly Round[],
): Promise<Answered> {
  const model = written?.model ?? modelOf(plan, said.model)
  const { content, cut } = written ?? (await plan.prepare(model, 0))
  const ended: Written = {
    ...(written ?? {
      pictures: { shown: 0, of: 0, blind: undefined },
      maxOutputTokens: model.maxOutputTokens,
      shortened: false,
      ignored: [],
      cut,
    }),
    ...said,
    thoughts: said.thoughts,
    content,
    model,
    calls: [],
    reason: 'aborted',
  }
  return answered(question, ended, rounds)
}
