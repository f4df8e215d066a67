/** Pure: what a message carries beside its own words, as Markdown: forwarded messages, unfurled links, what bots attach. */
import type { Shared, SlackMessage } from './events.ts'
import { type Names, toMarkdown } from './mrkdwn.ts'

const maxChars = 12_000

export function quoteShared(shared: readonly Shared[], names?: Names): string | undefined {
  const parts = shared.map((each) => describe(each, names)).filter((part) => part !== '')
  return parts.length === 0 ? undefined : bounded(parts.join('\n\n'))
}

function describe(shared: Shared, names?: Names): string {
  const {
    author_name: author,
    title,
    title_link: link,
    pretext,
    text,
    fallback,
    fields,
    footer,
    from_url: from,
  } = shared
  const own = text || blocksText(shared.blocks ?? [])
  const lines = [
    shared.is_share || shared.is_msg_unfurl
      ? `Message from ${author || 'someone'}${from ? ` (${from})` : ''}:`
      : author,
    pretext && toMarkdown(pretext, names),
    title && (link ? `[${title}](${link})` : `**${title}**`),
    own ? toMarkdown(own, names) : !title && fallback ? toMarkdown(fallback, names) : undefined,
    ...(fields ?? []).map((field) => `${field.title ?? ''}: ${toMarkdown(field.value ?? '', names)}`),
    footer,
  ]
  return lines.filter((line) => line !== undefined && line !== null && line !== '').join('\n')
}

/** The words of blocks that have no text beside them, as bots send them. */
export function blocksText(blocks: readonly unknown[]): string {
  const words: string[] = []
  const open: unknown[] = [...blocks].reverse()
  for (let seen = 0; open.length > 0 && seen < 2000; seen += 1) {
    const next = open.pop()
    if (Array.isArray(next)) open.push(...[...next].reverse())
    else if (typeof next === 'object' && next !== null) {
      if ('text' in next && typeof next.text === 'string') words.push(next.text)
      else
        open.push(
          ...Object.values(next)
            .filter((value) => typeof value === 'object')
            .reverse(),
        )
    }
  }
  return words.join('\n').slice(0, maxChars)
}

/** What was said in a thread before Parley was called into it, oldest first; the first message is always there. */
export function quoteThread(
  messages: readonly SlackMessage[],
  nameOf: (id: string) => string | undefined,
): string | undefined {
  const lines = messages.flatMap((message) => {
    const own = message.text || blocksText(message.blocks ?? [])
    const carried = quoteShared(message.attachments ?? [])
    const files = (message.files ?? []).map(({ name, title }) => `[file: ${name ?? title ?? 'unnamed'}]`)
    const words = [own && toMarkdown(own), carried, ...files].filter((part) => part).join('\n')
    const author = (message.user && nameOf(message.user)) || message.username || (message.bot_id ? 'A bot' : 'Someone')
    return words === '' ? [] : [`${author}: ${words}`]
  })
  const [first, ...rest] = lines
  if (first === undefined) return undefined
  const kept: string[] = []
  let left = maxChars - first.length
  for (const line of rest.reverse()) {
    left -= line.length
    if (left < 0) break
    kept.unshift(line)
  }
  const gap = kept.length < rest.length ? ['…'] : []
  return bounded([first, ...gap, ...kept].join('\n\n'))
}

function bounded(text: string): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars - 1).toWellFormed()}…`
}
