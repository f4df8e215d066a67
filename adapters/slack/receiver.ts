/**
 * Both entrances of Bolt, with the acknowledgement held back until the work is committed: signed HTTP on the shared port,
 * and Socket Mode. What throws is not acknowledged, so Slack delivers it again.
 */
import { createHmac } from 'node:crypto'
import {
  type App,
  HTTPReceiver,
  type Installation as OAuthInstallation,
  type Receiver,
  SocketModeReceiver,
} from '@slack/bolt'
import { z } from 'zod'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Mount, Route } from '../../src/core/http.ts'
import type { Log } from '../../src/core/log.ts'
import type { Installations } from './installations.ts'
import { boltLogger } from './logger.ts'
import { botScopes, eventsPath, installPath, redirectPath, type SlackSettings } from './settings.ts'

export interface Entrance {
  receiver: Receiver
  mounts: Mount[]
  start(): Promise<void>
  stop(): Promise<void>
}

export interface EntranceDeps {
  settings: SlackSettings
  installations: Installations
  log: Log
}

/** What Slack sends is small; a message has at most 40,000 characters. */
const bodyLimit = 2_000_000
/** Slack's own advice. */
const timelySeconds = 300

export function createEntrance({ settings, installations, log }: EntranceDeps): Entrance {
  const { signingSecret, appToken } = settings
  const http = signingSecret === undefined ? undefined : httpEntrance(signingSecret, { settings, installations, log })
  const socket = appToken === undefined ? undefined : socketEntrance(appToken, settings, log)
  return {
    receiver: {
      init(app) {
        http?.init(app)
        socket?.init(app)
      },
      async start() {},
      async stop() {},
    },
    mounts: http === undefined ? [] : [mountOf(http, settings.oauth !== undefined)],
    async start() {
      await socket?.start()
    },
    async stop() {
      await socket?.stop()
    },
  }
}

/** Bolt wants Node's own objects, and takes a body that has been read as `rawBody`. */
function mountOf(http: HTTPReceiver, installable: boolean): Mount {
  const hand = ({ env, get }: HttpContext): undefined => {
    http.requestListener(Object.assign(env.incoming, { rawBody: get('body') }), env.outgoing)
  }
  const events: Route = {
    method: 'POST',
    path: eventsPath,
    access: ['platform'],
    body: { maxBytes: bodyLimit },
    handle(context) {
      const stamp = context.env.incoming.headers['x-slack-request-timestamp']
      if (stamp !== undefined && !isTimely(String(stamp)))
        throw new ParleyError('credentials_missing', 'The time of this request is not that of its signature.')
      return hand(context)
    },
  }
  const install = [installPath, redirectPath].map(
    (path): Route => ({ method: 'GET', path, access: ['platform'], handle: hand }),
  )
  return { prefix: '/slack', routes: installable ? [events, ...install] : [events] }
}

/** Bolt refuses what is old, but takes a time that is none, or one yet to come. */
function isTimely(stamp: string): boolean {
  return /^\d{1,12}$/.test(stamp) && Math.abs(Date.now() / 1000 - Number(stamp)) <= timelySeconds
}

function httpEntrance(signingSecret: string, { settings, installations, log }: EntranceDeps): HTTPReceiver {
  const { oauth, publicUrl, apiUrl } = settings
  return new HTTPReceiver({
    ...{ signingSecret, bodyLimit, endpoints: [eventsPath], processBeforeResponse: true, logger: boltLogger(log) },
    ...(oauth && {
      ...oauth,
      // The same in every gateway and after a restart, and nothing that anybody else can know.
      stateSecret: createHmac('sha256', oauth.clientSecret).update('parley-slack-install').digest('hex'),
      scopes: botScopes,
      ...(publicUrl && { redirectUri: new URL(redirectPath, publicUrl).href }),
      installerOptions: {
        ...{ directInstall: true, installPath, redirectUriPath: redirectPath },
        ...(apiUrl && {
          clientOptions: { slackApiUrl: apiUrl },
          authorizationUrl: new URL('/oauth/v2/authorize', apiUrl).href,
        }),
        ...(publicUrl?.startsWith('http://') && { legacyStateVerification: true }),
      },
      installationStore: {
        async storeInstallation(installation) {
          await installations.save(installationOf(installation))
        },
        async fetchInstallation() {
          throw new Error('tokens are looked up by installations.ts')
        },
        async deleteInstallation({ teamId, enterpriseId }) {
          await installations.remove(teamId, enterpriseId)
        },
      },
    }),
  })
}

function installationOf(given: OAuthInstallation) {
  const { bot } = given
  if (bot === undefined) throw new Error('an installation without a bot')
  const enterpriseId = given.isEnterpriseInstall || given.team === undefined ? given.enterprise?.id : undefined
  return {
    ...{ token: bot.token, botId: bot.id, botUserId: bot.userId, scopes: bot.scopes },
    ...(given.team && { teamId: given.team.id }),
    ...(given.team?.name && { name: given.team.name }),
    ...(enterpriseId && { enterpriseId }),
  }
}

const SocketEvent = z.object({
  ack: z.custom<(response?: unknown) => Promise<void>>((value) => typeof value === 'function'),
  body: z.record(z.string(), z.unknown()),
  retry_num: z.number().optional(),
  retry_reason: z.string().optional(),
})

/** Bolt acknowledges socket events before its listeners run; here the answer waits for them. */
function socketEntrance(appToken: string, { apiUrl }: SlackSettings, log: Log) {
  const receiver = new SocketModeReceiver({
    ...{ appToken, logger: boltLogger(log) },
    ...(apiUrl && { installerOptions: { clientOptions: { slackApiUrl: apiUrl } } }),
  })
  const running = new Set<Promise<void>>()
  async function take(given: unknown, app: App): Promise<void> {
    const { ack, body, retry_num: retryNum, retry_reason: retryReason } = SocketEvent.parse(given)
    let held: { response: unknown } | undefined
    try {
      await app.processEvent({
        body,
        ...(retryNum === undefined ? {} : { retryNum }),
        ...(retryReason === undefined ? {} : { retryReason }),
        async ack(response: unknown) {
          held ??= { response }
        },
      })
      if (held) await ack(held.response)
    } catch (error) {
      log.warn(errorFields(error), 'a Slack event was not taken in; Slack will deliver it again')
    }
  }
  return {
    init(app: App) {
      receiver.client.on('slack_event', (given: unknown) => {
        const work = take(given, app)
        running.add(work)
        void work.finally(() => running.delete(work))
      })
    },
    start: () => receiver.client.start(),
    async stop() {
      await Promise.allSettled(running)
      await receiver.client.disconnect()
    },
  }
}
