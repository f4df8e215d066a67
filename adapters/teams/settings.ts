/** The settings of the Teams app, Microsoft's addresses, and the permissions that the app needs. */
export const platformName = 'teams'
export const messagesPath = '/api/messages'

export interface TeamsSettings {
  /** The bot's app ID; absent only if `unchecked`. */
  clientId?: string
  clientSecret?: string
  /** The tenant of the app registration. Absent for an old multi-tenant app. */
  tenantId?: string
  /** The organizations that Parley serves. Empty: every one that installed the app. */
  tenants: readonly string[]
  /** Accepts and sends requests without tokens; for local development only. */
  unchecked: boolean
  openIdMetadataUrl?: string
  tokenIssuer?: string
  /** Servers to use instead of Microsoft's. */
  loginUrl?: string
  graphUrl?: string
  serviceUrl?: string
  /** More hosts that files may come from, such as your file server. */
  fileHosts: readonly string[]
  /** How long an answer is streamed natively; after that it grows by edits. */
  streamMs: number
}

/** Microsoft ends a stream after two minutes; the rest of that time is for the switch to edits. */
export const defaultStreamMs = 100_000

export const microsoft = {
  login: 'https://login.microsoftonline.com',
  /** The tenant of old multi-tenant apps. */
  loginTenant: 'botframework.com',
  graph: 'https://graph.microsoft.com',
  service: 'https://smba.trafficmanager.net/teams',
  openIdMetadata: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
  issuer: 'https://api.botframework.com',
  botScope: 'https://api.botframework.com/.default',
} as const

export const graphUrlOf = ({ graphUrl }: TeamsSettings) => (graphUrl ?? microsoft.graph).replace(/\/+$/, '')
export const graphScopeOf = (settings: TeamsSettings) => `${graphUrlOf(settings)}/.default`

/**
 * THE table of Graph application permissions, for the doctor and errors about missing ones. Without them, only files in channels
 * and group chats cannot be read.
 */
export const graphPermissions = {
  'Files.Read.All': 'to read files shared in channels and group chats',
} as const

/** Permissions for one team or chat; its owner grants them when adding the app. */
export const resourcePermissions = {
  'ChannelMessage.Read.Group': 'to follow threads without a mention, and to see which files are shared',
  'ChatMessage.Read.Chat': 'to see which files are shared in group chats',
} as const

export const askCommand = 'askParley'
