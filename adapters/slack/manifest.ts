/** Pure: the app manifest that a workspace's admin pastes into Slack, for the features that the settings ask for. */
import {
  askShortcut,
  botEvents,
  botScopes,
  eventsPath,
  redirectPath,
  type SlackSettings,
  suggestedPrompts,
} from './settings.ts'

/** Socket Mode where there is an app-level token, or no address to reach Parley at. */
export function createManifest({
  appToken,
  publicUrl,
  oauth,
}: Pick<SlackSettings, 'appToken' | 'publicUrl' | 'oauth'>) {
  const socket = appToken !== undefined || publicUrl === undefined
  const request = socket ? {} : { request_url: new URL(eventsPath, publicUrl).href }
  return {
    display_information: {
      name: 'Parley',
      description: 'Answers questions about your files, in the thread where you ask.',
      background_color: '#1f2a44',
    },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      bot_user: { display_name: 'Parley', always_online: true },
      agent_view: {
        agent_description: 'Reads documents, scans, pictures and recordings, and answers with the page it comes from.',
        suggested_prompts: suggestedPrompts,
      },
      shortcuts: [
        {
          name: 'Ask Parley about this',
          type: 'message',
          callback_id: askShortcut,
          description: 'Ask a question about this message and its files',
        },
      ],
      slash_commands: [
        {
          command: '/parley',
          description: 'Ask Parley, or set it up',
          usage_hint: 'help | a question',
          should_escape: true,
          ...(socket ? {} : { url: new URL(eventsPath, publicUrl).href }),
        },
      ],
    },
    oauth_config: {
      ...(oauth && publicUrl && { redirect_urls: [new URL(redirectPath, publicUrl).href] }),
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
