/**
 * A response's bytes → the events of its stream. Read leniently: servers send events with other line ends, without blank
 * lines, with a doubled `data:`, as NDJSON, as one JSON body, pretty or not, and sometimes as bare text or a web page.
 */
import { parseJson } from './chunk.ts'

export interface ServerEvent {
  data: string
  /** What its `event:` field says. */
  name?: string | undefined
  /** It came outside of any field: a line of NDJSON, a whole body, or text that is no event at all. */
  bare?: true
}

/** More than this in one event is no chat stream. */
const MAX_EVENT = 8 * 1024 * 1024

/**
 * Server-sent events. Comments, other fields and blank keep-alives are passed over. An event that the stream's end leaves half
 * sent is dropped.
 */
export async function* readSse(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  let name: string | undefined
  let data: string[] = []
  /** Lines outside of any field. */
  let bare: string[] = []
  let size = 0
  let fields = false

  function* endEvent(): Generator<ServerEvent> {
    if (data.length > 0) yield { data: data.join('\n'), name }
    data = []
    name = undefined
    size = 0
  }
  function* endBare(): Generator<ServerEvent> {
    if (bare.length > 0) yield { data: bare.join('\n'), bare: true }
    bare = []
    size = 0
  }

  for await (const line of readLines(pieces)) {
    size += line.length
    if (size > MAX_EVENT) throw new RangeError(`an event of the stream is longer than ${MAX_EVENT} characters`)
    if (line === '') {
      yield* endEvent()
      // A web page and a printed JSON body may have blank lines.
      if (!/^\s*[<{[]/.test(bare[0] ?? '')) yield* endBare()
      continue
    }
    const field = /^(data|event|id|retry)?:/.exec(line)
    if (field === null) {
      // A line break that its server forgot to escape, or JSON that was printed over several lines.
      if (data.length > 0) data.push(line)
      else if (bare.length === 0 && isJsonObject(line)) yield { data: line, bare: true }
      else bare.push(line)
      continue
    }
    fields = true
    yield* endBare()
    const value = line.slice(field[0].length).replace(/^ /, '')
    if (field[1] === 'event') {
      yield* endEvent()
      name = value.trim()
    }
    if (field[1] !== 'data') continue
    // Some servers end events with one newline only: another payload is another event, not a second line of the first.
    if (data.length > 0 && startsPayload.test(value) && isWhole(data.join('\n'))) yield* endEvent()
    data.push(value.replace(/^\s*(?:data:\s*)+(?=\{|\[DONE\])/, ''))
  }
  if (!isHalf(data.join('\n'))) yield* endEvent()
  // `dat` at the end of a stream of fields is the beginning of a field, not text.
  if (fields && bare.length === 1 && /^[a-z]+$/.test(bare[0] ?? '')) return
  if (!isHalf(bare.join('\n'))) yield* endBare()
}

/** Lines of JSON. */
export async function* readNdjson(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  for await (const data of readLines(pieces)) yield { data }
}

/** What servers send as data to keep a connection open. `words`: any word of these may be part of an answer. */
export function isKeepAlive(data: string, words = false): boolean {
  return (words ? certainlyNoText : keepAlive).test(data)
}

const certainlyNoText = /^\s*:|^\W*(?:keep[\s_-]?alive|heart[\s_-]?beat|ping)\W*$/i
const keepAlive =
  /^\s*:|^\W*(?:keep[\s_-]?alive|heart[\s_-]?beat|ping|pong|null|none|undefined|true|ok|(?:\w+ )?processing|waiting|connected)\W*$/i

const startsPayload = /^\s*(?:\{|\[DONE\]|b['"])/

function isJsonObject(text: string): boolean {
  return text.trimStart().startsWith('{') && parseJson(text) !== undefined
}

/** Not JSON that goes on in the next line. */
function isWhole(data: string): boolean {
  return !data.trimStart().startsWith('{') || parseJson(data) !== undefined
}

/** JSON without its end, a bytes literal without its closing quote. */
function isHalf(data: string): boolean {
  const literal = /^\s*b(['"])(.*)$/s.exec(data)
  if (literal) return !literal[2]?.trimEnd().endsWith(literal[1] ?? '')
  return !isWhole(data)
}

/** Lines without their ends: LF, CRLF or CR. A character split between pieces comes out whole. */
export async function* readLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  /** The last line ended in CR: an LF that follows belongs to it. */
  let afterReturn = false
  for await (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true })
    if (text === '') continue
    const unread = rest.length
    rest += afterReturn && text.startsWith('\n') ? text.slice(1) : text
    afterReturn = false
    let from = 0
    const lineEnd = /\r\n?|\n/g
    lineEnd.lastIndex = unread
    for (let end = lineEnd.exec(rest); end !== null; end = lineEnd.exec(rest)) {
      yield rest.slice(from, end.index)
      from = lineEnd.lastIndex
      afterReturn = end[0] === '\r' && from === rest.length
    }
    rest = rest.slice(from)
    if (rest.length > MAX_EVENT) throw new RangeError(`a line of the stream is longer than ${MAX_EVENT} characters`)
  }
  rest += decoder.decode()
  if (rest !== '') yield rest
}
