/**
 * Which events Slack sends to an app, and what its subscriptions add to them: `app_context` comes with direct messages only if
 * the app has the agent view and subscribes to `app_context_changed`. https://github.com/slack-go/slack/issues/1606
 */
import { botEvents, botScopes } from '../../adapters/slack/settings.ts'
import type { SlackStandInOptions } from './slack-types.ts'

type Event = Record<string, unknown>

const places: Record<string, string> = { channel: 'channels', group: 'groups', im: 'im', mpim: 'mpim' }
/** The subtypes of messages that are changes of another one. */
const changes = ['message_changed', 'message_deleted']

/** `undefined`: the app did not subscribe to it. */
export function subscribedEvent(
  event: Event,
  { subscribed = botEvents, granted = botScopes }: Pick<SlackStandInOptions, 'subscribed' | 'granted'>,
): Event | undefined {
  const { type, channel_type: place, subtype } = event
  if (type !== 'message')
    return [...botEvents].includes(type as never) && !subscribed.includes(String(type)) ? undefined : event
  if (place !== undefined && !subscribed.includes(`message.${places[String(place)]}`)) return undefined
  const hasContext = place === 'im' && subscribed.includes('app_context_changed') && granted.includes('assistant:write')
  return hasContext && !changes.includes(String(subtype)) ? { app_context: { entities: [] }, ...event } : event
}
