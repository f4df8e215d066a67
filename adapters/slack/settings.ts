/** The settings of the Slack app, and the scopes and events that it needs. */
export const platformName = 'slack'

export interface SlackSettings {
  /** `xoxb-…` of one workspace; absent if workspaces install the app by OAuth. */
  botToken?: string
  /** Turns on the HTTP ingress; without it, events arrive by Socket Mode only. */
  signingSecret?: string
  /** `xapp-…`: turns on Socket Mode. */
  appToken?: string
  /** Another API server than Slack's; the URL ends in `/api/`. */
  apiUrl?: string
  oauth?: { clientId: string; clientSecret: string }
  /** The URL at which Slack and people reach Parley. */
  publicUrl?: string
}

export const eventsPath = '/slack/events'
export const installPath = '/slack/install'
export const redirectPath = '/slack/oauth_redirect'

/** THE table of scopes, for the manifest, the installation, the doctor and errors about missing scopes. */
export const scopes = {
  'app_mentions:read': 'to receive @mentions',
  'assistant:write': 'to show its status, prompts and titles in the agent view',
  'channels:history': 'to follow threads in public channels',
  'channels:read': 'to list its public channels and know who can read them',
  'chat:write': 'to answer',
  commands: 'for /parley and "Ask Parley about this"',
  'files:read': 'to read shared files',
  'files:write': 'to share charts and long answers as files',
  'groups:history': 'to follow threads in its private channels',
  'groups:read': 'to list its private channels and know who can read them',
  'im:history': 'to read its direct messages',
  'im:read': 'to know whose direct messages they are',
  'im:write': 'to send private answers as direct messages',
  'mpim:history': 'to follow its group messages',
  'mpim:read': 'to know who can read its group messages',
  'pins:read': 'to learn the files of pinned messages',
  'reactions:write': 'to mark a question as seen where Slack shows no status',
  'usergroups:read': 'to know the names of user groups',
  'users:read': 'to distinguish members, guests and people from other organizations',
} as const

export type Scope = keyof typeof scopes
export const botScopes = Object.keys(scopes)

/** What these say of a channel: who can read it changed, so it is looked at again. */
export const changedPlaceEvents = [
  'channel_archive',
  'channel_id_changed',
  'channel_rename',
  'channel_shared',
  'channel_unarchive',
  'channel_unshared',
  'group_archive',
  'group_rename',
  'group_unarchive',
] as const
/** Parley left the channel, or the channel is gone. */
export const removedPlaceEvents = ['channel_deleted', 'channel_left', 'group_deleted', 'group_left'] as const
export const memberEvents = ['member_joined_channel', 'member_left_channel'] as const
export const accountEvents = ['team_join', 'user_change'] as const

/**
 * The events that the app subscribes to. `app_context_changed` is how Slack knows that the app understands the agent view:
 * https://docs.slack.dev/reference/events/app_context_changed
 */
export const botEvents = [
  'agent_session_stopped',
  'app_context_changed',
  'app_home_opened',
  'app_mention',
  'app_uninstalled',
  ...changedPlaceEvents,
  ...removedPlaceEvents,
  'file_deleted',
  ...memberEvents,
  'message.channels',
  'message.groups',
  'message.im',
  'message.mpim',
  'team_access_revoked',
  'tokens_revoked',
  ...accountEvents,
] as const

export const askShortcut = 'parley_ask_about'
export const askView = 'parley_ask'
export const feedbackView = 'parley_feedback'
