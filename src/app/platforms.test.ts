import { expect, it } from 'vitest'
import { fakeIntake } from '../../test/fakes/intake.ts'
import { createFakePlatform } from '../../test/fakes/platform.ts'
import { silentLog } from '../core/log.ts'
import type { Listener, Platform } from '../core/platform.ts'
import { listenOn } from './platforms.ts'

function platform(name: string, own: Partial<Listener> = {}): Platform & { started(): boolean; stopped(): boolean } {
  let [started, stopped] = [false, false]
  const listener: Listener = {
    mounts: [],
    connections: () => [{ name: 'line', state: { is: 'connected', since: new Date() } }],
    async start() {
      started = true
    },
    async stop() {
      stopped = true
    },
    ...own,
  }
  const { platform: fake } = createFakePlatform()
  return { ...fake, name, listen: () => listener, started: () => started, stopped: () => stopped }
}

it('a platform that cannot be loaded is reported, and the others still start and stop', async () => {
  const good = platform('good')
  const thrower = platform('thrower', {
    start: () => Promise.reject(new TypeError('a defect')),
    stop: () => Promise.reject(new TypeError('another')),
  })
  const deaf = {
    ...platform('deaf'),
    listen: () => {
      throw new TypeError('no listener')
    },
  }
  const failed = [{ platform: 'gone', thrown: new Error('Cannot find module') }]
  const connections = listenOn({ all: [thrower, deaf, good], failed }, fakeIntake(), silentLog)
  await connections.start()
  expect(good.started()).toBe(true)
  const off = connections.report().filter(({ state }) => state.is === 'off')
  expect(off.map(({ platform: name }) => name).sort()).toEqual(['deaf', 'gone', 'thrower'])
  expect(off.every(({ state }) => state.is === 'off' && state.userMessage?.includes('log'))).toBe(true)
  await connections.stop()
  expect(good.stopped()).toBe(true)
})
