/** Server-sent events, read leniently: bytes in any pieces → the payload of each `data:` line group. */

/** More than this in one line is no chat stream. */
const MAX_LINE = 8 * 1024 * 1024

/**
 * Yields each event's data. Comments, other fields and blank keep-alives are passed over; a line with no known field
 * name is given as data, because some servers send bare text. An event that the stream's end leaves half sent is dropped.
 */
export async function* readSse(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = []
  let fields = false
  let bare = 0
  for await (const line of readLines(pieces)) {
    if (line === '') {
      if (data.length > 0) yield data.join('\n')
      data = []
      continue
    }
    const field = /^(data|event|id|retry)?:/.exec(line)
    if (field) fields = true
    else bare++
    if (field && field[1] !== 'data') continue
    const value = (field ? line.slice(5) : line).replace(field ? /^ / : /^$/, '')
    // Some servers end events with one newline only: another payload is another event, not a second line of the first.
    if (data.length > 0 && /^\s*(?:\{|\[DONE\]|b['"])/.test(value)) yield data.splice(0).join('\n')
    data.push(value)
  }
  // `dat` at the end of a stream of fields is no text, but what is left of a field.
  if (fields && bare === 1 && /^[a-z]+$/.test(data.at(-1) ?? '')) data.pop()
  const last = data.join('\n')
  if (last !== '' && !isHalf(last)) yield last
}

/** JSON without its end, a bytes literal without its closing quote. */
function isHalf(data: string): boolean {
  const literal = /^\s*b(['"])(.*)$/s.exec(data)
  if (literal) return !literal[2]?.trimEnd().endsWith(literal[1] ?? '')
  if (!data.trimStart().startsWith('{')) return false
  try {
    JSON.parse(data)
    return false
  } catch {
    return true
  }
}

/** Lines without their ends, also of NDJSON; a character split between pieces comes out whole. */
export async function* readLines(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of pieces) {
    rest += decoder.decode(piece, { stream: true })
    let from = 0
    for (let end = rest.indexOf('\n', from); end >= 0; end = rest.indexOf('\n', from)) {
      yield rest.slice(from, rest[end - 1] === '\r' && end > from ? end - 1 : end)
      from = end + 1
    }
    rest = rest.slice(from)
    if (rest.length > MAX_LINE) throw new RangeError(`a line of the stream is longer than ${MAX_LINE} characters`)
  }
  rest += decoder.decode()
  if (rest !== '') yield rest.replace(/\r$/, '')
}
