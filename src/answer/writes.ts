/**
 * Calls that change something, on their way through people: planned → asked about → decided → made once. What is stored of each
 * (src/store/tool-calls.ts) decides; a worker that comes later goes on from there.
 */
import { createHash, randomUUID } from 'node:crypto'
import { z } from 'zod'
import { Json } from '../core/json.ts'
import type { Approvers, ToolCalls, WriteCall } from '../store/tool-calls.ts'
import type { TurnWork } from '../store/turns.ts'
import { mostArgumentCharacters, showArguments } from '../tools/show-arguments.ts'
import type { Tool, ToolResult } from '../tools/tool.ts'
import { toolWording, type UntrustedReason } from '../wording/tools.ts'
import { LeaseLost } from './steps.ts'

/** Shows people what a model wants to change. Implemented in src/intake/tool-approvals.ts. */
export interface WriteRequests {
  /** The same request twice is one. `nobody`: there is no place where a person could decide. */
  show(request: WriteRequest): Promise<'shown' | 'nobody'>
}

export interface WriteRequest {
  id: string
  tool: string
  server: string | undefined
  approvers: Approvers
  /** The arguments, for people. */
  shown: string
  /** Something in them could not be seen and is marked. */
  marked: boolean
  untrusted: readonly UntrustedReason[]
  work: Pick<TurnWork, 'id' | 'platform' | 'replyTarget' | 'messages'>
}

/** How long people have. */
export const decideWithinMs = 15 * 60_000

/** The turn goes on when people have decided: its worker gives it back. */
export class WaitsForPeople extends Error {
  constructor() {
    super('the turn waits until people have decided')
    this.name = 'WaitsForPeople'
  }
}

export interface PlannedWriteCall {
  tool: Tool
  args: Json
  /** In canonical form. */
  text: string
  callId: string
}

/** What is to be done of a call: made by `run`, or answered with a sentence for the model. */
export type Verdict =
  | { kind: 'refused'; text: string; outcome: 'denied' | 'unknown' | 'failed' }
  | { kind: 'approved'; make(run: () => Promise<ToolResult>): Promise<Made> }

export type Made = { kind: 'made'; result: ToolResult } | { kind: 'unknown' } | { kind: 'denied'; text: string }

const StoredResult = z.object({
  text: z.string(),
  failed: z.boolean().optional(),
  excerpts: z.array(z.any()).optional(),
})

export interface WritesDeps {
  calls: ToolCalls
  requests: WriteRequests
}

export interface Writes {
  /** A verdict for each call. Throws WaitsForPeople while somebody has to decide. */
  decide(calls: readonly PlannedWriteCall[], untrusted: readonly UntrustedReason[]): Promise<Verdict[]>
}

/** Of one run of a turn. */
export function createWrites(
  { calls, requests }: WritesDeps,
  { work, owner, approvers }: { work: WriteRequest['work']; owner: string; approvers: Approvers },
): Writes {
  const run = randomUUID()

  async function show(call: WriteCall, { tool, args }: PlannedWriteCall, untrusted: readonly UntrustedReason[]) {
    const { server } = tool
    const request = { id: call.id, tool: tool.name, server, approvers: call.approvers, untrusted, work }
    return await requests.show({ ...request, ...showArguments(args) })
  }

  return {
    async decide(planned, untrusted) {
      const short = planned.filter(({ text }) => text.length <= mostArgumentCharacters)
      const rows = await calls.plan(
        work.id,
        short.map(({ tool, text, callId }) => ({
          id: randomUUID(),
          callId,
          server: tool.server,
          tool: tool.name,
          arguments: text,
          argsHash: sha256(text),
          definitionHash: definitionHash(tool),
          approvers,
          standing: tool.standing === true && untrusted.length === 0,
        })),
      )
      const each = short.map((call, at) => ({ call, row: rows[at] as WriteCall }))
      const changed = each.filter(({ call, row }) => isOpen(row) && row.definitionHash !== definitionHash(call.tool))
      const overdue = each.filter(({ row }) => row.state === 'overdue')
      await closeAll([...changed, ...overdue], 'expired')
      const gone = new Set(changed.map(({ row }) => row.id))
      const nobody: typeof each = []
      const shown: typeof each = []
      for (const one of each) {
        if (one.row.state !== 'planned' || gone.has(one.row.id)) continue
        const to = (await show(one.row, one.call, untrusted)) === 'shown' ? shown : nobody
        to.push(one)
      }
      await closeAll(nobody, 'denied')
      if (shown.length > 0)
        await calls.asked(
          shown.map(({ row }) => row.id),
          decideWithinMs,
        )
      if (shown.length > 0 || each.some(({ row }) => row.state === 'waiting' && !gone.has(row.id)))
        throw new WaitsForPeople()
      const unasked = new Set(nobody.map(({ row }) => row.id))
      return planned.map((call): Verdict => {
        const row = each.find((one) => one.call === call)?.row
        if (row === undefined)
          return { kind: 'refused', text: toolWording.tooLong(mostArgumentCharacters), outcome: 'failed' }
        if (gone.has(row.id)) return { kind: 'refused', text: toolWording.changed, outcome: 'denied' }
        if (unasked.has(row.id)) return { kind: 'refused', text: toolWording.nobodyToAsk, outcome: 'denied' }
        return verdictOf(row, call)
      })
    },
  }

  async function closeAll(all: readonly { row: WriteCall }[], state: 'denied' | 'expired'): Promise<void> {
    if (all.length === 0) return
    await calls.close(
      all.map(({ row }) => row.id),
      state,
    )
  }

  function verdictOf(row: WriteCall, { tool }: PlannedWriteCall): Verdict {
    switch (row.state) {
      case 'denied':
        return { kind: 'refused', text: toolWording.denied, outcome: 'denied' }
      case 'overdue':
      case 'expired':
        return { kind: 'refused', text: toolWording.overdue, outcome: 'denied' }
      case 'unknown':
        return { kind: 'refused', text: toolWording.interruptedForModel(tool.name), outcome: 'unknown' }
      default:
        return { kind: 'approved', make: (work) => make(row, tool, work) }
    }
  }

  /** Marked as running before it runs. Found running, it was interrupted and is not repeated. */
  async function make({ id }: WriteCall, tool: Tool, work: () => Promise<ToolResult>): Promise<Made> {
    const begun = await calls.begin(id, { owner, definitionHash: definitionHash(tool), run })
    if (begun === 'lost') throw new LeaseLost()
    if (begun !== 'begun') {
      if (begun.state === 'unknown') return { kind: 'unknown' }
      const stored = begun.state === 'done' ? StoredResult.safeParse(begun.result) : undefined
      if (stored?.success === true) return { kind: 'made', result: stored.data as ToolResult }
      return begun.state === 'done' ? { kind: 'unknown' } : { kind: 'denied', text: toolWording.overdue }
    }
    try {
      const result = await work()
      await calls.end(id, run, Json.parse(JSON.parse(JSON.stringify(result))))
      return { kind: 'made', result }
    } catch (thrown) {
      await calls.end(id, run, undefined)
      throw thrown
    }
  }
}

const isOpen = ({ state }: WriteCall) => ['planned', 'waiting', 'overdue', 'approved'].includes(state)

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Of everything that a tool's server says of it: another one is another tool. */
export function definitionHash({ name, server, description, schema, effect }: Tool): string {
  return sha256(JSON.stringify([server ?? null, name, description, schema, effect]))
}
