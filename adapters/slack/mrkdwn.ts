/** Pure: what people write in Slack (mrkdwn) → Markdown, with names for the people, channels and groups that it mentions. */

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

/** Slack's forms stand between a space or punctuation on both sides: `2*3*4` is none. */
function styles(text: string): string {
  const edge = String.raw`(^|[\s([{"'_~*>])`
  const end = String.raw`(?=$|[\s)\]}"'_~*.,;:!?<])`
  return text
    .replaceAll(new RegExp(`${edge}\\*(?=\\S)([^*\\n]*[^\\s*])\\*${end}`, 'g'), '$1**$2**')
    .replaceAll(new RegExp(`${edge}~(?=\\S)([^~\\n]*[^\\s~])~${end}`, 'g'), '$1~~$2~~')
}

/** What stands between `<` and `>`. */
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
