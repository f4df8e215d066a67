/**
 * What connects processes: jobs, live text, stops, and what they announce: changed settings and model health. Part of the
 * composition root.
 */
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import { listenForStops } from '../intake/stop.ts'
import type { Closing } from '../ops/closing.ts'
import { createBullQueue } from '../queue/bullmq.ts'
import { createLocalChannel } from '../queue/channel.ts'
import { createRelayChannel } from '../queue/channel-relay.ts'
import { createHealth } from '../routing/health.ts'
import { shareHealth } from '../routing/health-shared.ts'
import { createSettings } from '../store/settings.ts'
import type { State } from './services.ts'

export async function openMessaging(
  config: Config,
  { connection, alone, database }: State,
  opening: Closing,
  log: Log,
) {
  const server =
    config.redisUrl === undefined
      ? ({ kind: 'postgres', config: connection } as const)
      : ({ kind: 'redis', url: config.redisUrl } as const)
  const queue = await createBullQueue(server, { log })
  opening.defer('queue', () => queue.close())
  const channel = alone ? createLocalChannel() : createRelayChannel(server, { log })
  opening.defer('channel', () => channel.close())
  const stops = await listenForStops(channel)
  opening.defer('stops', () => stops.close())
  const settings = await createSettings({ database, channel, log })
  opening.defer('settings', () => settings.close())
  const health = createHealth()
  opening.defer('health of models', await shareHealth(health, channel))
  return { queue, channel, stops, settings, health }
}
