/** A receipt for tests, complete but for what a test cares about. */
import type { Receipt } from '../../src/core/reply.ts'

export const receipt: Receipt = {
  model: 'm',
  provider: 'test',
  reason: 'It is the only one.',
  attachments: [],
  costNanoUsd: null,
  ms: { queued: 1, firstText: 2, total: 3 },
  attempts: 1,
  notices: [],
}
