/** Pure: Slack's mrkdwn → Markdown, with names in place of the ids of people, channels and user groups. */
import { slackWording } from '../../src/wording/slack.ts'

/** Names of people, channels and user groups by their id, without `@` and `#`. */
export type Names = ReadonlyMap<string, string>

const mention = /<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g

export function mentionedPeople(text: string): string[] {
  return [...new Set([...text.matchAll(mention)].map(([, id]) => id ?? ''))]
}

export function mentions(text: string, personId: string | undefined): boolean {
  return personId !== undefined && mentionedPeople(text).includes(personId)
}

/** Whether a person other than `personId`, a user group, or everyone in the channel is mentioned. */
export function mentionsOthers(text: string, personId: string | undefined): boolean {
  return /<!(?:subteam\^|here|channel|everyone)/.test(text) || mentionedPeople(text).some((id) => id !== personId)
}

export interface References {
  people: string[]
  channels: string[]
  groups: string[]
}

/** The ids in a payload that people should see as names: in mrkdwn without a label, and in rich text. */
export function referencesIn(payload: unknown): References {
  const json = JSON.stringify(payload) ?? ''
  const ids = (...forms: RegExp[]) => [
    ...new Set(forms.flatMap((form) => [...json.matchAll(form)].map(([, id = '']) => id))),
  ]
  return {
    people: ids(/<@([UW][A-Z0-9]+)(?:\|[^>]*)?>/g, /"user(?:_id)?":"([UW][A-Z0-9]+)"/g),
    channels: ids(/<#(C[A-Z0-9]+)\|?>/g, /"channel_id":"(C[A-Z0-9]+)"/g),
    groups: ids(/<!subteam\^(S[A-Z0-9]+)\|?>/g, /"usergroup_id":"(S[A-Z0-9]+)"/g),
  }
}

/** Without every mention of `personId`, and the space and punctuation that it leaves behind. */
export function withoutMention(text: string, personId: string | undefined): string {
  if (personId === undefined) return text.trim()
  const at = `<@${personId}(?:\\|[^>]*)?>`
  return (
    text
      .replaceAll(new RegExp(`[ \\t]*${at}(?=[,.:;!?])`, 'g'), '')
      .replaceAll(new RegExp(`[ \\t]*${at}[ \\t]*`, 'g'), ' ')
      // A colon may begin an emoji.
      .replace(/^(?:[\s,;]|:(?=\s|$))+/, '')
      .trim()
  )
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
  const { aPerson, aChannel, aGroup } = slackWording.unnamed
  if (target.startsWith('@')) return nameOr('@', names.get(rest) ?? label, aPerson)
  if (target.startsWith('#')) return nameOr('#', names.get(rest) ?? label, aChannel)
  if (target.startsWith('!')) {
    const [kind = '', id = ''] = rest.split('^')
    if (kind === 'subteam') return nameOr('@', names.get(id) ?? label, aGroup)
    return kind === 'date' ? label || kind : `@${kind}`
  }
  const url = unescaped(target)
  return label === '' || label === url ? url : `[${label}](${url})`
}

function nameOr(mark: '@' | '#', name: string, unknown: string): string {
  return name === '' ? unknown : `${mark}${name.replace(/^[@#]/, '')}`
}

export function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
