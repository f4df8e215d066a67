/**
 * Shows what happens before an answer starts: "Reading report.pdf, page 120 of 200". Beside the conversation where the
 * platform can, otherwise as the reply's first message, which the answer then takes over.
 */

import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { ReplyTarget } from '../core/message.ts'
import type { MessageRef, Platform } from '../core/platform.ts'
import type { StoredPart } from '../store/turns.ts'
import { progressWording } from '../wording/answers.ts'
import { createThrottle, type Throttle } from './throttle.ts'

export interface ProgressDeps {
  platform(name: string): Pick<Platform, 'transport' | 'capabilities'>
  store: {
    reservePart(turnId: string, ordinal: number): Promise<boolean>
    savePart(turnId: string, part: { ordinal: number; ref: MessageRef; text: string }): Promise<void>
    parts(turnId: string): Promise<StoredPart[]>
  }
  log: Log
}

export interface ProgressOf {
  turnId: string
  platform: string
  target: ReplyTarget
}

export interface Progress {
  /** Opens a line for one piece of work. Several lines of one turn are shown together. */
  open(turn: ProgressOf, text: string): ProgressLine
}

export interface ProgressLine {
  update(text: string): void
  /** Returns when nothing more of it is on its way to the platform: only then may the answer be written. */
  close(): Promise<void>
}

/** A native status may change often; it costs a message on no platform. */
const nativeEveryMs = 200

export function createProgress({ platform, store, log }: ProgressDeps): Progress {
  const turns = new Map<string, { lines: Map<symbol, string>; throttle: Throttle }>()

  function start(turn: ProgressOf) {
    const lines = new Map<symbol, string>()
    const { transport, capabilities } = platform(turn.platform)
    const native = capabilities.status === 'native'
    let shown = ''
    const throttle = createThrottle(
      () => (native ? nativeEveryMs : capabilities.minEditMs),
      async () => {
        const text = describeLines([...lines.values()])
        if (text === '' || text === shown) return
        shown = text
        try {
          if (native) await transport.status(turn.target, turn.turnId, text, 'reading')
          else await showAsMessage(turn, text)
        } catch (error) {
          // Progress is a courtesy: the work goes on without it.
          log.warn({ ...errorFields(error), turnId: turn.turnId }, 'progress not shown')
        }
      },
    )
    return { lines, throttle }
  }

  async function showAsMessage({ turnId, target, platform: name }: ProgressOf, text: string): Promise<void> {
    const { transport } = platform(name)
    const message = {
      turnId,
      text: progressWording.inMessage(text),
      phase: 'streaming' as const,
      citations: [],
      progress: text,
    }
    const signal = AbortSignal.timeout(10_000)
    if (await store.reservePart(turnId, 0)) {
      const ref = await transport.post(target, message, { key: `${turnId}-0`, signal })
      await store.savePart(turnId, { ordinal: 0, ref, text: '' })
      return
    }
    const [first] = await store.parts(turnId)
    // Without a ref another worker is posting at this moment.
    if (first?.ref != null) await transport.edit(target, first.ref, message, { signal })
  }

  return {
    open(turn, text) {
      const entry = turns.get(turn.turnId) ?? start(turn)
      turns.set(turn.turnId, entry)
      const line = Symbol('line')
      const update = (next: string) => {
        entry.lines.set(line, next)
        entry.throttle.wake()
      }
      update(text)
      return {
        update,
        async close() {
          entry.lines.delete(line)
          if (entry.lines.size > 0) return entry.throttle.wake()
          turns.delete(turn.turnId)
          await entry.throttle.end()
        },
      }
    },
  }
}

/** The first line in full, the others by their number. */
export function describeLines(lines: string[]): string {
  const [first, ...others] = lines
  if (first === undefined) return ''
  if (others.length === 0) return first
  return progressWording.andMore(first, others.length)
}
