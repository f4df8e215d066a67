/**
 * Which models can be asked now, learnt from every call: a circuit for each model and one for each provider, and how fast
 * each model was. In memory; health-shared.ts shares it between processes.
 */
import { monotonic } from '../core/clock.ts'
import { ParleyError } from '../core/errors.ts'
import { causeOf, deliveryOf } from '../models/delivery.ts'
import type { Fastest } from '../store/ledger.ts'
import { modelErrorWording } from '../wording/models.ts'
import { healthWording } from '../wording/routing.ts'
import { type Circuit, type CircuitLimits, type CircuitState, circuitLimits, createCircuit } from './circuit.ts'

export interface Endpoint {
  provider: string
  id: string
}

/** How a call ended, as far as it says something about the endpoint. */
export type CallOutcome =
  /** It answered: refusals, too long questions and rejected requests are answers as well. */
  | {
      kind: 'answered'
      ms: number
      firstTokenMs?: number | undefined
      outputTokens?: number | undefined
      /** Tokens a second, where its provider counted enough of them. */
      fastest?: number | undefined
    }
  | { kind: 'failed'; error: ParleyError }
  /** Somebody stopped it. */
  | { kind: 'stopped' }

/** A call that may be made; it must be ended, whatever becomes of it. */
export interface Permit {
  end(outcome: CallOutcome): void
}

export interface Speed {
  firstTokenMs: number
  tokensPerSecond: number | null
}

export interface EndpointHealth {
  provider: string
  /** `null`: the provider as a whole. */
  model: string | null
  state: CircuitState
  /** Why it is not asked, as the end of "… because it". */
  because: string | null
  /** Milliseconds until it is asked again. */
  againInMs: number | null
  /** Within the last minute. */
  calls: number
  failures: number
  speed: Speed | null
}

/** What another process may want to know. */
export interface HealthNews {
  provider: string
  model: string | null
  state: CircuitState
  forMs: number
  code: ParleyError['code'] | null
  userMessage: string | null
}

export interface Health {
  /** Why it cannot be asked now, as the end of "… because it"; `undefined` when it can. */
  because(endpoint: Endpoint): string | undefined
  /** Before a call. Throws what made the model fail before while it is not to be asked; `retryAfterMs` is when to try again. */
  begin(endpoint: Endpoint): Permit
  speed(endpoint: Endpoint): Speed | undefined
  /** The highest speed that was measured, however long ago: a bound, where `speed` is what to expect. */
  fastest(endpoint: Endpoint): Fastest | undefined
  /** What was measured before this process started. */
  remember(endpoint: Endpoint, measured: Fastest): void
  /** Those that are in trouble first, then by provider and name. */
  list(): EndpointHealth[]
  /** Called with every change. One listener. */
  onChange(userMessage: (news: HealthNews) => void): void
  record(news: HealthNews): void
}

export interface HealthOptions {
  limits?: Partial<CircuitLimits>
  now?: () => number
  random?: () => number
}

interface Watched {
  provider: string
  model: string | null
  circuit: Circuit
  /** What opened it. */
  error: { code: ParleyError['code']; userMessage: string } | undefined
}

interface InTheWay {
  of: Watched
  forMs: number
  state: CircuitState
}

/** The weight of the newest call in an average of speeds. */
const NEWEST = 0.3
/** A speed that was measured longer ago is not known any more: a model that was slow once gets another chance. */
const SPEED_MS = 900_000
/**
 * If no other model can answer, a question is tried again this soon, so that it fails after a few tries, not after a
 * cool-down. A pause that a busy server asks for is not shortened: a turn that cannot wait that long fails at once.
 */
const MOST_WAIT_MS = 5_000
/** More endpoints than this are not watched: the oldest is forgotten. */
const MOST = 2_000

export function createHealth({ limits = {}, now = monotonic, random = Math.random }: HealthOptions = {}): Health {
  const watched = new Map<string, Watched>()
  const speeds = new Map<string, Speed & { at: number }>()
  const fastest = new Map<string, Fastest>()
  let publishToOthers: (news: HealthNews) => void = () => {}

  function watch(provider: string, model: string | null): Watched {
    const key = keyOf(provider, model)
    const known = watched.get(key)
    if (known !== undefined) return known
    const circuit = createCircuit({ ...circuitLimits, ...limits }, random)
    const fresh = { provider, model, circuit, error: undefined }
    watched.set(key, fresh)
    const oldest = watched.size > MOST ? watched.keys().next().value : undefined
    if (oldest !== undefined) watched.delete(oldest)
    return fresh
  }

  function inTheWay(endpoint: Endpoint): InTheWay | undefined {
    return closedTo(watched.get(keyOf(endpoint.provider, null))) ?? closedTo(watched.get(keyOfEndpoint(endpoint)))
  }

  function closedTo(of: Watched | undefined): InTheWay | undefined {
    const closed = of?.circuit.closedTo(now)
    return of === undefined || closed === undefined ? undefined : { of, ...closed }
  }

  function publish({ provider, model, error }: Watched, state: CircuitState, forMs: number): void {
    publishToOthers({
      provider,
      model,
      state,
      forMs,
      code: error?.code ?? null,
      userMessage: error?.userMessage ?? null,
    })
  }

  function settle(of: Watched, pass: ReturnType<Circuit['enter']>, outcome: CallOutcome): void {
    if (outcome.kind === 'stopped') {
      of.circuit.unknown(pass)
    } else if (outcome.kind === 'failed' && (of.model === null) === isOfProvider(outcome.error)) {
      const { error } = outcome
      const opened = of.circuit.failed(pass, waiting(error), now())
      if (opened === undefined) return
      of.error = { code: error.code, userMessage: error.userMessage }
      publish(of, 'open', opened)
    } else if (outcome.kind === 'failed' && of.model !== null) {
      // The provider's trouble is not this model's.
      of.circuit.unknown(pass)
    } else if (of.circuit.succeeded(pass, now())) {
      publish(of, 'closed', 0)
    }
  }

  return {
    because(endpoint) {
      const found = inTheWay(endpoint)
      return found === undefined ? undefined : because(found.of, found.state, found.forMs)
    },

    begin(endpoint) {
      const found = inTheWay(endpoint)
      if (found !== undefined) throw stillFailing(endpoint, found.of, found.forMs)
      const passes = [watch(endpoint.provider, null), watch(endpoint.provider, endpoint.id)].map((of) => {
        const pass = of.circuit.enter(now())
        if (pass.probe) publish(of, 'probing', circuitLimits.probeMs)
        return { of, pass }
      })
      let ended = false
      return {
        end(outcome) {
          if (ended) return
          ended = true
          const meaning = meaningOf(outcome)
          for (const { of, pass } of passes) settle(of, pass, meaning)
          if (outcome.kind === 'answered') learn(keyOf(endpoint.provider, endpoint.id), outcome)
          if (outcome.kind === 'answered' && outcome.fastest !== undefined)
            learnFastest(endpoint, { tokensPerSecond: outcome.fastest, calls: 1 })
        },
      }
    },

    speed: (endpoint) => speedOf(keyOfEndpoint(endpoint)),

    fastest: ({ provider, id }) => fastest.get(keyOf(provider, id)),
    remember: learnFastest,

    list() {
      const rank = { open: 0, probing: 1, closed: 2 }
      return [...watched.values()]
        .map(({ circuit, ...of }) => {
          const { provider, model } = of
          const closed = circuit.closedTo(now)
          return {
            provider,
            model,
            state: circuit.state(now()),
            ...circuit.recent(now()),
            because: closed === undefined ? null : because({ ...of, circuit }, closed.state, closed.forMs),
            againInMs: closed?.forMs ?? null,
            speed: (model === null ? undefined : speedOf(keyOf(provider, model))) ?? null,
          }
        })
        .sort(
          (a, b) =>
            rank[a.state] - rank[b.state] || `${a.provider}/${a.model}`.localeCompare(`${b.provider}/${b.model}`),
        )
    },

    onChange(listener) {
      publishToOthers = listener
    },

    record({ provider, model, state, forMs, code, userMessage }) {
      const of = watch(provider, model)
      if (code !== null && userMessage !== null) of.error = { code, userMessage }
      of.circuit.record({ state, forMs }, now())
    },
  }

  function speedOf(key: string): Speed | undefined {
    const known = speeds.get(key)
    if (known === undefined || known.at < now() - SPEED_MS) return undefined
    return { firstTokenMs: known.firstTokenMs, tokensPerSecond: known.tokensPerSecond }
  }

  function learnFastest({ provider, id }: Endpoint, { tokensPerSecond, calls }: Fastest): void {
    const key = keyOf(provider, id)
    const before = fastest.get(key) ?? { tokensPerSecond: 0, calls: 0 }
    fastest.set(key, {
      tokensPerSecond: Math.max(before.tokensPerSecond, tokensPerSecond),
      calls: before.calls + calls,
    })
    const oldest = fastest.size > MOST ? fastest.keys().next().value : undefined
    if (oldest !== undefined) fastest.delete(oldest)
  }

  function learn(key: string, { ms, firstTokenMs, outputTokens }: CallOutcome & { kind: 'answered' }): void {
    if (firstTokenMs === undefined) return
    const before = speedOf(key)
    const streamed = (ms - firstTokenMs) / 1_000
    // The pace of a handful of tokens is the network's, not the model's.
    const speedNote = outputTokens !== undefined && outputTokens >= 8 && streamed > 0 ? outputTokens / streamed : null
    speeds.set(key, {
      at: now(),
      firstTokenMs: averaged(before?.firstTokenMs, firstTokenMs),
      tokensPerSecond:
        speedNote === null ? (before?.tokensPerSecond ?? null) : averaged(before?.tokensPerSecond, speedNote),
    })
  }
}

function averaged(before: number | null | undefined, newest: number): number {
  return before === undefined || before === null ? newest : before + NEWEST * (newest - before)
}

/** The router asks for those of all models, for each question; a string that is made anew must be hashed anew. */
const keys = new WeakMap<Endpoint, string>()

function keyOfEndpoint(endpoint: Endpoint): string {
  const known = keys.get(endpoint)
  if (known !== undefined) return known
  const key = keyOf(endpoint.provider, endpoint.id)
  keys.set(endpoint, key)
  return key
}

function keyOf(provider: string, model: string | null): string {
  return model === null ? provider : `${provider}\0${model}`
}

/** Requests that no server would take, and questions that are too long, were answered as they deserve. */
function meaningOf(outcome: CallOutcome): CallOutcome {
  if (outcome.kind !== 'failed') return outcome
  const { code } = outcome.error
  const answered = code === 'model_rejected_request' || code === 'model_context_overflow' || code === 'model_filtered'
  return answered ? { kind: 'answered', ms: 0 } : outcome
}

/** A server that is not there, or that does not take the key, is so for all of its models. */
function isOfProvider(error: ParleyError): boolean {
  if (error.code === 'model_refused_key') return causeOf(error).status !== 403
  return error.code === 'model_unreachable' && deliveryOf(error) === 'nowhere'
}

function waiting({ code, retryAfterMs }: ParleyError): { forMs?: number } {
  return code === 'model_busy' && retryAfterMs !== undefined ? { forMs: retryAfterMs } : {}
}

function stillFailing({ id }: Endpoint, { error }: Watched, forMs: number): ParleyError {
  const { code, userMessage } = error ?? {
    code: 'model_unreachable' as const,
    userMessage: modelErrorWording.failedRecently(id),
  }
  const most = code === 'model_busy' ? Number.POSITIVE_INFINITY : MOST_WAIT_MS
  return new ParleyError(code, userMessage, { retryAfterMs: Math.min(most, Math.ceil(forMs)) })
}

function because({ error }: Watched, state: CircuitState, forMs: number): string {
  const what = reasons[error?.code ?? ''] ?? healthWording.failed
  return state === 'probing' ? healthWording.tryingNow(what) : healthWording.nextTry(what, forMs)
}

const reasons: Partial<Record<string, string>> = healthWording.reasons
