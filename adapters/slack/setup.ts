/** Setting up: the manifest, and what `parley doctor slack` looks at, each with what to do about it. */
import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { asParleyError } from '../../src/core/errors.ts'
import { type Log, silentLog } from '../../src/core/log.ts'
import type { Quota } from '../../src/core/quota.ts'
import { type Api, createApi } from './api.ts'
import { SlackFile } from './events.ts'
import { createManifest } from './manifest.ts'
import { botEvents, eventsPath, installPath, type Scope, type SlackSettings, scopes } from './settings.ts'

export interface Finding {
  name: string
  ok: boolean
  /** For people, with what to do when it is not. */
  userMessage: string
}

export interface Setup {
  manifest(): object
  examine(): Promise<Finding[]>
}

/** A command line is alone: what Slack allows is waited for when it says so. */
const noLine: Quota = { take: async () => 0, hold: async () => undefined }
const waitMs = 10_000

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
    createApi(token, 'doctor', { quota: noLine, log, apiUrl: settings.apiUrl ? settings.apiUrl : undefined })
  const call = (api: Api, method: string, args: Record<string, unknown> = {}) =>
    api.call(method, args, { signal: AbortSignal.timeout(waitMs) })

  async function examineToken(token: string): Promise<Finding[]> {
    const api = apiOf(token)
    const identity = await find('token', async () => {
      const found = Identity.parse(await call(api, 'auth.test'))
      return { finding: { ok: true, userMessage: `${found.user} in ${found.team} (${found.team_id})` }, found }
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
    if (granted === undefined)
      return { name: 'scopes', ok: true, userMessage: 'Slack does not say which ones the token has' }
    const wanted = Object.keys(scopes) as Scope[]
    const missing = wanted.filter((scope) => !granted.includes(scope))
    const list = missing.map((scope) => `${scope} (${scopes[scope]})`).join(', ')
    const userMessage =
      missing.length === 0
        ? `all ${wanted.length} are granted`
        : `missing: ${list}. Add them under "OAuth & Permissions", or paste \`parley slack manifest\` anew, and install the app again.`
    return { name: 'scopes', ok: missing.length === 0, userMessage }
  }

  async function inChannels(api: Api) {
    const args = { types: 'public_channel,private_channel', exclude_archived: true, limit: 200 }
    const { channels } = Channels.parse(await call(api, 'users.conversations', args))
    const names = channels.slice(0, 5).flatMap(({ name }) => (name ? [`#${name}`] : []))
    const userMessage =
      channels.length === 0
        ? 'in none: invite it where it shall answer, with /invite @Parley. Direct messages work without.'
        : `in ${channels.length}: ${names.join(', ')}${channels.length > names.length ? ' …' : ''}`
    return { finding: { ok: channels.length > 0, userMessage }, found: undefined }
  }

  /** The scope alone says little: the bytes must come, and not Slack's login page. */
  async function oneFile(api: Api) {
    const { files } = Listed.parse(await call(api, 'files.list', { count: 1 }))
    const [file] = files
    const url = file?.url_private_download ?? file?.url_private
    if (!url || file?.is_external)
      return { finding: { ok: true, userMessage: 'allowed; there is none to try it on yet' }, found: undefined }
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${api.token}` },
      redirect: 'manual',
      signal: AbortSignal.timeout(waitMs),
    })
    await response.body?.cancel()
    const page =
      response.headers.get('content-type')?.startsWith('text/html') === true && file?.mimetype !== 'text/html'
    const ok = response.ok && !page
    const userMessage = ok
      ? 'can be fetched'
      : 'Slack gives its login page instead of the file: add the scope files:read and install the app again.'
    return { finding: { ok, userMessage }, found: undefined }
  }

  async function examineSocket(token: string): Promise<Finding> {
    const { finding } = await find('Socket Mode', async () => {
      await call(apiOf(token), 'apps.connections.open')
      return { finding: { ok: true, userMessage: 'a connection is given' }, found: undefined }
    })
    const advice =
      ' SLACK_APP_TOKEN wants an app-level token with connections:write, and Socket Mode switched on in the app.'
    return finding.ok ? finding : { ...finding, userMessage: finding.userMessage + advice }
  }

  /** What Slack does when the address is saved, sent by ourselves. */
  async function examineAddress(secret: string): Promise<Finding> {
    const name = 'request URL'
    if (publicUrl === undefined)
      return {
        name,
        ok: false,
        userMessage: `PUBLIC_URL is not set: Slack must reach this Parley at https://…${eventsPath}. Or use Socket Mode: set SLACK_APP_TOKEN.`,
      }
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
      if (answered)
        return {
          name,
          ok: true,
          userMessage: `${url} answers; it is the request URL of events, interactivity and /parley`,
        }
      const why =
        response.status === 401 ? 'the Parley there has another SLACK_SIGNING_SECRET' : `it answers ${response.status}`
      return { name, ok: false, userMessage: `${url} is not this Parley's: ${why}.` }
    } catch {
      return {
        name,
        ok: false,
        userMessage: `${url} cannot be reached from here. Start Parley, and see that PUBLIC_URL and the proxy lead to it.`,
      }
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
      const events = `Slack does not tell an app what it is subscribed to. Wanted: ${botEvents.join(', ')}; \`parley slack manifest\` has them all.`
      const install =
        oauth && publicUrl
          ? [
              {
                name: 'installation',
                ok: true,
                userMessage: `workspaces install it at ${new URL(installPath, publicUrl).href}`,
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
