/** Pure: what others said, as quoted content: forwarded messages, unfurled links, bot attachments, tables, threads. */
import type { SaidBefore } from '../../src/core/context.ts'
import { blocksMarkdown, tablesMarkdown } from './blocks.ts'
import type { Self, Shared, SlackFile, SlackMessage } from './events.ts'
import { type Names, toMarkdown } from './mrkdwn.ts'

/** The limit for the quoted parts of one message. */
const maxChars = 12_000
/** Slack's words in place of an attachment that it cannot show as text. */
const noPreview = '[no preview available]'

/** What a question brings beside its text: tables, descriptions of pictures, forwarded messages and the like. */
export function quotedIn({ blocks, attachments, files }: SlackMessage, names?: Names): string | undefined {
  const parts = [
    ...tablesMarkdown(blocks ?? [], names),
    ...(attachments ?? []).map((shared) => describe(shared, names)),
    ...altTexts(files ?? []),
  ].filter((part) => part !== '')
  return parts.length === 0 ? undefined : bounded(parts.join('\n\n'))
}

function altTexts(files: readonly SlackFile[]): string[] {
  return files.flatMap(({ name, title, alt_txt: alt }) => (alt ? [`[image ${name ?? title ?? ''}: ${alt}]`] : []))
}

function describe(shared: Shared, names?: Names): string {
  const { author_name: author, title, title_link: link, pretext, text, fields, footer, from_url: from } = shared
  const inside = (shared.message_blocks ?? []).flatMap(({ message }) => message?.blocks ?? [])
  const blocks = shared.blocks?.length ? shared.blocks : inside
  const words = text ? [toMarkdown(text, names), ...tablesMarkdown(blocks, names)] : [blocksMarkdown(blocks, names)]
  const own = words.filter((part) => part !== '').join('\n\n')
  const fallback = shared.fallback && shared.fallback !== noPreview ? toMarkdown(shared.fallback, names) : undefined
  const lines = [
    shared.is_share || shared.is_msg_unfurl
      ? `Message from ${author || 'someone'}${from ? ` (${from})` : ''}:`
      : author,
    pretext && toMarkdown(pretext, names),
    title && (link ? `[${title}](${link})` : `**${title}**`),
    own === '' && !title ? fallback : own,
    ...(fields ?? []).map((field) => `${field.title ?? ''}: ${toMarkdown(field.value ?? '', names)}`),
    footer,
    ...altTexts(shared.files ?? []),
  ]
  return lines.filter((line) => line !== undefined && line !== null && line !== '').join('\n')
}

/** A message of others, with its author's name and the names of its files. */
export function saidBefore(message: SlackMessage, self: Self, names?: Names): SaidBefore {
  const files = (message.files ?? []).map(({ name, title }) => `[file: ${name ?? title ?? 'unnamed'}]`)
  const parts = [ownWords(message, names), quotedIn({ ...message, blocks: undefined }, names) ?? '', ...files]
  return { author: authorOf(message, self, names), text: parts.filter((part) => part !== '').join('\n') }
}

/** The text of a bot's message is a short form of its blocks, for notifications. */
function ownWords({ text, blocks, bot_id: bot }: SlackMessage, names?: Names): string {
  const own = text ? toMarkdown(text, names) : ''
  if (own !== '' && !bot) return [own, ...tablesMarkdown(blocks ?? [], names)].join('\n\n')
  const shown = blocksMarkdown(blocks ?? [], names)
  return shown === '' || shown.includes(own) ? shown || own : `${own}\n${shown}`
}

function authorOf(
  { user, username, bot_id: bot, bot_profile: profile }: SlackMessage,
  self: Self,
  names?: Names,
): string {
  if ((user && user === self.botUserId) || (bot && bot === self.botId)) return 'Parley'
  if (bot) return profile?.name || username || (user && names?.get(user)) || 'A bot'
  return (user && names?.get(user)) || username || 'Someone'
}

export function bounded(text: string): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`
}
