import { afterEach, expect, it } from 'vitest'
import {
  type Connection,
  type ConnectionDeps,
  connectionPauses,
  describeConnection,
  keepConnected,
  type OpenConnection,
  probed,
} from './connection.ts'
import { ParleyError } from './errors.ts'
import type { Log } from './log.ts'
import { type Clock, pauseAfter, sleep } from './retry.ts'

const refused = (userMessage: string, retryAfterMs?: number) =>
  new ParleyError('platform_rejected', userMessage, retryAfterMs === undefined ? {} : { retryAfterMs })

const open: Connection[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.stop()))
})

/** A server that answers as the test says, and a clock whose pauses end when the test lets them. */
function rig(more: Partial<ConnectionDeps> = {}) {
  const lines: string[] = []
  const pauses: number[] = []
  const next: (() => void)[] = []
  const waiting: (() => void)[] = []
  let at = 0
  let failure: unknown
  let lose: (reason: unknown) => void = () => undefined
  let closed = 0
  const line = (_fields: object, event: string) => void lines.push(event)
  const log: Log = { debug() {}, info: line, warn: line, error: line }
  const clock: Clock = {
    now: () => at,
    random: () => 0,
    sleep(ms, signal) {
      pauses.push(ms)
      for (const wake of waiting.splice(0)) wake()
      return new Promise((resolve) => {
        next.push(resolve)
        signal?.addEventListener('abort', () => resolve())
      })
    },
  }
  const connection = keepConnected({
    platform: 'test',
    name: 'line',
    log,
    clock,
    async open(): Promise<OpenConnection> {
      if (failure !== undefined) throw failure
      const lost = Promise.withResolvers<unknown>()
      lose = lost.resolve
      return {
        lost: lost.promise,
        async close() {
          closed += 1
        },
      }
    },
    ...more,
  })
  open.push(connection)
  return {
    connection,
    lines,
    pauses,
    closed: () => closed,
    state: () => connection.report().state,
    fail(with_: unknown) {
      failure = with_
    },
    lose: (reason: unknown) => lose(reason),
    pass(ms: number) {
      at += ms
    },
    /** Resolves when the next pause has begun. */
    async paused(before = pauses.length) {
      if (pauses.length <= before) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    /** Ends the pause and waits for the one after the next try. */
    async again() {
      const before = pauses.length
      next.shift()?.()
      if (pauses.length === before) await new Promise<void>((resolve) => waiting.push(resolve))
    },
    end: () => next.shift()?.(),
  }
}

it('is off, then connecting, then connected, then off again', async () => {
  const { connection, state, closed } = rig()
  expect(state().is).toBe('off')
  const started = connection.start()
  expect(state().is).toBe('connecting')
  await started
  expect(state().is).toBe('connected')
  await connection.stop()
  expect(state().is).toBe('off')
  expect(closed()).toBe(1)
})

it('tries for ever with growing pauses, keeps since when it is broken, and tells it once', async () => {
  const { connection, state, fail, again, pauses, lines } = rig()
  fail(refused('The token is revoked.'))
  await connection.start()
  const first = state()
  for (let tries = 1; tries < 12; tries += 1) await again()
  expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16_000, ...Array(6).fill(25_000)])
  expect(state()).toMatchObject({ is: 'waiting', since: first.since, code: 'platform_rejected' })
  expect(lines).toEqual(['not connected; Parley keeps trying'])
  fail(refused('Now the network is away.'))
  await again()
  expect(lines).toHaveLength(2)
})

it('waits as long as the provider asks', async () => {
  const { connection, fail, pauses } = rig()
  fail(refused('Too often.', 300_000))
  await connection.start()
  expect(pauses).toEqual([300_000])
})

it('reconnects after the fault is fixed, and starts its pauses over once the connection has lasted', async () => {
  const { connection, state, fail, again, end, lose, pass, paused, pauses, lines } = rig()
  fail(refused('Away.'))
  await connection.start()
  await again()
  fail(undefined)
  end()
  while (state().is !== 'connected') await sleep(1)
  expect(lines).toEqual(['not connected; Parley keeps trying', 'connected'])
  // Lost at once: it counts as another failure.
  lose(refused('Lost.'))
  await paused(2)
  end()
  while (state().is !== 'connected') await sleep(1)
  pass(connectionPauses.steadyMs)
  lose(refused('Lost.'))
  await paused(3)
  expect(pauses).toEqual([500, 1000, 2000, 500])
})

it('connects at once when the other side asks for a new connection, but not over and over', async () => {
  const { connection, lose, pass, paused, state, pauses, lines } = rig()
  await connection.start()
  const { since } = state()
  pass(connectionPauses.steadyMs)
  await sleep(2)
  lose(null)
  while (state().is !== 'connected' || state().since === since) await sleep(1)
  expect(pauses).toEqual([])
  lose(null)
  await paused(0)
  expect(pauses).toEqual([500])
  expect(lines).toEqual(['connected', 'connected', 'not connected; Parley keeps trying'])
})

it('gives up a try that takes too long, and closes what opens after that', async () => {
  const late = Promise.withResolvers<OpenConnection>()
  const closed = Promise.withResolvers<void>()
  const { connection, state } = rig({ open: () => late.promise, pauses: { openMs: 10 } })
  await connection.start()
  expect(state()).toMatchObject({ is: 'waiting', userMessage: expect.stringContaining('takes too long') })
  late.resolve({ lost: new Promise(() => undefined), close: async () => closed.resolve() })
  await closed.promise
})

it('stops in the middle of a try and of a pause', async () => {
  const hanging = rig({ open: () => new Promise(() => undefined) })
  const started = hanging.connection.start()
  await hanging.connection.stop()
  await started
  const pausing = rig()
  pausing.fail(refused('Away.'))
  await pausing.connection.start()
  await pausing.connection.stop()
  expect(pausing.state().is).toBe('off')
})

it('an unexpected error leaves the connection trying, and its text stays in the log', async () => {
  const { connection, state } = rig({ open: () => Promise.reject(new TypeError('secret inside')) })
  await connection.start()
  expect(describeConnection(state())).toMatch(/^not connected since .*log.*tries again at/)
  expect(describeConnection(state())).not.toContain('secret inside')
})

it('a connection without a wire is lost when it is asked and says no', async () => {
  let good = true
  const probe = async () => {
    if (!good) throw refused('Revoked.')
  }
  const opened = await probed(probe, { probeEveryMs: 1 })(new AbortController().signal)
  good = false
  expect(await opened.lost).toMatchObject({ userMessage: 'Revoked.' })
  await expect(probed(probe)(new AbortController().signal)).rejects.toThrow('Revoked')
})

it('the longest pause is shorter than a minute by the time that a try may take', () => {
  for (let failures = 1; failures < 100; failures += 1)
    expect(pauseAfter(failures, connectionPauses, undefined, 0) + connectionPauses.openMs).toBeLessThanOrEqual(50_000)
})
