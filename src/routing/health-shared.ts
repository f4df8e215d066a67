/** Shares a model's health between processes over the channel: a late or lost message costs one failed call. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { errorCodes } from '../core/errors.ts'
import type { Channel } from '../queue/channel.ts'
import type { Health } from './health.ts'

export const healthTopic = 'model-health'

const News = z.object({
  from: z.string(),
  provider: z.string().min(1).max(100),
  model: z.string().min(1).max(300).nullable(),
  state: z.enum(['closed', 'open', 'probing']),
  /** Durations travel, moments do not: clocks differ. */
  forMs: z.number().nonnegative(),
  code: z.enum(Object.keys(errorCodes) as [keyof typeof errorCodes]).nullable(),
  userMessage: z.string().max(1_000).nullable(),
})

/** Returns the end of the sharing. */
export async function shareHealth(health: Health, channel: Channel): Promise<() => Promise<void>> {
  const from = randomUUID()
  health.onChange((news) => channel.publish(healthTopic, { from, ...news }))
  return await channel.subscribe(healthTopic, (message) => {
    const news = News.safeParse(message)
    if (news.success && news.data.from !== from) health.record(news.data)
  })
}
