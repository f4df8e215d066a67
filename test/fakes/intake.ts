/** An intake that takes everything in and does nothing; a test says what is to be different. */
import { randomUUID } from 'node:crypto'
import type { Intake } from '../../src/core/platform.ts'

export function fakeIntake(own: Partial<Intake> = {}): Intake {
  return {
    receive: async () => ({ turnId: randomUUID(), kind: 'new' }),
    act: async () => ({}),
    command: async ({ text }) => ({ text: `You said: ${text}` }),
    suggest: async () => [],
    commands: [],
    revise: async () => ({ kind: 'unknown' }),
    takesPart: async () => false,
    ...own,
  }
}
