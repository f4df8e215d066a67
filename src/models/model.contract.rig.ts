/** What the law of ModelProvider is played with: scenes for a stand-in of the server, and what a request said to it. */
import { expect, type TestContext } from 'vitest'
import { ParleyError } from '../core/errors.ts'
import type { Usage } from '../core/reply.ts'
import type { ModelEvent, ModelProvider, ModelRequest, Part } from './model.ts'

export interface Scene {
  tokens?: string[]
  reasoning?: string[]
  /** Sent in this order before the end; `[]` for a server that tells none. */
  usages?: SceneUsage[]
  /** Tool calls after the tokens; `arguments` is sent in pieces where the dialect has pieces. */
  calls?: { id: string; name: string; arguments: string }[]
  /** Ends the answer early, after so many tokens. */
  cut?: { after: number; how: 'stall' | 'reset' | 'end' }
  /** Cuts the bytes on the wire into pieces of this size. */
  splitBytes?: number
  headersAfterMs?: number
  everyMs?: number
  finish?: 'stop' | 'length' | 'filter' | 'refusal'
  /** After the tokens, the server's own account of a failure, in a stream that began well. */
  failure?: 'overloaded'
  refuse?: 'key' | 'busy' | 'broken' | 'malformed' | 'unknownModel' | 'overflow'
  /** With `busy`: seconds in Retry-After. */
  retryAfterS?: number
}

/** In Parley's terms: the input includes what was cached, the output what was thought. */
export interface SceneUsage {
  input: number
  output: number
  cacheRead?: number
  cacheWrite?: number
  reasoning?: number
}

/** What a request said, read from its body as the server of its dialect reads it. */
export interface SentRequest {
  /** Everything of the request that the model reads, as one text. */
  text: string
  maxOutputTokens: number | undefined
  temperature: number | undefined
  images: Uint8Array[]
  tools: { name: string; description: string; schema: unknown }[]
  /** Calls and results of the conversation; dialects that know calls by name alone have the name for an id. */
  calls: { id: string; name: string; arguments: unknown }[]
  results: { id: string; text: string }[]
  closed: Promise<'finished' | 'aborted'>
}

export interface ModelRig extends AsyncDisposable {
  /** With an idle timer of at most 400 ms, and pauses between tries of a few milliseconds. */
  provider: ModelProvider
  model: string
  /** The key that the provider sends. */
  secret: string
  /** Request number `index`, as soon as it has arrived. */
  sent(index: number): Promise<SentRequest>
  /** How many requests have arrived. */
  count(): number
  /** Closes the server, so that connecting fails. */
  goAway(): Promise<void>
}

/** Thrown by a rig whose server cannot play a scene; the test is skipped with the reason. */
export class Unplayable extends Error {}

export type PlayRig = (context: TestContext, scenes: Scene[]) => Promise<ModelRig>

/** A rig, or the law skipped. */
export function playing(rig: (scenes: Scene[]) => Promise<ModelRig>): PlayRig {
  return async (context, scenes) => {
    try {
      return await rig(scenes)
    } catch (thrown) {
      if (thrown instanceof Unplayable) context.skip(thrown.message)
      throw thrown
    }
  }
}

export const never = new AbortController().signal

export function ask(at: { model: string }, ...before: Part[]): ModelRequest {
  const parts: Part[] = [...before, { type: 'text', text: 'What is the notice period?' }]
  return { model: at.model, system: 'Be brief.', messages: [{ role: 'user', parts }], maxOutputTokens: 100 }
}

export async function collect(stream: AsyncIterable<ModelEvent>): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of stream) events.push(event)
  return events
}

export async function failure(
  stream: AsyncIterable<ModelEvent>,
): Promise<{ error: ParleyError; events: ModelEvent[] }> {
  const events: ModelEvent[] = []
  try {
    for await (const event of stream) events.push(event)
  } catch (thrown) {
    if (thrown instanceof ParleyError) return { error: thrown, events }
    throw thrown
  }
  throw new Error(`the stream did not fail: ${JSON.stringify(events.at(-1))}`)
}

export function textOf(events: ModelEvent[]): string {
  return events.map((event) => (event.type === 'text' ? event.delta : '')).join('')
}

export function lastUsage(events: ModelEvent[]): Usage | undefined {
  const last = events.findLast((event) => event.type === 'usage')
  return last?.type === 'usage' ? last.usage : undefined
}

/** Fails, rather than hangs, when something that has to be prompt is not. */
export async function soon<T>(promise: Promise<T>): Promise<T> {
  const late = new Promise<never>((_, reject) =>
    setTimeout(() => reject(new Error('not within two seconds')), 2_000).unref(),
  )
  return await Promise.race([promise, late])
}

/** What went wrong and, in a second sentence, what to do; and no secret, there or for the log. */
export function expectSafeMessage(error: ParleyError, at: ModelRig): void {
  expect(error.userMessage).toMatch(/^[^\n]+\. [A-Z][^\n]+\.$/)
  const all = `${error.message} ${error.cause instanceof Error ? `${error.cause.message} ${error.cause.stack}` : ''}`
  expect(all).not.toContain(at.secret)
}
