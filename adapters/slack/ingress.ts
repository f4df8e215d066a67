/**
 * How Slack's events arrive: signed HTTP on the shared port, or Socket Mode. An event is acknowledged only after it is
 * committed; if that fails, Slack delivers it again.
 */
import { createHmac } from 'node:crypto'
import {
  type App,
  HTTPReceiver,
  isValidSlackRequest,
  type Installation as OAuthInstallation,
  type Receiver,
  SocketModeReceiver,
} from '@slack/bolt'
import { z } from 'zod'
import {
  type Connection,
  type ConnectionPauses,
  keepConnected,
  type OpenConnection,
} from '../../src/core/connection.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { HttpContext, Mount, Route } from '../../src/core/http.ts'
import type { Log } from '../../src/core/log.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { installationPages } from './installation-pages.ts'
import type { Installations } from './installations.ts'
import { boltLogger, slackCode, translate } from './sdk.ts'
import { botScopes, eventsPath, installPath, platformName, redirectPath, type SlackSettings } from './settings.ts'

export interface Ingress {
  receiver: Receiver
  mounts: Mount[]
  /** The Socket Mode connection; absent when events arrive over HTTP only. */
  socket: Connection | undefined
  /** Resolves when all events in progress are committed. */
  settled(): Promise<unknown>
}

export interface IngressDeps {
  settings: SlackSettings
  installations: Installations
  log: Log
  pauses?: Partial<ConnectionPauses> | undefined
}

/** Slack's events are small; a message has at most 40,000 characters. */
const bodyLimit = 2_000_000
/** As Slack recommends: https://docs.slack.dev/authentication/verifying-requests-from-slack */
const timelySeconds = 300

export function createIngress({ settings, installations, log, pauses }: IngressDeps): Ingress {
  const { signingSecret, appToken } = settings
  const http = signingSecret === undefined ? undefined : httpIngress(signingSecret, { settings, installations, log })
  const socket = appToken === undefined ? undefined : socketIngress(appToken, settings, log, pauses)
  return {
    receiver: {
      init(app) {
        http?.init(app)
        socket?.init(app)
      },
      async start() {},
      async stop() {},
    },
    mounts: http === undefined ? [] : [mountOf(http, signingSecret ?? '', settings.oauth !== undefined, log)],
    socket: socket?.connection,
    settled: async () => await socket?.settled(),
  }
}

/** Bolt expects Node's request and response, and an already read body in `rawBody`. */
function mountOf(http: HTTPReceiver, signingSecret: string, installable: boolean, log: Log): Mount {
  const forward = ({ env, get }: HttpContext): undefined => {
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
        throw new ParleyError('credentials_missing', slackWording.errors.badTimestamp)
      if (toldOfLimit(context, signingSecret, log)) return context.body(null, 200)
      return forward(context)
    },
  }
  const install = [installPath, redirectPath].map(
    (path): Route => ({ method: 'GET', path, access: ['platform'], handle: forward }),
  )
  return { prefix: '/slack', routes: installable ? [events, ...install] : [events] }
}

/** Bolt does not know this notice: https://docs.slack.dev/reference/events/app_rate_limited */
const RateLimited = z.object({ type: z.literal('app_rate_limited'), team_id: z.string() })

/** Slack holds events back because there are too many. There is nothing to do but to tell the operators. */
function toldOfLimit({ env, get }: HttpContext, signingSecret: string, log: Log): boolean {
  const body = String(get('body'))
  if (!body.includes('app_rate_limited')) return false
  const { 'x-slack-signature': signature, 'x-slack-request-timestamp': stamp } = env.incoming.headers
  const headers = { 'x-slack-signature': String(signature), 'x-slack-request-timestamp': Number(stamp) }
  if (!isValidSlackRequest({ signingSecret, body, headers })) return false
  const limited = RateLimited.safeParse(asJson(body))
  if (!limited.success) return false
  log.warn({ workspace: limited.data.team_id }, 'Slack delivers only some of the events: more than 30,000 in an hour')
  return true
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Bolt refuses old timestamps, but accepts malformed and future ones. */
function isTimely(stamp: string): boolean {
  return /^\d{1,12}$/.test(stamp) && Math.abs(Date.now() / 1000 - Number(stamp)) <= timelySeconds
}

function httpIngress(signingSecret: string, { settings, installations, log }: IngressDeps): HTTPReceiver {
  const { oauth, publicUrl, apiUrl } = settings
  return new HTTPReceiver({
    signingSecret,
    bodyLimit,
    endpoints: [eventsPath],
    processBeforeResponse: true,
    logger: boltLogger(log),
    ...(oauth && {
      ...oauth,
      // Secret, yet the same in every gateway and after a restart.
      stateSecret: createHmac('sha256', oauth.clientSecret).update('parley-slack-install').digest('hex'),
      scopes: botScopes,
      ...(publicUrl && { redirectUri: new URL(redirectPath, publicUrl).href }),
      installerOptions: {
        directInstall: true,
        installPath,
        redirectUriPath: redirectPath,
        callbackOptions: installationPages(log),
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
    token: bot.token,
    botId: bot.id,
    botUserId: bot.userId,
    scopes: bot.scopes,
    teamId: given.team?.id,
    name: given.team?.name,
    enterpriseId,
    refreshToken: bot.refreshToken,
    expiresAt: bot.expiresAt,
  }
}

const SocketEvent = z.object({
  ack: z.custom<(response?: unknown) => Promise<void>>((value) => typeof value === 'function'),
  body: z.record(z.string(), z.unknown()),
  retry_num: z.number().optional(),
  retry_reason: z.string().optional(),
})

/** The timeout of a request for a socket's address. */
const requestMs = 10_000

/**
 * Bolt acknowledges socket events before its listeners run; here the acknowledgement waits for them. Each connection is a new
 * client that does not reconnect: the client's own loop stops for good at a refused token, with an unhandled rejection
 * (https://github.com/slackapi/node-slack-sdk/blob/main/packages/socket-mode/src/SocketModeClient.ts).
 */
function socketIngress(
  appToken: string,
  { apiUrl }: SlackSettings,
  log: Log,
  pauses: Partial<ConnectionPauses> | undefined,
) {
  const running = new Set<Promise<void>>()
  let app: App | undefined

  async function take(given: unknown): Promise<void> {
    const { ack, body, retry_num: retryNum, retry_reason: retryReason } = SocketEvent.parse(given)
    let held: { response: unknown } | undefined
    try {
      await app?.processEvent({
        body,
        ...omitUndefined({ retryNum, retryReason }),
        async ack(response: unknown) {
          held ??= { response }
        },
      })
      if (held) await ack(held.response)
    } catch (error) {
      log.warn(errorFields(error), 'a Slack event was not committed; Slack will deliver it again')
    }
  }

  async function open(signal: AbortSignal): Promise<OpenConnection> {
    const { client } = new SocketModeReceiver({
      appToken,
      logger: boltLogger(log),
      autoReconnectEnabled: false,
      installerOptions: {
        clientOptions: {
          retryConfig: { retries: 0 },
          rejectRateLimitedCalls: true,
          timeout: requestMs,
          ...omitUndefined({ slackApiUrl: apiUrl }),
        },
      },
    })
    client.on('slack_event', (given: unknown) => {
      const work = take(given)
      running.add(work)
      void work.finally(() => running.delete(work))
    })
    const lost = Promise.withResolvers<ParleyError | null>()
    client.on('ws_message', (data: unknown) => {
      // Slack replaces its servers every few hours and announces it.
      if (typeof data === 'string' && /^\s*\{\s*"type"\s*:\s*"disconnect"/.test(data)) lost.resolve(null)
    })
    client.on('disconnected', () => lost.resolve(socketClosed()))
    const leave = () => void client.disconnect()
    signal.addEventListener('abort', leave, { once: true })
    try {
      await client.start()
    } catch (thrown) {
      throw openingError(thrown)
    } finally {
      signal.removeEventListener('abort', leave)
    }
    return { lost: lost.promise, close: async () => await client.disconnect() }
  }

  return {
    init(given: App) {
      app = given
    },
    connection: keepConnected({ platform: platformName, name: 'Socket Mode', open, log, pauses }),
    settled: () => Promise.allSettled(running),
  }
}

const socketClosed = (cause?: unknown) =>
  new ParleyError('platform_unreachable', slackWording.errors.socketClosed, { cause })

/** An error of `apps.connections.open`; `undefined` is thrown when the socket itself fails. */
function openingError(thrown: unknown): ParleyError {
  if (thrown === undefined) return socketClosed()
  const error = translate(thrown, 'apps.connections.open')
  const code = slackCode(error)
  return code === undefined
    ? error
    : new ParleyError('platform_rejected', slackWording.errors.socketRefused(code), { cause: error })
}
