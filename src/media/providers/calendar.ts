/** Reads calendars (.ics): each event and task with its time, place, people and description, instead of the lines of the file. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { type ContentLine, contentLines } from './content-lines.ts'
import { deliverBlocks, type LineBlock } from './line-blocks.ts'

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name)
    if (problem !== undefined) sink.problem(problem)
    const ending = await deliverBlocks(eventsIn(text), { name, limits, sink })
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noEvents(name))
    return ending
  },
}

const kinds: Readonly<Record<string, string>> = { VEVENT: 'Event', VTODO: 'Task', VJOURNAL: 'Note' }

function* eventsIn(text: string): Generator<LineBlock> {
  const path: string[] = []
  let open: { kind: string; depth: number; lines: ContentLine[]; from: number } | undefined
  for (const line of contentLines(text)) {
    const value = line.value.trim().toUpperCase()
    if (line.name === 'BEGIN') {
      path.push(value)
      const kind = kinds[value]
      if (kind !== undefined && open === undefined) open = { kind, depth: path.length, lines: [], from: line.from }
    } else if (line.name === 'END') {
      if (open !== undefined && path.length <= open.depth) {
        yield { text: shown(open.kind, open.lines), from: open.from, to: line.to }
        open = undefined
      }
      path.pop()
    } else if (open !== undefined && path.length === open.depth) open.lines.push(line)
  }
  // The end is missing.
  if (open !== undefined)
    yield { text: shown(open.kind, open.lines), from: open.from, to: open.lines.at(-1)?.to ?? open.from }
}

/** For programs, not for people. */
const technical =
  /^(?:X-.*|UID|DTSTAMP|SEQUENCE|CREATED|LAST-MODIFIED|TRANSP|CLASS|PRIORITY|RECURRENCE-ID|SUMMARY|DTSTART|DTEND|DUE|DURATION|ATTENDEE)$/
const names: Readonly<Record<string, string>> = {
  RRULE: 'Repeats',
  EXDATE: 'Except',
  RDATE: 'Also on',
  ATTACH: 'Attached',
  URL: 'Link',
}

function shown(kind: string, lines: readonly ContentLine[]): string {
  const first = (name: string) => lines.find((line) => line.name === name)
  const attendees = lines.filter(({ name }) => name === 'ATTENDEE').map(person)
  const rows: (readonly [string, string])[] = [
    ['When', when(first('DTSTART'), first('DTEND'), first('DURATION'))],
    ['Due', first('DUE') === undefined ? '' : moment(first('DUE'))],
    ...lines
      .filter(({ name }) => !technical.test(name))
      .map((line) => [names[line.name] ?? capital(line.name), textOfValue(line)] as const),
    ['Attendees', attendees.join(', ')],
  ]
  const title = first('SUMMARY')?.value.trim().replace(/\s+/g, ' ') || 'without a title'
  return [`## ${kind}: ${title}`, ...rows.flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]))].join(
    '\n',
  )
}

function textOfValue(line: ContentLine): string {
  const { name, value, parameters } = line
  if (name === 'ORGANIZER') return person(line)
  if (name === 'EXDATE' || name === 'RDATE')
    return value
      .split(',')
      .map((one) => moment({ value: one, parameters }))
      .join(', ')
  if (name === 'RRULE') return value.split(';').map(rule).join(', ')
  // Content inside the file is base64.
  if (name === 'ATTACH' && parameters.has('ENCODING'))
    return parameters.get('X-FILENAME') ?? parameters.get('FILENAME') ?? 'a file'
  return value.trim()
}

function rule(part: string): string {
  const [name = '', value = ''] = part.split('=')
  return name === 'FREQ' ? value.toLowerCase() : `${name.toLowerCase()} ${name === 'UNTIL' ? moment({ value }) : value}`
}

function person({ value, parameters }: ContentLine): string {
  const address = value.replace(/^mailto:/i, '').trim()
  const name = parameters.get('CN')
  const answer = parameters.get('PARTSTAT')?.toLowerCase().replace('needs-action', '')
  const who = name === undefined || name === address ? address : `${name} <${address}>`
  return answer ? `${who} (${answer})` : who
}

type Moment = { value: string; parameters?: ReadonlyMap<string, string> }

function when(start: Moment | undefined, end: Moment | undefined, duration: Moment | undefined): string {
  if (start === undefined) return ''
  const from = moment(start)
  if (end === undefined) return duration === undefined ? from : `${from}, for ${length(duration.value)}`
  const day = /^(\d{4})(\d\d)(\d\d)$/.exec(end.value.trim())
  // The end of whole days is the day after.
  const until =
    day === null
      ? moment(end)
      : new Date(Date.UTC(Number(day[1]), Number(day[2]) - 1, Number(day[3]) - 1)).toISOString().slice(0, 10)
  return until === from ? from : `${from} to ${until}`
}

function moment(given: Moment | undefined): string {
  const text = given?.value.trim() ?? ''
  const found = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z?))?$/.exec(text)
  if (found === null) return text
  const [, year, month, day, hour, minute, , utc] = found
  if (hour === undefined) return `${year}-${month}-${day}`
  const zone = utc === 'Z' ? ' UTC' : given?.parameters?.has('TZID') ? ` (${given.parameters.get('TZID')})` : ''
  return `${year}-${month}-${day} ${hour}:${minute}${zone}`
}

function length(duration: string): string {
  const units = { W: 'weeks', D: 'days', H: 'hours', M: 'minutes', S: 'seconds' }
  const parts = [...duration.matchAll(/(\d+)([WDHMS])/g)].map(
    ([, number, unit]) => `${number} ${units[unit as keyof typeof units]}`,
  )
  return parts.length === 0 ? duration : parts.join(' ')
}

function capital(name: string): string {
  return name.charAt(0) + name.slice(1).toLowerCase().replaceAll('-', ' ')
}
