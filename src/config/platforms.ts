/** The settings of the chat platforms, and what is missing where one is only partly configured. */

import { omitUndefined } from '../core/omit-undefined.ts'
import { configurationWording } from '../wording/startup.ts'
import { Environment, isLoopback } from './environment.ts'
import type { File } from './file.ts'

/**
 * Whether a proxy or a tunnel makes this port reachable from outside. One that adds no header looks like a browser on this
 * machine, so the page then needs its cookie.
 */
export function isExposed(environment: Environment): boolean {
  return environment.PUBLIC_URL !== undefined || Object.values(table).some(({ receives }) => receives(environment))
}

function slackContradictions(environment: Environment): string[] {
  const { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret, SLACK_APP_TOKEN: app, ROLE } = environment
  const { SLACK_BOT_TOKEN: bot, SLACK_SIGNING_SECRET: signing } = environment
  if ([id, secret, app, bot, signing].every((value) => value === undefined)) return []
  const oauth = id !== undefined || secret !== undefined
  const { slackIncomplete, slackPurpose } = configurationWording
  const problems: string[] = []
  if (bot === undefined && !oauth) problems.push(slackIncomplete(['SLACK_BOT_TOKEN'], slackPurpose.answer))
  if (signing === undefined && app === undefined && ROLE !== 'worker')
    problems.push(slackIncomplete([configurationWording.slackEvents], slackPurpose.receive))
  if (!oauth) return problems
  const needed = { SLACK_CLIENT_ID: id, SLACK_CLIENT_SECRET: secret, PARLEY_SECRET: environment.PARLEY_SECRET }
  const inbound = ROLE === 'worker' ? {} : { SLACK_SIGNING_SECRET: signing, PUBLIC_URL: environment.PUBLIC_URL }
  const missing = Object.entries({ ...needed, ...inbound }).flatMap(([name, value]) =>
    value === undefined ? [name] : [],
  )
  return missing.length === 0 ? problems : [...problems, slackIncomplete(missing, slackPurpose.install)]
}

function slackSettings(environment: Environment, _file: File, unfinished = false) {
  const { SLACK_CLIENT_ID: clientId, SLACK_CLIENT_SECRET: clientSecret } = environment
  const { SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret, SLACK_APP_TOKEN: appToken } = environment
  if (botToken === undefined && clientId === undefined && !unfinished) return undefined
  const { SLACK_API_URL: apiUrl, PUBLIC_URL: publicUrl } = environment
  const oauth = clientId === undefined || clientSecret === undefined ? undefined : { clientId, clientSecret }
  return omitUndefined({ botToken, signingSecret, appToken, apiUrl, publicUrl, oauth })
}

function teamsContradictions(environment: Environment): string[] {
  const { TEAMS_CLIENT_ID: id, TEAMS_CLIENT_SECRET: secret, TEAMS_AUTH: auth, HOST } = environment
  const problems: string[] = []
  if (auth === 'off' && !isLoopback(HOST)) problems.push(configurationWording.teamsWithoutAuth(HOST))
  if ((id === undefined) !== (secret === undefined))
    problems.push(configurationWording.teamsIncomplete(id === undefined ? 'TEAMS_CLIENT_ID' : 'TEAMS_CLIENT_SECRET'))
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
    ...omitUndefined({ clientId, clientSecret, tenantId, ...addresses }),
    unchecked,
    cloud: teams.cloud,
    app: teams.app,
    // An app of one organization serves only that one, unless others are listed.
    tenants: [...new Set([...(tenantId === undefined ? [] : [tenantId]), ...teams.tenants])],
    fileHosts: teams.fileHosts.map((host) => host.toLowerCase()),
    streamMs: teams.streamSeconds * 1000,
  }
}

function discordSettings({ DISCORD_TOKEN: token, DISCORD_API_URL: apiUrl }: Environment, file: File) {
  if (token === undefined) return undefined
  const { shards } = file.discord
  return omitUndefined({ token, apiUrl, shards })
}

interface Row {
  /** `undefined` if the platform is not configured. `unfinished`: it is being set up, so what is missing may come later. */
  settings(environment: Environment, file: File, unfinished: boolean): object | undefined
  /** What contradicts itself or is missing. */
  problems(environment: Environment): string[]
  /** Whether the platform's servers call this port, so that something leads to it from outside. */
  receives(environment: Environment): boolean
}

const table = {
  slack: {
    settings: slackSettings,
    problems: slackContradictions,
    receives: ({ SLACK_SIGNING_SECRET }) => SLACK_SIGNING_SECRET !== undefined,
  },
  discord: { settings: discordSettings, problems: () => [], receives: () => false },
  teams: {
    settings: teamsSettings,
    problems: teamsContradictions,
    receives: ({ TEAMS_CLIENT_ID }) => TEAMS_CLIENT_ID !== undefined,
  },
} satisfies Record<string, Row>

export type PlatformName = keyof typeof table

export type PlatformSettings = { [Name in keyof typeof table]: ReturnType<(typeof table)[Name]['settings']> }

export function platformSettings(
  environment: Environment,
  file: File,
  unfinished: PlatformName | undefined,
): PlatformSettings {
  const settings = Object.entries(table).map(([name, row]) => [
    name,
    row.settings(environment, file, name === unfinished),
  ])
  return Object.fromEntries(settings) as PlatformSettings
}

export const platformProblems = (environment: Environment, unfinished: PlatformName | undefined): string[] =>
  Object.entries(table).flatMap(([name, { problems }]) => (name === unfinished ? [] : problems(environment)))

/** All variables that begin with a platform's name. */
export const platformVariables: string[] = Object.keys(Environment.shape).filter((name) =>
  Object.keys(table).some((platform) => name.startsWith(`${platform.toUpperCase()}_`)),
)
