/**
 * Embeds what is shared, in batches and in the background: new passages for the model in use, and all of them for a new model, which is
 * put into use when nearly all have their vector. Only one process does it at a time; after a crash another one goes on.
 */
import { asParleyError, errorFields, ParleyError } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Spender } from '../core/scope.ts'
import type { MeteredEmbeddings } from './embedder.ts'
import type { EmbeddingRows, KnownModel, MissingPassage } from './embeddings.ts'

export interface EmbeddingFiller {
  /** Embeds what is missing until nothing is, the time is up or the server fails. Whether more is left. */
  run(signal: AbortSignal): Promise<boolean>
}

const batch = 32
/** Together with the batch, this bounds what one request holds. */
const mostCharacters = 60_000
/** A model that takes less than this of a text is none for passages. */
const leastCharacters = 400
const requestMs = 120_000
const leaseMs = 10_000
const renewMs = 3_000
const runMs = 60_000
/** The background is measured again while it rests on few vectors. */
const enoughMeasured = 200

export function createEmbeddingFiller(deps: {
  server: MeteredEmbeddings
  rows: EmbeddingRows
  /** The model that was configured; absent: the best that the server has. */
  model: string | undefined
  /** Places whose content must not leave the network. */
  localOnlyPlaces(): Promise<string[]>
  spender: Spender
  /** This process, in leases. */
  owner: string
  log: Log
}): EmbeddingFiller {
  const { server, rows, spender, owner, log } = deps
  let wanted = false
  let running: Promise<boolean> | undefined
  /** Passages that the server refuses, whatever is left of them. */
  const refused = new Set<string>()

  /** Once in the life of a process: what another one has configured since is its own to want. */
  async function want(signal: AbortSignal): Promise<void> {
    if (wanted) return
    const model = deps.model ?? (await server.list(signal))[0]
    if (model === undefined) return
    const { vectors } = await embed(model, ['Parley'], signal)
    await rows.want({ provider: server.provider, model, width: vectors[0]?.length ?? 0 })
    wanted = true
  }

  function embed(model: string, texts: string[], signal: AbortSignal) {
    const within = AbortSignal.any([signal, AbortSignal.timeout(requestMs)])
    return server.embed({ model, texts, as: 'passage', signal: within, spender })
  }

  /** What the server refuses as a whole is sent in parts, and one text in less and less of it. */
  async function embedAll(
    model: string,
    passages: readonly MissingPassage[],
    signal: AbortSignal,
  ): Promise<{ passage: MissingPassage; vector: Float32Array }[]> {
    try {
      const { vectors } = await embed(
        model,
        passages.map(({ text }) => text),
        signal,
      )
      return passages.flatMap((passage, at) => {
        const vector = vectors[at]
        return vector === undefined ? [] : [{ passage, vector }]
      })
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown
      const half = Math.ceil(passages.length / 2)
      const [first] = passages
      if (passages.length > 1)
        return [
          ...(await embedAll(model, passages.slice(0, half), signal)),
          ...(await embedAll(model, passages.slice(half), signal)),
        ]
      if (first === undefined) return []
      const shorter = first.text.slice(0, Math.floor(first.text.length / 2))
      if (shorter.length >= leastCharacters) return await embedAll(model, [{ ...first, text: shorter }], signal)
      refused.add(nameOf(first))
      log.warn({ model, ...errorFields(thrown) }, 'a passage cannot be embedded')
      return []
    }
  }

  /** Whether something is left. */
  async function fill(model: KnownModel, signal: AbortSignal): Promise<boolean> {
    if (!(await rows.claim(model.id, owner, leaseMs))) return false
    const timer = setInterval(() => void rows.claim(model.id, owner, leaseMs).catch(() => {}), renewMs)
    try {
      const until = performance.now() + runMs
      const notIn = (await server.isLocal(model.model)) ? [] : await deps.localOnlyPlaces()
      let after: MissingPassage | undefined
      let embedded = 0
      while (!signal.aborted) {
        const found = await rows.missing(model.id, { after, notIn, limit: batch })
        after = found.at(-1)
        if (after === undefined) break
        for (const part of parts(found.filter((passage) => !refused.has(nameOf(passage))))) {
          const done = await embedAll(model.model, part, signal)
          if (done.length > 0) await rows.save(model.id, done)
          embedded += done.length
        }
        if (performance.now() > until) return true
      }
      if (embedded > 0) log.info({ model: model.model, passages: embedded }, 'passages embedded')
      if (signal.aborted) return true
      if (model.backgroundSize < enoughMeasured && (embedded > 0 || model.background === undefined))
        await rows.measure(model.id)
      if (model.state === 'filling' && (await rows.activate(model.id, notIn)))
        log.info({ model: model.model, provider: model.provider }, 'questions are compared by this model from now on')
      return false
    } finally {
      clearInterval(timer)
      await rows.release(model.id, owner).catch(() => {})
    }
  }

  async function runOnce(signal: AbortSignal): Promise<boolean> {
    let more = false
    let failure: unknown
    // A model that the server does not have keeps no other one from its work.
    await want(signal).catch((thrown: unknown) => {
      failure = thrown
    })
    for (const model of (await rows.models()).filter(({ provider }) => provider === server.provider)) {
      try {
        more = (await fill(model, signal)) || more
      } catch (thrown) {
        failure ??= thrown
      }
    }
    await rows.dropOld()
    if (failure !== undefined && !signal.aborted)
      log.warn(errorFields(asParleyError(failure)), 'passages not embedded; tried again soon')
    return more
  }

  return {
    run(signal) {
      running ??= runOnce(signal).finally(() => {
        running = undefined
      })
      return running
    },
  }
}

const nameOf = ({ contentHash, engine, ordinal, version }: MissingPassage) =>
  `${contentHash} ${engine} ${ordinal} ${version}`

function isRefusal(thrown: unknown): boolean {
  if (!(thrown instanceof ParleyError)) return false
  const status = thrown.cause instanceof Error && 'status' in thrown.cause ? thrown.cause.status : undefined
  // Not 404: there is no such model.
  return thrown.code === 'model_context_overflow' || (thrown.code === 'model_rejected_request' && status !== 404)
}

function parts(passages: readonly MissingPassage[]): MissingPassage[][] {
  const found: MissingPassage[][] = []
  let room = 0
  for (const passage of passages) {
    if (passage.text.length > room) {
      found.push([])
      room = mostCharacters
    }
    room -= passage.text.length
    found.at(-1)?.push(passage)
  }
  return found
}
