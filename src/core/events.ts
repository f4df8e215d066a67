/**
 * What happens in Parley, for measurements: tracing channels of `node:diagnostics_channel`. Each thing that takes time
 * publishes `start`, then `error` where it failed, then `asyncEnd`, each with the same object, as Node's own channels do; what
 * subscribes can so keep its span beside that object, and find its parent in an AsyncLocalStorage bound to `start`.
 * Events hold ids, names of models and steps, durations and counts; never a text, a file's name or an error's message.
 */
import { tracingChannel } from 'node:diagnostics_channel'

/** What is known at the start, and what the end adds. */
export interface Events {
  'parley:turn': {
    start: { turnId: string; platform: string; attempt: number }
    /** `lost`: another worker has taken it over. `waiting`: it goes on when people have decided. */
    end: { state: 'done' | 'stopped' | 'failed' | 'lost' | 'waiting' }
  }
  'parley:step': {
    start: { turnId: string; n: number; step: string }
    /** `resumed`: an earlier run had done it, nothing was done again. */
    end: { resumed: boolean }
  }
  'parley:retrieval': {
    start: { turnId: string; retriever: string }
    end: { found: number; late: boolean }
  }
  /** One call that a model asked for. */
  'parley:tool': {
    start: { turnId: string; tool: string }
    end: { outcome: 'done' | 'failed' }
  }
  /** One run of a job; `later` and `parked` run again. */
  'parley:job': {
    start: { queue: string; name: string; id: string; attempt: number }
    end: { outcome: 'done' | 'later' | 'parked' }
  }
  'parley:model': {
    start: { turnId: string | undefined; provider: string; model: string; attempt: number }
    end: { finish: string; firstTokenMs: number | undefined; inputTokens: number; outputTokens: number }
  }
}

export type EventName = keyof Events

/** Whatever is published: complete after `asyncEnd`, but for what a failure left out. */
export type PublishedEvent<Name extends EventName> = Events[Name]['start'] &
  Partial<Events[Name]['end']> & { durationMs?: number; errorCode?: string }

export interface Span<Name extends EventName> {
  /** Again is no harm: the first end counts. */
  end(result: Events[Name]['end']): void
  fail(errorCode: string): void
}

const channels = {
  'parley:turn': tracingChannel<object>('parley:turn'),
  'parley:step': tracingChannel<object>('parley:step'),
  'parley:retrieval': tracingChannel<object>('parley:retrieval'),
  'parley:tool': tracingChannel<object>('parley:tool'),
  'parley:job': tracingChannel<object>('parley:job'),
  'parley:model': tracingChannel<object>('parley:model'),
} as const satisfies Record<EventName, unknown>

/** For what is not one promise: an async generator that may be left at any place. */
export function startSpan<Name extends EventName>(name: Name, start: Events[Name]['start']): Span<Name> {
  const event = { ...start }
  channels[name].start.publish(event)
  return spanOf(name, event)
}

/** Runs `work` within the event: its result tells what the end adds, and an error its code. */
export async function traced<Name extends EventName, Result>(
  name: Name,
  start: Events[Name]['start'],
  work: () => Promise<Result>,
  endOf: (result: Result) => Events[Name]['end'],
): Promise<Result> {
  const event = { ...start }
  // Also publishes: stores that are bound to the channel hold for everything that `work` does.
  return await channels[name].start.runStores(event, async () => {
    const span = spanOf(name, event)
    try {
      const result = await work()
      span.end(endOf(result))
      return result
    } catch (thrown) {
      span.fail(codeOf(thrown))
      throw thrown
    }
  })
}

function spanOf<Name extends EventName>(name: Name, event: object): Span<Name> {
  const startedAt = performance.now()
  const { error, asyncEnd } = channels[name]
  let over = false
  const close = (more: object, failed: boolean) => {
    if (over) return
    over = true
    Object.assign(event, more, { durationMs: performance.now() - startedAt })
    if (failed) error.publish(event)
    asyncEnd.publish(event)
  }
  return { end: (result) => close(result, false), fail: (errorCode) => close({ errorCode }, true) }
}

/** A ParleyError's, Node's or the platform's own; never a message, which may hold what people wrote. */
function codeOf(thrown: unknown): string {
  if (thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string') return thrown.code
  return thrown instanceof Error ? thrown.name : 'unknown'
}
