/** The direct message with a person. */
import { z } from 'zod'
import type { Api, CallOptions } from './api.ts'

const Opened = z.object({ channel: z.object({ id: z.string() }) })

/** Its channel, opened if there is none yet. Throws `platform_*`. */
export async function directChannel(api: Api, user: string, options?: CallOptions): Promise<string> {
  return Opened.parse(await api.call('conversations.open', { users: user }, options)).channel.id
}
