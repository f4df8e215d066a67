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
  /** Default: `public`. */
  cloud?: CloudName
  openIdMetadataUrl?: string
  tokenIssuer?: string
  /** What the app package says of this Parley; absent values are Parley's own. */
  app?: AppNames
  /** Servers to use instead of Microsoft's. */
  loginUrl?: string
  graphUrl?: string
  serviceUrl?: string
  /** More hosts that files may come from, such as your file server. */
  fileHosts: readonly string[]
  /** How long an answer is streamed natively; after that it grows by edits. */
  streamMs: number
}

export interface AppNames {
  name?: string
  fullName?: string
  developer?: string
  websiteUrl?: string
  privacyUrl?: string
  termsUrl?: string
}

/** Microsoft ends a stream after two minutes; the rest of that time is for the switch to edits. */
export const defaultStreamMs = 100_000

/** Clouds of Teams, each with servers of its own. An organization is in one of them. GCC is in the public one. */
export const cloudNames = ['public', 'usgov', 'usgovdod', 'china'] as const
export type CloudName = (typeof cloudNames)[number]

export interface Cloud {
  login: string
  /** The tenant of old multi-tenant apps. */
  loginTenant: string
  graph: string
  /** The connector, until an event says which of its servers is in charge. */
  service: string
  /** The connector's servers. Anyone can register a name below trafficmanager.net, so that name is complete. */
  serviceHost: RegExp
  openIdMetadata: string
  issuer: string
  botScope: string
  tokenService: string
  portals: { entra: string; azure: string }
}

const usGovernment = {
  login: 'https://login.microsoftonline.us',
  loginTenant: 'MicrosoftServices.onmicrosoft.us',
  openIdMetadata: 'https://login.botframework.azure.us/v1/.well-known/openidconfiguration',
  issuer: 'https://api.botframework.us',
  botScope: 'https://api.botframework.us/.default',
  portals: { entra: 'https://entra.microsoft.us', azure: 'https://portal.azure.us' },
}

/**
 * Addresses: https://learn.microsoft.com/azure/bot-service/how-to-deploy-gov-cloud-high,
 * https://learn.microsoft.com/graph/deployments, and for the connector
 * https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/send-proactive-messages
 */
export const clouds: Record<CloudName, Cloud> = {
  public: {
    login: 'https://login.microsoftonline.com',
    loginTenant: 'botframework.com',
    graph: 'https://graph.microsoft.com',
    service: 'https://smba.trafficmanager.net/teams',
    serviceHost:
      /^(?:smba\.trafficmanager\.net|smba(?:\.[\w-]+)*\.teams\.microsoft\.com|(?:[\w-]+\.)*botframework\.com)$/,
    openIdMetadata: 'https://login.botframework.com/v1/.well-known/openidconfiguration',
    issuer: 'https://api.botframework.com',
    botScope: 'https://api.botframework.com/.default',
    tokenService: 'https://token.botframework.com',
    portals: { entra: 'https://entra.microsoft.com', azure: 'https://portal.azure.com' },
  },
  usgov: {
    ...usGovernment,
    graph: 'https://graph.microsoft.us',
    service: 'https://smba.infra.gov.teams.microsoft.us/teams',
    serviceHost: /^(?:smba(?:\.[\w-]+)*\.gov\.teams\.microsoft\.us|(?:[\w-]+\.)*botframework\.(?:azure\.)?us)$/,
    tokenService: 'https://tokengcch.botframework.azure.us',
  },
  usgovdod: {
    ...usGovernment,
    graph: 'https://dod-graph.microsoft.us',
    service: 'https://smba.infra.dod.teams.microsoft.us/teams',
    serviceHost: /^(?:smba(?:\.[\w-]+)*\.dod\.teams\.microsoft\.us|(?:[\w-]+\.)*botframework\.(?:azure\.)?us)$/,
    tokenService: 'https://apiDoD.botframework.azure.us',
  },
  china: {
    login: 'https://login.partner.microsoftonline.cn',
    loginTenant: 'microsoftservices.partner.onmschina.cn',
    graph: 'https://microsoftgraph.chinacloudapi.cn',
    service: 'https://frontend.botapi.msg.infra.teams.microsoftonline.cn/teams',
    serviceHost:
      /^(?:(?:[\w-]+\.)*botapi\.msg\.infra\.teams\.microsoftonline\.cn|(?:[\w-]+\.)*botframework\.azure\.cn)$/,
    openIdMetadata: 'https://login.botframework.azure.cn/v1/.well-known/openidconfiguration',
    issuer: 'https://api.botframework.azure.cn',
    botScope: 'https://api.botframework.azure.cn/.default',
    tokenService: 'https://token.botframework.azure.cn',
    portals: { entra: 'https://entra.microsoftonline.cn', azure: 'https://portal.azure.cn' },
  },
}

type InCloud = Pick<TeamsSettings, 'cloud'>

export const cloudOf = ({ cloud }: InCloud): Cloud => clouds[cloud ?? 'public']
export const botScopeOf = (settings: InCloud) => cloudOf(settings).botScope
export const issuerOf = (settings: InCloud & Pick<TeamsSettings, 'tokenIssuer'>) =>
  settings.tokenIssuer ?? cloudOf(settings).issuer
export const graphUrlOf = (settings: InCloud & Pick<TeamsSettings, 'graphUrl'>) =>
  (settings.graphUrl ?? cloudOf(settings).graph).replace(/\/+$/, '')
export const graphScopeOf = (settings: TeamsSettings) => `${graphUrlOf(settings)}/.default`

/**
 * THE table of Graph application permissions, for the doctor and errors about missing ones. Without them, only files in channels
 * and group chats cannot be read.
 */
export const graphPermissions = {
  'Files.Read.All': 'to read files shared in channels and group chats, and to list the files of a channel',
} as const

/** Permissions for one team or chat; its owner grants them when adding the app. */
export const resourcePermissions = {
  'ChannelMessage.Read.Group':
    'to follow threads without a mention, to read a thread when Parley is called into it, and to see which files are shared',
  'ChatMessage.Read.Chat':
    'to see which files are shared in group chats, and to read a chat when somebody asks about it',
  'ChatMember.Read.Chat':
    'to know who can read a group chat, and since when, before anything of it is used in an answer elsewhere',
  'ChannelMember.Read.Group':
    'to know who can read a channel before a message or a file of it is used in an answer elsewhere',
} as const

export const askCommand = 'askParley'
