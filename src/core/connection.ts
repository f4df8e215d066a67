/**
 * Keeps a connection to a platform's servers, whatever they do: it opens it, waits until it is lost and opens it again, for
 * ever, with growing pauses. No failure leaves this file; what is wrong, since when, and what to do is in the state, which
 * health and doctor report. Listeners call it, one for each connection that they hold.
 */

import { connectionWording } from '../wording/connections.ts'
import { orAborted } from './abort.ts'
import { asParleyError, type ErrorCode, errorFields, ParleyError } from './errors.ts'
import type { Log } from './log.ts'
import { type Clock, type Delays, pauseAfter, sleep, systemClock } from './retry.ts'

export type ConnectionState =
  /** Not started, or stopped; `userMessage` says why where that is no wish of Parley's. */
  | { is: 'off'; since: Date; userMessage?: string | undefined }
  | { is: 'connecting'; since: Date }
  | { is: 'connected'; since: Date }
  /** Broken since then; the next try is at `until`. `userMessage` says what is wrong and what to do. */
  | { is: 'waiting'; since: Date; until: Date; code: ErrorCode; userMessage: string }

export interface ConnectionReport {
  /** Such as `gateway`. */
  name: string
  state: ConnectionState
}

export interface OpenConnection {
  /**
   * Resolves when the connection is gone, with the reason; with `null` when the other side asked for a new one, as servers do
   * before they are replaced. Never rejects.
   */
  lost: Promise<unknown>
  close(): Promise<void>
}

export interface ConnectionPauses extends Delays {
  /** How long one try to open may take. */
  openMs: number
  /** A connection that lasts this long starts the pauses over. */
  steadyMs: number
  /** How often a connection without a wire is asked whether it still works. */
  probeEveryMs: number
}

/**
 * After a provider recovers, Parley is connected within a minute: a try that began just before takes `openMs`, then comes the longest
 * pause. Only a provider that asks for a longer pause gets it.
 */
export const connectionPauses: ConnectionPauses = {
  firstMs: 500,
  mostMs: 25_000,
  openMs: 20_000,
  steadyMs: 10_000,
  probeEveryMs: 30_000,
}

export interface ConnectionDeps {
  platform: string
  name: string
  /** Opens the connection. The signal aborts when the try takes too long and when Parley stops. */
  open(signal: AbortSignal): Promise<OpenConnection>
  log: Log
  pauses?: Partial<ConnectionPauses> | undefined
  clock?: Clock
}

export interface Connection {
  /** Returns when the first try has ended, well or not. Never rejects. */
  start(): Promise<void>
  /** Returns when the connection is closed. */
  stop(): Promise<void>
  report(): ConnectionReport
}

/** A close that takes longer is left to itself. */
const closeMs = 5000

export function keepConnected(deps: ConnectionDeps): Connection {
  const { platform, name, open, log, clock = systemClock } = deps
  const pauses = { ...connectionPauses, ...deps.pauses }
  const stopping = new AbortController()
  const firstTry = Promise.withResolvers<void>()
  let state: ConnectionState = { is: 'off', since: new Date() }
  let running: Promise<void> | undefined

  async function run(): Promise<void> {
    state = { is: 'connecting', since: new Date() }
    for (let failures = 0; !stopping.signal.aborted; ) {
      const ended = await once(failures)
      firstTry.resolve()
      if (stopping.signal.aborted) break
      if (ended.steady) failures = 0
      if (ended.steady && ended.reason === null) {
        state = { is: 'connecting', since: new Date() }
        continue
      }
      failures += 1
      await wait(failures, asParleyError(ended.reason ?? closedSoon(), connectionWording.failed))
    }
    state = { is: 'off', since: new Date() }
  }

  /** One connection from its opening to its end. */
  async function once(failures: number): Promise<{ steady: boolean; reason: unknown }> {
    let opened: OpenConnection
    try {
      opened = await within(pauses.openMs)
    } catch (reason) {
      return { steady: false, reason }
    }
    const openedAt = clock.now()
    const awayMs = state.is === 'waiting' ? Date.now() - state.since.getTime() : undefined
    state = { is: 'connected', since: new Date() }
    log.info({ platform, connection: name, ...(awayMs !== undefined && { awayMs, failures }) }, 'connected')
    firstTry.resolve()
    const reason = await orAborted(opened.lost, stopping.signal).catch(() => undefined)
    await release(opened)
    return { steady: clock.now() - openedAt >= pauses.steadyMs, reason }
  }

  /** What opens too late is closed again. */
  async function within(ms: number): Promise<OpenConnection> {
    const tooLong = new AbortController()
    const signal = AbortSignal.any([stopping.signal, tooLong.signal])
    const timer = setTimeout(() => tooLong.abort(slow()), ms)
    const opening = open(signal)
    try {
      return await orAborted(opening, signal)
    } catch (reason) {
      void opening.then(release, () => undefined)
      throw reason
    } finally {
      clearTimeout(timer)
    }
  }

  async function release(opened: OpenConnection): Promise<void> {
    const closing = opened
      .close()
      .catch((error: unknown) => log.debug({ platform, connection: name, ...errorFields(error) }, 'close failed'))
    const timer = new AbortController()
    await Promise.race([closing, sleep(closeMs, timer.signal).catch(() => undefined)])
    timer.abort()
  }

  async function wait(failures: number, error: ParleyError): Promise<void> {
    const { code, userMessage } = error
    const ms = pauseAfter(failures, pauses, error.retryAfterMs, clock.random())
    // Logged once, not with each try.
    if (state.is !== 'waiting' || state.userMessage !== userMessage)
      log.warn({ platform, connection: name, ...errorFields(error) }, 'not connected; Parley keeps trying')
    const since = state.is === 'waiting' ? state.since : new Date()
    state = { is: 'waiting', since, until: new Date(Date.now() + ms), code, userMessage }
    await clock.sleep(ms, stopping.signal).catch(() => undefined)
  }

  return {
    async start() {
      running ??= run()
      await firstTry.promise
    },
    async stop() {
      stopping.abort()
      firstTry.resolve()
      await running
    },
    report: () => ({ name, state }),
  }
}

/**
 * A connection without a wire, such as a token that a provider takes: it is there as long as `probe` succeeds, which is asked
 * from time to time.
 */
export function probed(
  probe: (signal: AbortSignal) => Promise<unknown>,
  pauses: Partial<ConnectionPauses> = {},
): ConnectionDeps['open'] {
  const { probeEveryMs, openMs } = { ...connectionPauses, ...pauses }
  return async (signal) => {
    await probe(signal)
    const closing = new AbortController()
    async function watch(): Promise<never> {
      for (;;) {
        await sleep(probeEveryMs, closing.signal)
        await probe(AbortSignal.any([closing.signal, AbortSignal.timeout(openMs)]))
      }
    }
    return {
      lost: watch().catch((reason: unknown) => reason),
      async close() {
        closing.abort()
      },
    }
  }
}

/** For health and doctor: one sentence. */
export function describeConnection(state: ConnectionState): string {
  switch (state.is) {
    case 'connected':
      return connectionWording.connected(state.since)
    case 'connecting':
      return connectionWording.connecting(state.since)
    case 'waiting':
      return connectionWording.waiting(state.since, state.userMessage, state.until)
    case 'off':
      return state.userMessage ?? connectionWording.off
  }
}

const slow = () => new ParleyError('platform_unreachable', connectionWording.slow)
const closedSoon = () => new ParleyError('platform_unreachable', connectionWording.closedAtOnce)
