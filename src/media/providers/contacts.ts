/** Reads contacts (.vcf): the names, numbers and addresses of each person, instead of the lines of the file. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { createUnread, type Unread } from '../unread.ts'
import { type ContentLine, contentLines } from './content-lines.ts'
import { deliverBlocks, type LineBlock } from './line-blocks.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name)
    if (problem !== undefined) sink.problem(problem)
    const unread = createUnread(name, sink)
    const ending = await deliverBlocks(cardsIn(text, unread), { name, limits, sink })
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noContacts(name))
    unread.report()
    return ending
  },
}

function* cardsIn(text: string, unread: Unread): Generator<LineBlock> {
  let lines: ContentLine[] = []
  let from: number | undefined
  for (const line of contentLines(text)) {
    const card = line.value.trim().toUpperCase() === 'VCARD'
    if (line.name === 'BEGIN' && card) [from, lines] = [line.from, []]
    else if (line.name === 'END' && card && from !== undefined) {
      yield { text: shown(lines, unread), from, to: line.to }
      from = undefined
    } else if (from !== undefined) lines.push(line)
  }
  if (from !== undefined) yield { text: shown(lines, unread), from, to: lines.at(-1)?.to ?? from }
}

/** For programs, not for people. */
const technical =
  /^(?:X-(?!.*(?:PHONE|SOCIAL|SKYPE|ABDATE|ANNIVERSARY|SPOUSE|MANAGER|ASSISTANT)).*|VERSION|PRODID|REV|UID|FN|N|SORT-STRING|CLIENTPIDMAP|BEGIN|END)$/
const binary = /^(?:PHOTO|LOGO|SOUND|KEY)$/
const names: Readonly<Record<string, string>> = {
  TEL: 'Phone',
  EMAIL: 'Email',
  ADR: 'Address',
  ORG: 'Organization',
  BDAY: 'Birthday',
  URL: 'Link',
}

function shown(lines: readonly ContentLine[], unread: Unread): string {
  const name =
    lines.find((line) => line.name === 'FN')?.value.trim() || fullName(lines.find((line) => line.name === 'N'))
  const rows: string[] = []
  for (const line of lines) {
    if (technical.test(line.name)) continue
    if (binary.test(line.name)) {
      if (line.name === 'PHOTO' || line.name === 'LOGO') unread.saw('picture')
      continue
    }
    const value = (
      /^(?:ADR|ORG)$/.test(line.name)
        ? line.parts
            .map((part) => part.trim())
            .filter(Boolean)
            .join(', ')
        : line.value
    )
      .trim()
      .replace(/\s*\n\s*/g, ', ')
    const types = (line.parameters.get('TYPE') ?? '')
      .toLowerCase()
      .split(',')
      .filter((type) => type !== '' && !/^(?:pref|internet|voice|quoted-printable|x-.*)$/.test(type))
    const label =
      names[line.name] ?? line.name.charAt(0) + line.name.slice(1).toLowerCase().replace(/^x-/, '').replaceAll('-', ' ')
    if (value !== '') rows.push(`${label}${types.length === 0 ? '' : ` (${types.join(', ')})`}: ${value}`)
  }
  return [`## ${name || 'without a name'}`, ...rows].join('\n')
}

/** Family name, given name, others, prefix, suffix. */
function fullName(line: ContentLine | undefined): string {
  const [family = '', given = '', other = '', prefix = '', suffix = ''] = line?.parts ?? []
  return [prefix, given, other, family, suffix]
    .map((part) => part.trim())
    .filter(Boolean)
    .join(' ')
}
