/** The lines of calendars (iCalendar) and contacts (vCard), of all their versions: unfolded, with parameters and decoded values. */
import { decodeAs } from '../text-encoding.ts'

export interface ContentLine {
  /** In upper case, without the group before it. */
  name: string
  parameters: ReadonlyMap<string, string>
  /** Without escapes. */
  value: string
  /** The parts between semicolons, without escapes. */
  parts: string[]
  /** Lines of the file, from 1. */
  from: number
  to: number
}

export function* contentLines(text: string): Generator<ContentLine> {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  for (let at = 0; at < lines.length; ) {
    const from = at + 1
    let line = lines[at] ?? ''
    at += 1
    const softBreaks = /;(?:ENCODING=)?QUOTED-PRINTABLE[;:]/i.test(line)
    for (; at < lines.length; at += 1) {
      const next = lines[at] ?? ''
      if (/^[ \t]/.test(next)) line += next.slice(1)
      else if (softBreaks && line.endsWith('=')) line = line.slice(0, -1) + next
      else break
    }
    const parsed = parse(line)
    if (parsed !== undefined) yield { ...parsed, from, to: at }
  }
}

function parse(line: string): Omit<ContentLine, 'from' | 'to'> | undefined {
  const head = /^(?:[\w-]+\.)?([\w-]+)((?:;(?:[^":;]|"[^"]*")*)*):/.exec(line)
  if (head === null) return undefined
  const [start, name = '', list = ''] = head
  const parameters = new Map<string, string>()
  for (const parameter of list.match(/;(?:[^";]|"[^"]*")*/g) ?? []) {
    const [key = '', ...rest] = parameter.slice(1).split('=')
    // Version 2.1 names a type without its key.
    const [called, value] = rest.length === 0 ? ['TYPE', key] : [key.toUpperCase(), rest.join('=').replaceAll('"', '')]
    const before = parameters.get(called)
    parameters.set(called, before === undefined ? value : `${before},${value}`)
  }
  const raw = decoded(line.slice(start.length), parameters)
  const parts = raw.match(/(?:[^;\\]|\\[\s\S])+|(?<=^|;)(?=;|$)/g)?.map(unescaped) ?? []
  return { name: name.toUpperCase(), parameters, value: unescaped(raw), parts }
}

function decoded(value: string, parameters: ReadonlyMap<string, string>): string {
  const isQuoted = /QUOTED-PRINTABLE/i.test(`${parameters.get('ENCODING')},${parameters.get('TYPE')}`)
  if (!isQuoted) return value
  const bytes: number[] = []
  for (const [piece, hex] of value.matchAll(/=([0-9a-f]{2})|[\s\S]/gi)) {
    bytes.push(...(hex === undefined ? Buffer.from(piece) : [Number.parseInt(hex, 16)]))
  }
  return decodeAs(Uint8Array.from(bytes), parameters.get('CHARSET') ?? 'utf-8')
}

function unescaped(value: string): string {
  return value.replace(/\\([nN\\;,:])/g, (_, sign: string) => (/n/i.test(sign) ? '\n' : sign))
}
