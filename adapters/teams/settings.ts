/** What a Teams app of Parley's is made of: its settings, Microsoft's addresses, and the permissions that its features want. */
export const platformName = 'teams'
export const messagesPath = '/api/messages'

export interface TeamsSettings {
  /** The bot's app id; absent only where `unchecked`. */
  clientId?: string
  clientSecret?: string
  /** Where the app is registered. Absent: an app of the old multi-tenant kind. */
  tenantId?: string
  /** Organisations that are served. Empty: all that installed the app. */
  tenants: readonly string[]
  /** Requests are taken without a token and sent without one: for work on this machine alone. */
  unchecked: boolean
  openIdMetadataUrl?: string
  tokenIssuer?: string
  /** Other servers than Microsoft's own. */
  loginUrl?: string
  graphUrl?: string
  serviceUrl?: string
  /** Further hosts that files may come from, such as a file server of one's own. */
  fileHosts: readonly string[]
  /** How long an answer is streamed natively; then it goes on by edits. */
  streamMs: number
}

/** Microsoft ends a stream after two minutes; what is left is for the handover. */
export const defaultStreamMs = 100_000

export const microsoft = {
  login: 'https://login.microsoftonline.com',
  /** The tenant of apps of the old multi-tenant kind. */
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
 * THE table of Graph permissions, of the application kind: docs, doctor and messages about missing ones are made from it.
 * Without them everything works but files of channels and group chats.
 */
export const graphPermissions = {
  'Files.Read.All': 'to read the files that people share in channels and group chats',
} as const

/** Permissions of one team or chat, granted by its owner when the app is added there. */
export const resourcePermissions = {
  'ChannelMessage.Read.Group': 'to follow threads without a mention and to see which files are shared',
  'ChatMessage.Read.Chat': 'to see which files are shared in group chats',
} as const

export const askCommand = 'askParley'
