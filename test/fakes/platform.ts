/** A platform in memory, with every ability to choose from. It passes the contract (platform.test.ts). */
import { Readable } from 'node:stream'
import { ParleyError } from '../../src/core/errors.ts'
import type { ReplyTarget } from '../../src/core/message.ts'
import type { Capabilities, Intake, MessageRef, OutgoingMessage, Platform } from '../../src/core/platform.ts'

export interface FakePlatform {
  platform: Platform
  /** Posted messages by key, in the order of their posts. */
  posted: Map<string, OutgoingMessage>
  /** Every call, in order: `post 0`, `edit 0: text`. */
  calls: string[]
  statuses: (string | null)[]
  /** The next calls throw these. */
  failures: Error[]
  files: Map<string, Buffer>
  intake(): Intake
}

export function createFakePlatform(abilities: Partial<Capabilities> = {}): FakePlatform {
  const posted = new Map<string, OutgoingMessage>()
  const calls: string[] = []
  const statuses: (string | null)[] = []
  const failures: Error[] = []
  const files = new Map<string, Buffer>()
  let taken: Intake | undefined

  const keyOf = (ref: MessageRef): string => String(ref)
  const attempt = (call: string) => {
    calls.push(call)
    const failure = failures.shift()
    if (failure) throw failure
  }
  const platform: Platform = {
    name: 'fake',
    capabilities: { streaming: 'edit', maxChars: 2000, minEditMs: 0, status: 'native', buttons: false, ...abilities },
    transport: {
      async post(_target, message, { key }) {
        attempt(`post ${key.slice(-1)}: ${message.text}`)
        posted.set(key, message)
        return key
      },
      async edit(_target, ref, message) {
        attempt(`edit ${keyOf(ref).slice(-1)}: ${message.text}`)
        posted.set(keyOf(ref), message)
      },
      async remove(_target, ref) {
        attempt(`remove ${keyOf(ref).slice(-1)}`)
        posted.delete(keyOf(ref))
      },
      async status(_target: ReplyTarget, _turnId, text) {
        statuses.push(text)
      },
    },
    files: {
      async fetch({ name, locator }) {
        const content = files.get(String(locator))
        if (content === undefined)
          throw new ParleyError('file_missing', `${name} is no longer here. Please share it again.`)
        return Readable.from([content])
      },
    },
    listen(intake) {
      taken = intake
      return { mounts: [], async start() {}, async stop() {} }
    },
  }
  const intake = () => {
    if (taken === undefined) throw new Error('nobody listens')
    return taken
  }
  return { platform, posted, calls, statuses, failures, files, intake }
}
