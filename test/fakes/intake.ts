/** An intake that takes everything in and does nothing; a test says what is to be different. */
import { randomUUID } from 'node:crypto'
import { judge } from '../../src/core/addressing.ts'
import type { Intake } from '../../src/core/platform.ts'

export function fakeIntake(own: Partial<Intake> = {}): Intake {
  return {
    receive: async () => ({ turnId: randomUUID(), kind: 'new' }),
    act: async () => ({}),
    command: async ({ text }) => ({ text: `You said: ${text}` }),
    suggest: async () => [],
    commands: [],
    revise: async () => ({ kind: 'unknown' }),
    concerns: async (message) => judge(message, { participates: false, asked: false, followUps: 'always' }),
    withdraw: async () => 0,
    placeChanged: async () => {},
    filesPosted: async () => {},
    ...own,
  }
}
