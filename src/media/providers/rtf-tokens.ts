/** Splits RTF into groups, control words and runs of bytes. */

export type RtfToken =
  | { kind: 'open' }
  | { kind: 'close' }
  | { kind: 'word'; word: string; value: number | undefined }
  /** Bytes in the current code page. */
  | { kind: 'bytes'; bytes: Uint8Array }

const control = /([a-z]{1,32})(-?\d{1,10})? ?/iy

/** `rtf` is the file as Latin-1, one character a byte. */
export function* rtfTokens(rtf: string): Generator<RtfToken> {
  let at = 0
  while (at < rtf.length) {
    const sign = rtf.charAt(at)
    if (sign === '{' || sign === '}') {
      at += 1
      yield { kind: sign === '{' ? 'open' : 'close' }
    } else if (sign === '\r' || sign === '\n' || sign === '\0') at += 1
    else if (sign === '\\') {
      const next = rtf.charAt(at + 1)
      if (next === "'") {
        const from = at
        while (rtf.startsWith("\\'", at) && at - from < 4 * 4_096) at += 4
        const hex = rtf.slice(from, at).replaceAll("\\'", '')
        yield { kind: 'bytes', bytes: Buffer.from(hex, 'hex') }
        continue
      }
      control.lastIndex = at + 1
      const match = control.exec(rtf)
      if (match === null) {
        at += 2
        yield symbol(next)
        continue
      }
      at = control.lastIndex
      const value = match[2] === undefined ? undefined : Number(match[2])
      if (match[1] === 'bin') at += Math.max(0, value ?? 0)
      else yield { kind: 'word', word: match[1] ?? '', value }
    } else {
      const from = at
      while (at < rtf.length && at - from < 64 * 1024 && !'\\{}\r\n\0'.includes(rtf.charAt(at))) at += 1
      yield { kind: 'bytes', bytes: Buffer.from(rtf.slice(from, at), 'latin1') }
    }
  }
}

function symbol(sign: string): RtfToken {
  switch (sign) {
    case '~':
      return { kind: 'bytes', bytes: Buffer.from(' ') }
    case '_':
      return { kind: 'bytes', bytes: Buffer.from('-') }
    case '*':
      return { kind: 'word', word: '*', value: undefined }
    case '\r':
    case '\n':
      return { kind: 'word', word: 'par', value: undefined }
    case '\t':
      return { kind: 'word', word: 'tab', value: undefined }
    case '-':
    case ':':
    case '|':
      return { kind: 'word', word: '', value: undefined }
    default:
      return { kind: 'bytes', bytes: Buffer.from(sign, 'latin1') }
  }
}
