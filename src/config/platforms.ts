/** The chat platforms: what is set of each, and what is set by half. */
import { Environment, isLoopback } from './environment.ts'
import type { File } from './file.ts'

/**
 * Whether something reaches this port from outside, by a proxy or a tunnel: one that adds no header cannot be told from a
 * browser on this machine, so the page then wants its cookie.
 */
export function isExposed(environment: Environment): boolean {
  const { PUBLIC_URL, SLACK_SIGNING_SECRET, TEAMS_CLIENT_ID } = environment
  return [PUBLIC_URL, SLACK_SIGNING_SECRET, TEAMS_CLIENT_ID].some((value) => value !== undefined)
}

function slackContradictions(environment: Environment): string[] {
  const { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret, SLACK_APP_TOKEN: app, ROLE } = environment
  const { SLACK_BOT_TOKEN: bot, SLACK_SIGNING_SECRET: signing } = environment
  if ([id, secret, app, bot, signing].every((value) => value === undefined)) return []
  const oauth = id !== undefined || secret !== undefined
  const wanting = (names: string[], why: string) => `Slack is configured by half: set ${names.join(' and ')}, ${why}.`
  const problems: string[] = []
  if (bot === undefined && !oauth) problems.push(wanting(['SLACK_BOT_TOKEN'], 'which Parley answers with'))
  if (signing === undefined && app === undefined && ROLE !== 'worker')
    problems.push(
      wanting(['SLACK_SIGNING_SECRET (events over HTTP) or SLACK_APP_TOKEN (Socket Mode)'], 'how events come in'),
    )
  if (!oauth) return problems
  const needed = { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret, PARLEY_SECRET: environment.PARLEY_SECRET }
  const inbound = ROLE === 'worker' ? {} : { SLACK_SIGNING_SECRET: signing, PUBLIC_URL: environment.PUBLIC_URL }
  const missing = Object.entries({ ...needed, ...inbound }).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  )
  return missing.length === 0 ? problems : [...problems, wanting(missing, 'for installation by several workspaces')]
}

function slackSettings(environment: Environment) {
  const { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret } = environment
  const { SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret, SLACK_APP_TOKEN: appToken } = environment
  if (botToken === undefined && clientId === undefined) return undefined
  const { SLACK_API_URL: apiUrl, PUBLIC_URL: publicUrl } = environment
  return {
    ...(botToken === undefined ? {} : { botToken }),
    ...(signingSecret === undefined ? {} : { signingSecret }),
    ...(appToken === undefined ? {} : { appToken }),
    ...(apiUrl === undefined ? {} : { apiUrl }),
    ...(publicUrl === undefined ? {} : { publicUrl }),
    ...(clientId === undefined || clientSecret === undefined ? {} : { oauth: { clientId, clientSecret } }),
  }
}

function teamsContradictions(environment: Environment): string[] {
  const { TEAMS_CLIENT_ID: id, TEAMS_CLIENT_SECRET: secret, TEAMS_AUTH: auth, HOST } = environment
  const problems: string[] = []
  if (auth === 'off' && !isLoopback(HOST))
    problems.push(
      `TEAMS_AUTH=off takes messages from whoever reaches the port, and is for this machine alone: leave it out, or HOST=${HOST}.`,
    )
  if ((id === undefined) !== (secret === undefined))
    problems.push(
      `Teams is configured by half: set ${id === undefined ? 'TEAMS_CLIENT_ID' : 'TEAMS_CLIENT_SECRET'}, too, of the same app registration.`,
    )
  return problems
}

function teamsSettings(environment: Environment, { teams }: File) {
  const { TEAMS_CLIENT_ID: clientId, TEAMS_CLIENT_SECRET: clientSecret, TEAMS_TENANT_ID: tenantId } = environment
  const unchecked = environment.TEAMS_AUTH === 'off'
  if (clientId === undefined && !unchecked) return undefined
  const addresses = {
    openIdMetadataUrl: environment.TEAMS_OPENID_METADATA_URL,
    tokenIssuer: environment.TEAMS_TOKEN_ISSUER,
    loginUrl: environment.TEAMS_LOGIN_URL,
    graphUrl: environment.TEAMS_GRAPH_URL,
    serviceUrl: environment.TEAMS_SERVICE_URL,
  }
  return {
    ...present({ clientId, clientSecret, tenantId, ...addresses }),
    unchecked,
    // An app of one organisation serves that one, unless more are named.
    tenants: [...new Set([...(tenantId === undefined ? [] : [tenantId]), ...teams.tenants])],
    fileHosts: teams.fileHosts.map((host) => host.toLowerCase()),
    streamMs: teams.streamSeconds * 1000,
  }
}

/** Those that are set. */
function present<Name extends string>(values: Record<Name, string | undefined>): { [Each in Name]?: string } {
  const set: { [Each in Name]?: string } = {}
  for (const name in values) {
    const value = values[name]
    if (value !== undefined) set[name] = value
  }
  return set
}

function discordSettings({ DISCORD_TOKEN: token, DISCORD_API_URL: apiUrl }: Environment, file: File) {
  if (token === undefined) return undefined
  const { shards } = file.discord
  return { token, ...(apiUrl === undefined ? {} : { apiUrl }), ...(shards === undefined ? {} : { shards }) }
}

/** THE table of platforms' settings: `undefined` where one is not configured, and what is wrong of those that are. */
const table = {
  slack: { settings: slackSettings, problems: slackContradictions },
  discord: { settings: discordSettings, problems: () => [] },
  teams: { settings: teamsSettings, problems: teamsContradictions },
} satisfies Record<
  string,
  { settings(environment: Environment, file: File): object | undefined; problems(environment: Environment): string[] }
>

export type PlatformSettings = { [Name in keyof typeof table]: ReturnType<(typeof table)[Name]['settings']> }

export function platformSettings(environment: Environment, file: File): PlatformSettings {
  const settings = Object.entries(table).map(([name, row]) => [name, row.settings(environment, file)])
  return Object.fromEntries(settings) as PlatformSettings
}

export const platformProblems = (environment: Environment): string[] =>
  Object.values(table).flatMap(({ problems }) => problems(environment))

/** Their variables begin with the platform's name. */
export const platformVariables: string[] = Object.keys(Environment.shape).filter((name) =>
  Object.keys(table).some((platform) => name.startsWith(`${platform.toUpperCase()}_`)),
)
