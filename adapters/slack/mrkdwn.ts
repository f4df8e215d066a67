/** Pure: Slack's messages → Markdown: mrkdwn with names for its mentions, forwarded messages, unfurled links, bot attachments, threads. */
import type { Shared, SlackMessage } from './events.ts'

/** Display names by person id. */
export type Names = ReadonlyMap<string, string>

const mention = /<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g

export function mentionedPeople(text: string): string[] {
  return [...new Set([...text.matchAll(mention)].map(([, id]) => id ?? ''))]
}

export function mentions(text: string, personId: string | undefined): boolean {
  return personId !== undefined && mentionedPeople(text).includes(personId)
}

/** Without every mention of `personId`, and the space and punctuation that it leaves behind. */
export function withoutMention(text: string, personId: string | undefined): string {
  if (personId === undefined) return text.trim()
  const at = `<@${personId}(?:\\|[^>]*)?>`
  return text
    .replaceAll(new RegExp(`[ \\t]*${at}(?=[,.:;!?])`, 'g'), '')
    .replaceAll(new RegExp(`[ \\t]*${at}[ \\t]*`, 'g'), ' ')
    .replace(/^[\s,:;]+/, '')
    .trim()
}

export function toMarkdown(mrkdwn: string, names: Names = new Map()): string {
  // Code first: nothing in it is a form.
  const parts = mrkdwn.split(/(```[\s\S]*?```|`[^`\n]+`)/)
  return parts.map((part, at) => (at % 2 === 1 ? code(part) : forms(part, names))).join('')
}

function code(part: string): string {
  const plain = unescaped(
    part.replaceAll(/<((?:https?|mailto):[^>|]+)(?:\|([^>]*))?>/g, (_, url, label) => label ?? url),
  )
  if (!part.startsWith('```')) return plain
  return `\n\`\`\`\n${plain.slice(3, -3).replace(/^\n/, '').replace(/\n$/, '')}\n\`\`\`\n`
}

function forms(part: string, names: Names): string {
  return part
    .split(/(<[^<>]+>)/)
    .map((piece, at) => (at % 2 === 1 ? reference(piece.slice(1, -1), names) : unescaped(styles(piece))))
    .join('')
}

/** Slack's marks need a space or punctuation on both sides: `2*3*4` has none. */
function styles(text: string): string {
  const edge = String.raw`(^|[\s([{"'_~*>])`
  const end = String.raw`(?=$|[\s)\]}"'_~*.,;:!?<])`
  return text
    .replaceAll(new RegExp(`${edge}\\*(?=\\S)([^*\\n]*[^\\s*])\\*${end}`, 'g'), '$1**$2**')
    .replaceAll(new RegExp(`${edge}~(?=\\S)([^~\\n]*[^\\s~])~${end}`, 'g'), '$1~~$2~~')
}

/** The text for what is between `<` and `>`. */
function reference(inside: string, names: Names): string {
  const bar = inside.indexOf('|')
  const target = bar < 0 ? inside : inside.slice(0, bar)
  const label = bar < 0 ? '' : unescaped(inside.slice(bar + 1))
  const rest = target.slice(1)
  if (target.startsWith('@')) return `@${names.get(rest) ?? (label || rest)}`
  if (target.startsWith('#')) return `#${label || rest}`
  if (target.startsWith('!')) {
    const [kind = ''] = rest.split('^')
    return kind === 'subteam' || kind === 'date' ? label || kind : `@${kind}`
  }
  const url = unescaped(target)
  return label === '' || label === url ? url : `[${label}](${url})`
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

/** The limit for quoted text. */
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

/** The text of blocks, for bot messages that have no other text. */
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

/** The messages of a thread before Parley was mentioned, oldest first; the first message is always included. */
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
