/**
 * Runs the calls of one step of the loop (loop.ts): reads in parallel, each within its limit; then what changes something, one at a time and
 * as people decided (writes.ts); equal calls once; what failed is a result, too.
 */
import { z } from 'zod'
import { Position } from '../core/artifact.ts'
import { errorFields, ParleyError } from '../core/errors.ts'
import { traced } from '../core/events.ts'
import { canonicalJson, Json } from '../core/json.ts'
import type { Log } from '../core/log.ts'
import type { ToolReceipt } from '../core/reply.ts'
import { createSemaphore } from '../core/semaphore.ts'
import { Source, type SourceRegistry } from '../core/source.ts'
import { estimateTokens } from '../core/text/estimate-tokens.ts'
import type { PassageRef } from '../search/passages.ts'
import { type Tool, type ToolCall, type ToolExcerpt, ToolFailure, type ToolResult } from '../tools/tool.ts'
import { toolWording } from '../wording/tools.ts'
import type { ModelCall } from './ask.ts'
import type { PlannedWriteCall, Verdict } from './writes.ts'

const KeptExcerpt = z.object({
  /** Number of its source. */
  n: z.number().int(),
  at: Position,
  tokens: z.number(),
  /** One of the two: the text, or where it is kept with its rights. */
  text: z.string().optional(),
  ref: z.object({ contentHash: z.string(), engine: z.string(), ordinal: z.number().int() }).optional(),
})
export type KeptExcerpt = z.infer<typeof KeptExcerpt>

/** What is stored of a step's calls. */
export type KeptResults = z.infer<typeof KeptResults>
export const KeptResults = z.object({
  /** All of the turn so far: they keep their numbers after a crash. */
  sources: z.array(Source),
  results: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      /** Name and arguments, in one form. */
      key: z.string(),
      text: z.string(),
      failed: z.boolean(),
      /** Its text is what Parley says of the call; without it, it is data. */
      byParley: z.boolean(),
      /** It may hold what strangers wrote. */
      openWorld: z.boolean(),
      about: z.string(),
      outcome: z.enum(['done', 'failed', 'repeated', 'denied', 'unknown']),
      ms: z.number(),
      excerpts: z.array(KeptExcerpt),
      /** Names of tools that were found by it. */
      opens: z.array(z.string()).optional(),
    }),
  ),
  notes: z.array(z.string()),
})
export type KeptResult = KeptResults['results'][number]

export interface CallsInput {
  tools: readonly Tool[]
  calls: readonly ModelCall[]
  /** What earlier steps have given. */
  earlier: readonly KeptResult[]
  /** How many more may be run in this answer. */
  left: number
  /** What each call may know of its turn. */
  call: Omit<ToolCall, 'callId' | 'note' | 'progress' | 'signal' | 'sources'>
  /** First part of the calls' ids. */
  prefix: string
  sources: SourceRegistry
  /** Shows people what runs. */
  progress(what: string): void
  /** What people decided about calls that change something. Throws while they have not. */
  decide(calls: readonly PlannedWriteCall[]): Promise<{ verdicts: Verdict[]; notes: string[] }>
  log: Log
}

/** Texts of passages that are stored by reference only, while this process knows them. */
export type FreshTexts = Map<string, string>

export const freshKey = ({ contentHash, engine, ordinal }: PassageRef) => `${contentHash} ${engine} ${ordinal}`

const mostParallel = 4

export async function runCalls(input: CallsInput, fresh: FreshTexts, signal: AbortSignal): Promise<KeptResults> {
  const { tools, calls, earlier, sources, log } = input
  const places = createSemaphore(mostParallel)
  const notes: string[] = []
  const known = new Map(earlier.filter(({ outcome }) => outcome !== 'repeated').map((result) => [result.key, result]))
  const first = new Map<string, string>()
  let left = input.left

  async function runOne({ tool, args, call: { id } }: PlannedCall, at: number, verdict?: Verdict): Promise<Ran> {
    if (verdict?.kind === 'refused') {
      if (verdict.outcome === 'unknown') noteInterrupted(tool, args)
      return { result: failure(verdict.text), byParley: true, outcome: verdict.outcome, ms: 0 }
    }
    const deadline = AbortSignal.timeout(tool.limitMs)
    const within = AbortSignal.any([signal, deadline])
    const startedAt = performance.now()
    const call = {
      ...input.call,
      callId: callIdOf(at),
      sources: sources.all(),
      note: (sentence: string) => void notes.push(sentence),
      progress: input.progress,
      signal: within,
    }
    let byParley = false
    const run = async (): Promise<ToolResult> => {
      try {
        return await Promise.race([tool.run(args, call), rejectedBy(within)])
      } catch (thrown) {
        signal.throwIfAborted()
        if (deadline.aborted) throw thrown
        byParley = true
        if (thrown instanceof ToolFailure) return failure(thrown.message)
        if (thrown instanceof ParleyError) return failure(thrown.userMessage)
        log.warn({ turnId: input.call.turnId, tool: tool.name, ...errorFields(thrown) }, 'a tool failed')
        return failure(toolWording.failed(tool.name))
      }
    }
    const { outcome } = await traced(
      'parley:tool',
      { turnId: input.call.turnId, tool: tool.name },
      async (): Promise<{ outcome: Omit<Ran, 'ms'> }> => {
        try {
          if (verdict === undefined) return { outcome: ended(await run(), byParley) }
          const made = await verdict.make(run)
          if (made.kind === 'made') return { outcome: ended(made.result, byParley) }
          if (made.kind === 'denied')
            return { outcome: { result: failure(made.text), byParley: true, outcome: 'denied' } }
        } catch (thrown) {
          signal.throwIfAborted()
          if (!deadline.aborted) throw thrown
          if (verdict === undefined) return { outcome: ended(failure(toolWording.late(tool.name, tool.limitMs)), true) }
        }
        noteInterrupted(tool, args)
        log.warn(
          { turnId: input.call.turnId, tool: tool.name, call: id },
          'a call that changes something was interrupted',
        )
        const result = failure(toolWording.interruptedForModel(tool.name))
        return { outcome: { result, byParley: true, outcome: 'unknown' } }
      },
      ({ outcome: { result } }) => ({ outcome: result.failed === true ? 'failed' : 'done' }),
    )
    return { ...outcome, ms: Math.round(performance.now() - startedAt) }
  }

  const callIdOf = (at: number) => `${input.prefix}-${at + 1}`
  const noteInterrupted = (tool: Tool, args: Json) => void notes.push(toolWording.interrupted(describe(tool, args)))

  const plan = calls.map((call): PlannedCall | Answer => {
    const tool = tools.find(({ name }) => name === call.name)
    const args = parseArguments(call.arguments)
    const made = `${call.name} ${canonicalJson(args ?? call.arguments)}`
    // A tool that is unknown now may be found later, and is then called.
    const key = tool === undefined ? `? ${made}` : made
    const about = tool === undefined ? call.name : describe(tool, args)
    const base = { call, key, about, openWorld: tool?.openWorld === true }
    if (tool === undefined) return { ...base, answer: failure(toolWording.unknown(call.name, namesOf(tools))) }
    if (args === undefined) return { ...base, answer: failure(toolWording.notJson) }
    const before = known.get(key)
    if (before !== undefined || first.has(key)) return { ...base, repeats: before?.id ?? first.get(key) }
    if (left <= 0) return { ...base, answer: failure(toolWording.tooMany) }
    left -= 1
    first.set(key, call.id)
    return { ...base, tool, args }
  })
  const writes = plan.flatMap((each, at) => ('tool' in each && each.tool.effect === 'write' ? [{ each, at }] : []))
  const decided =
    writes.length === 0
      ? { verdicts: [], notes: [] }
      : await input.decide(
          writes.map(({ each: { tool, args }, at }) => ({
            tool,
            args,
            text: canonicalJson(args),
            callId: callIdOf(at),
          })),
        )
  notes.push(...decided.notes)
  const names = [...new Set(plan.flatMap((each) => ('tool' in each ? [each.about] : [])))]
  if (names.length > 0) input.progress(names.join('; '))
  const ran = await Promise.all(
    plan.map(async (each, at) =>
      'tool' in each && each.tool.effect === 'read' ? await places.run(signal, () => runOne(each, at)) : undefined,
    ),
  )
  for (const [n, { each, at }] of writes.entries()) ran[at] = await runOne(each, at, decided.verdicts[n])
  // Numbers are given in the order of the calls, whichever ended first.
  const results = plan.map((each, at): KeptResult => {
    const { call, key, about, openWorld } = each
    const base = { id: call.id, name: call.name, key, about, openWorld }
    const done = ran[at]
    if (done === undefined) {
      const { answer, repeats } = each as Answer
      const text = answer?.text ?? toolWording.repeated
      const outcome = repeats === undefined ? 'failed' : 'repeated'
      return { ...base, text, byParley: true, failed: answer !== undefined, outcome, ms: 0, excerpts: [] }
    }
    const { result, byParley, outcome, ms } = done
    const failed = result.failed === true
    const mostTokens = 'tool' in each ? each.tool.mostTokens : 0
    const text = shortened(result.text, mostTokens)
    const excerpts = fitting(result.excerpts ?? [], mostTokens - estimateTokens(text)).map((excerpt) =>
      kept(excerpt, sources, fresh),
    )
    const opens = result.opens === undefined ? undefined : [...result.opens]
    return { ...base, text, byParley, failed, outcome, ms, excerpts, opens }
  })
  return { sources: sources.all(), results, notes }
}

interface Ran {
  result: ToolResult
  /** The result's text is Parley's own. */
  byParley: boolean
  outcome: Exclude<KeptResult['outcome'], 'repeated'>
  ms: number
}

const ended = (result: ToolResult, byParley: boolean): Omit<Ran, 'ms'> => ({
  result,
  byParley,
  outcome: result.failed === true ? 'failed' : 'done',
})

interface AnyCall {
  call: ModelCall
  key: string
  about: string
  openWorld: boolean
}
interface PlannedCall extends AnyCall {
  tool: Tool
  args: Json
}
/** It is not run. */
interface Answer extends AnyCall {
  answer?: ToolResult
  repeats?: string | undefined
}

export function toolReceipts(results: readonly KeptResult[]): ToolReceipt[] {
  return results.map(({ name, about, outcome, ms }) => ({ name, about, outcome, ms }))
}

function failure(text: string): ToolResult {
  return { text, failed: true }
}

const namesOf = (tools: readonly Tool[]) => tools.map(({ name }) => name)

function parseArguments(text: string): Json | undefined {
  try {
    return Json.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** A tool of somebody else may not know what to say of arguments that make no sense. */
function describe(tool: Tool, args: Json | undefined): string {
  try {
    return tool.describe(args ?? {})
  } catch {
    return tool.name
  }
}

function rejectedBy(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** As many as fit, in the tool's order, which is best first. */
function fitting(excerpts: readonly ToolExcerpt[], room: number): ToolExcerpt[] {
  let left = room
  return excerpts.filter(({ tokens }) => {
    if (tokens > left) return false
    left -= tokens
    return true
  })
}

/** About four characters are a token. */
function shortened(text: string, mostTokens: number): string {
  if (estimateTokens(text) <= mostTokens) return text
  let end = mostTokens * 4
  while (end > 0 && estimateTokens(text.slice(0, end)) > mostTokens) end = Math.floor(end * 0.8)
  return `${text.slice(0, end).toWellFormed()}\n${toolWording.cut}`
}

function kept(excerpt: ToolExcerpt, sources: SourceRegistry, fresh: FreshTexts): KeptExcerpt {
  const { at, text, tokens, ref } = excerpt
  const { n } = sources.add(excerpt.source)
  if (ref === undefined) return { n, at, tokens, text }
  fresh.set(freshKey(ref), text)
  const { contentHash, engine, ordinal } = ref
  return { n, at, tokens, ref: { contentHash, engine, ordinal } }
}
