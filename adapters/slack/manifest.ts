/** Pure: the app manifest that a workspace's admin pastes into Slack. */
import { slackWording } from '../../src/wording/slack.ts'
import { askShortcut, botEvents, botScopes, eventsPath, redirectPath, type SlackSettings } from './settings.ts'

const { manifest: wording } = slackWording

/** Uses Socket Mode if there is an app-level token or no public URL. */
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
