/** The process that bullmq.crashes.ts kills in the middle of a job. */
import { silentLog } from '../core/log.ts'
import { createBullQueue } from './bullmq.ts'
import type { Handlers } from './queue.ts'

const queue = await createBullQueue(JSON.parse(process.argv[2] ?? ''), { log: silentLog, lockMs: 1_000 })
const forEver = new Promise<'done'>(() => {})
const handlers: Handlers = {
  turn: (_, { id }) => {
    process.stdout.write(`${id}\n`)
    return forEver
  },
  extract: () => forEver,
  search: () => forEver,
  learn: () => forEver,
  webhooks: () => forEver,
  embed: () => forEver,
  sweep: () => forEver,
}
await queue.process(handlers, { turn: 1 })
