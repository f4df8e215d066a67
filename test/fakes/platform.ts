/** A platform in memory, with every ability to choose from. It passes the contract (platform.test.ts). */
import { Readable } from 'node:stream'
import type { Notice, OutgoingFile } from '../../src/core/command.ts'
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
  /** What models thought, as it was shown: all of it each time. */
  thoughts: string[]
  /** Files added to replies, by key. */
  attached: Map<string, OutgoingFile>
  /** What was said outside of replies, by key. */
  notices: Map<string, Notice>
  /** What the asker alone was told, by key. */
  told: Map<string, Notice>
  /** The next calls throw these; `null` lets one pass. */
  failures: (Error | null)[]
  files: Map<string, Buffer>
  intake(): Intake
}

export function createFakePlatform(abilities: Partial<Capabilities> = {}): FakePlatform {
  const posted = new Map<string, OutgoingMessage>()
  const calls: string[] = []
  const statuses: (string | null)[] = []
  const thoughts: string[] = []
  const attached = new Map<string, OutgoingFile>()
  const notices = new Map<string, Notice>()
  const told = new Map<string, Notice>()
  const failures: (Error | null)[] = []
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
        const key = keyOf(ref)
        attempt(`remove ${attached.has(key) ? 'file' : key.slice(-1)}`)
        posted.delete(key)
        attached.delete(key)
      },
      async attach(_target, _turnId, file, { key }) {
        attempt(`attach ${file.name}`)
        attached.set(key, file)
        return key
      },
      async tellAsker(_target, notice, { key }) {
        attempt(`tell: ${notice.text}`)
        told.set(key, notice)
      },
      async notify(_target, notice, { key }) {
        attempt(`notify: ${notice.text}`)
        notices.set(key, notice)
      },
      async think(_target, _turnId, all) {
        thoughts.push(all)
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
      return { mounts: [], async start() {}, async stop() {}, connections: () => [] }
    },
  }
  const intake = () => {
    if (taken === undefined) throw new Error('nobody listens')
    return taken
  }
  return { platform, posted, calls, statuses, thoughts, attached, notices, told, failures, files, intake }
}
