/** What a Slack app of Parley's is made of: its settings, and the scopes and events that its features want, each with why. */
export const platformName = 'slack'

export interface SlackSettings {
  /** `xoxb-…` of one workspace; absent where workspaces install the app by OAuth. */
  botToken?: string
  /** Opens the HTTP ingress; without it events come by Socket Mode alone. */
  signingSecret?: string
  /** `xapp-…`: events come by Socket Mode. */
  appToken?: string
  /** Another server than Slack's own, with `/api/` at its end. */
  apiUrl?: string
  oauth?: { clientId: string; clientSecret: string }
  /** Where Slack and people reach this Parley. */
  publicUrl?: string
}

export const eventsPath = '/slack/events'
export const installPath = '/slack/install'
export const redirectPath = '/slack/oauth_redirect'

/** THE table of scopes: manifest, installation, doctor and messages about missing ones are made from it. */
export const scopes = {
  'app_mentions:read': 'to be called by @mention',
  'assistant:write': 'to show what it is doing, prompts and titles in the agent view',
  'channels:history': 'to follow threads of public channels',
  'channels:read': 'to see which public channels it is in',
  'chat:write': 'to answer',
  commands: 'for /parley and "Ask Parley about this"',
  'files:read': 'to read the files that people share',
  'files:write': 'to share charts and long answers as files',
  'groups:history': 'to follow threads of private channels that it is in',
  'groups:read': 'to see which private channels it is in',
  'im:history': 'to read direct messages to it',
  'im:write': 'to open a direct message for an answer that only its asker sees',
  'mpim:history': 'to follow group messages that it is in',
  'reactions:write': 'to show that it has seen a question where no status can be shown',
  'users:read': 'to tell members, guests and people of other organisations apart',
} as const

export type Scope = keyof typeof scopes
export const botScopes = Object.keys(scopes)

/** The events that the app subscribes to. */
export const botEvents = [
  'agent_session_stopped',
  'app_home_opened',
  'app_mention',
  'app_uninstalled',
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
  'tokens_revoked',
] as const

export const askShortcut = 'parley_ask_about'
export const askView = 'parley_ask'
export const feedbackView = 'parley_feedback'

/** What the agent view offers to begin with. */
export const suggestedPrompts = [
  { title: 'Sum up a file', message: 'Sum up the file that I attach, with the pages that matter.' },
  { title: 'Ask about several files', message: 'Compare the files that I attach and list where they differ.' },
  { title: 'Hear a recording', message: 'Listen to the recording that I attach and list what was decided.' },
  { title: 'What can you do?', message: 'What can you do, and which files can you read?' },
]
