/**
 * PostgreSQL's NOTIFY carries less than 8,000 bytes. A longer message travels as several, in order, and is put together
 * again; one publisher's parts never mix, so an interrupted message is known by the next one's number.
 */
export interface Splitter {
  /** A message's notifications. Each differs from all others, because PostgreSQL drops repeats within a transaction. */
  split(text: string): string[]
}

/** In bytes; the head of a part needs some of the 7,999. */
const partBytes = 7_800

export function createSplitter(sender: string): Splitter {
  let count = 0
  return {
    split(text) {
      const number = count++
      const whole = Buffer.from(text)
      if (whole.length <= partBytes) return [`${sender} ${number} 0 1 ${text}`]
      // base64, because a cut through a character of several bytes is no text any more.
      const encoded = whole.toString('base64')
      const parts = Math.ceil(encoded.length / partBytes)
      return Array.from(
        { length: parts },
        (_, at) => `${sender} ${number} ${at} ${parts} ${encoded.slice(at * partBytes, (at + 1) * partBytes)}`,
      )
    },
  }
}

export interface Joiner {
  /** The message that this notification completes, if it does. */
  join(notification: string): string | undefined
}

export function createJoiner(): Joiner {
  /** Per sender what has come of its latest message. */
  const open = new Map<string, { number: string; parts: string[] }>()
  return {
    join(notification) {
      const [, sender = '', number = '', at = '', total = '', body = ''] =
        /^(\S+) (\d+) (\d+) (\d+) (.*)$/s.exec(notification) ?? []
      if (total === '1') return body
      const known = open.get(sender)
      const parts = known?.number === number ? known.parts : []
      if (parts.length !== Number(at)) {
        open.delete(sender)
        return undefined
      }
      parts.push(body)
      if (parts.length < Number(total)) {
        open.set(sender, { number, parts })
        return undefined
      }
      open.delete(sender)
      return Buffer.from(parts.join(''), 'base64').toString()
    },
  }
}
