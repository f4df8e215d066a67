/** Setup: the app manifest that an admin pastes into Slack, and the checks of `parley doctor slack`. */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { asParleyError, ParleyError } from '../../src/core/errors.ts'
import { type Log, silentLog } from '../../src/core/log.ts'
import { omitUndefined } from '../../src/core/omit-undefined.ts'
import type { Quota } from '../../src/core/platform-state.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { type Api, createApi } from './api.ts'
import { SlackFile } from './events.ts'
import {
  askShortcut,
  botEvents,
  botScopes,
  eventsPath,
  installPath,
  redirectPath,
  type Scope,
  type SlackSettings,
  scopes,
} from './settings.ts'

export interface Finding {
  name: string
  ok: boolean
  /** One sentence, plus the next step if the check failed. */
  userMessage: string
}

export interface Setup {
  manifest(): object
  examine(): Promise<Finding[]>
}

/** The command line makes few calls, so it needs no rate limits. */
const unlimited: Quota = { take: async () => 0, hold: async () => undefined }
const waitMs = 10_000
const { doctor } = slackWording

const Identity = z.object({
  team: z.string(),
  team_id: z.string(),
  user: z.string(),
  response_metadata: z.object({ scopes: z.array(z.string()) }).optional(),
})
const Channels = z.object({ channels: z.array(z.object({ name: z.string().nullish() })) })
const Listed = z.object({ files: z.array(SlackFile) })

export function createSetup(settings: SlackSettings, log: Log = silentLog): Setup {
  const { botToken, appToken, signingSecret, publicUrl, oauth } = settings
  const apiOf = (token: string): Api =>
    createApi(token, 'doctor', { quota: unlimited, log, apiUrl: settings.apiUrl ? settings.apiUrl : undefined })
  const call = (api: Api, method: string, args: Record<string, unknown> = {}) =>
    api.call(method, args, { signal: AbortSignal.timeout(waitMs) })

  async function examineToken(token: string): Promise<Finding[]> {
    const api = apiOf(token)
    const identity = await find('token', async () => {
      const found = Identity.parse(await call(api, 'auth.test'))
      return { finding: { ok: true, userMessage: doctor.connectedAs(found.user, found.team, found.team_id) }, found }
    })
    if (identity.found === undefined) return [identity.finding]
    const granted = identity.found.response_metadata?.scopes
    const [channels, files] = await Promise.all([
      find('channels', () => inChannels(api)),
      find('files', () => oneFile(api)),
    ])
    return [identity.finding, scopesOf(granted), channels.finding, files.finding]
  }

  function scopesOf(granted: string[] | undefined): Finding {
    if (granted === undefined) return { name: 'scopes', ok: true, userMessage: doctor.scopesUnknown }
    const wanted = Object.keys(scopes) as Scope[]
    const missing = wanted.filter((scope) => !granted.includes(scope))
    const list = missing.map((scope) => `${scope} (${scopes[scope]})`).join(', ')
    const userMessage = missing.length === 0 ? doctor.scopesGranted(wanted.length) : doctor.scopesMissing(list)
    return { name: 'scopes', ok: missing.length === 0, userMessage }
  }

  async function inChannels(api: Api) {
    const args = { types: 'public_channel,private_channel', exclude_archived: true, limit: 200 }
    const { channels } = Channels.parse(await call(api, 'users.conversations', args))
    const names = channels.slice(0, 5).flatMap(({ name }) => (name ? [`#${name}`] : []))
    const userMessage = channels.length === 0 ? doctor.noChannels : doctor.channels(channels.length, names)
    return { finding: { ok: channels.length > 0, userMessage }, found: undefined }
  }

  /** The scope is not enough: the download must return the file, not Slack's login page. */
  async function oneFile(api: Api) {
    const { files } = Listed.parse(await call(api, 'files.list', { count: 1 }))
    const [file] = files
    const url = file?.url_private_download ?? file?.url_private
    if (!url || file?.is_external) return { finding: { ok: true, userMessage: doctor.filesUntested }, found: undefined }
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${api.token}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(waitMs),
    })
    await response.body?.cancel()
    const page =
      response.headers.get('content-type')?.startsWith('text/html') === true && file?.mimetype !== 'text/html'
    const ok = response.ok && !page
    const userMessage = ok ? doctor.filesReadable : doctor.filesLoginPage
    return { finding: { ok, userMessage }, found: undefined }
  }

  async function examineSocket(token: string): Promise<Finding> {
    const { finding } = await find('Socket Mode', async () => {
      await call(apiOf(token), 'apps.connections.open')
      return { finding: { ok: true, userMessage: doctor.socketAccepted }, found: undefined }
    })
    return finding.ok ? finding : { ...finding, userMessage: `${finding.userMessage} ${doctor.socketAdvice}` }
  }

  /** The same check that Slack runs when the request URL is saved. */
  async function examineAddress(secret: string): Promise<Finding> {
    const name = 'request URL'
    if (publicUrl === undefined) return { name, ok: false, userMessage: doctor.noPublicUrl(eventsPath) }
    const url = new URL(eventsPath, publicUrl).href
    const body = JSON.stringify({ type: 'url_verification', challenge: 'parley' })
    const timestamp = String(Math.floor(Date.now() / 1000))
    const signature = createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')
    const headers = {
      'content-type': 'application/json',
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
    }
    try {
      const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(waitMs) })
      const answered = response.ok && (await response.text()).includes('parley')
      if (answered) return { name, ok: true, userMessage: doctor.addressAnswers(url) }
      const { status } = response
      return {
        name,
        ok: false,
        userMessage: status === 401 ? doctor.otherSecret(url) : doctor.otherAnswer(url, status),
      }
    } catch {
      return { name, ok: false, userMessage: doctor.addressUnreachable(url) }
    }
  }

  return {
    manifest: () => createManifest(settings),
    async examine() {
      const entrances = [
        ...(appToken === undefined ? [] : [examineSocket(appToken)]),
        ...(signingSecret === undefined || appToken !== undefined ? [] : [examineAddress(signingSecret)]),
      ]
      const [token, connectionChecks] = await Promise.all([
        botToken === undefined ? [] : examineToken(botToken),
        Promise.all(entrances),
      ])
      const events = doctor.events(botEvents.join(', '))
      const install =
        oauth && publicUrl
          ? [
              {
                name: 'installation',
                ok: true,
                userMessage: doctor.installation(new URL(installPath, publicUrl).href),
              },
            ]
          : []
      return [...token, ...connectionChecks, { name: 'events', ok: true, userMessage: events }, ...install]
    },
  }
}

async function find<T>(name: string, look: () => Promise<{ finding: Omit<Finding, 'name'>; found: T }>) {
  try {
    const { finding, found } = await look()
    return { finding: { name, ...finding }, found }
  } catch (thrown) {
    return { finding: { name, ok: false, userMessage: asParleyError(thrown).userMessage }, found: undefined }
  }
}

const { manifest: wording } = slackWording

/** Uses Socket Mode if there is an app-level token or no public URL. Throws `config_invalid` for addresses that Slack refuses. */
export function createManifest({
  appToken,
  publicUrl,
  oauth,
}: Pick<SlackSettings, 'appToken' | 'publicUrl' | 'oauth'>) {
  const socket = appToken !== undefined || publicUrl === undefined
  if (publicUrl !== undefined && (!socket || oauth !== undefined) && !publicUrl.startsWith('https://'))
    throw new ParleyError('config_invalid', wording.httpsOnly(publicUrl))
  const request: { request_url?: string } = socket ? {} : { request_url: new URL(eventsPath, publicUrl).href }
  return {
    display_information: {
      name: 'Parley',
      description: wording.description,
      background_color: '#1f2a44',
    },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      bot_user: { display_name: 'Parley', always_online: true },
      agent_view: {
        agent_description: wording.agent,
        suggested_prompts: slackWording.suggestedPrompts,
      },
      shortcuts: [
        {
          name: wording.shortcut,
          type: 'message',
          callback_id: askShortcut,
          description: wording.shortcutDescription,
        },
      ],
      slash_commands: [
        {
          command: '/parley',
          description: wording.command,
          usage_hint: wording.commandHint,
          should_escape: true,
          ...omitUndefined({ url: request.request_url }),
        },
      ],
    },
    oauth_config: {
      ...omitUndefined({ redirect_urls: oauth && publicUrl && [new URL(redirectPath, publicUrl).href] }),
      scopes: { bot: botScopes },
    },
    settings: {
      event_subscriptions: { ...request, bot_events: botEvents },
      interactivity: { is_enabled: true, ...request },
      org_deploy_enabled: oauth !== undefined,
      socket_mode_enabled: socket,
      token_rotation_enabled: false,
    },
  }
}
