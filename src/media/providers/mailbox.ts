/**
 * Splits a mailbox (mbox) into its emails, as Thunderbird, Apple Mail and Google Takeout export them: each begins with a line `From ` after a
 * blank line. `Content-Length` is ignored, because programs that change an email leave it wrong.
 */

/** One email for a file that is no mailbox. */
export function mailsIn(bytes: Uint8Array): Uint8Array[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  if (!startsMail(text, 0)) return [bytes]
  const starts = [0]
  for (let at = text.indexOf('\nFrom '); at >= 0; at = text.indexOf('\nFrom ', at + 6)) {
    const blank = text[at - 1] === '\n' || text.startsWith('\n\r', at - 2)
    if (blank && startsMail(text, at + 1)) starts.push(at + 1)
  }
  return starts.map((from, index) => {
    const line = text.indexOf('\n', from) + 1
    return Buffer.from(unquoted(text.slice(line, starts[index + 1])), 'latin1')
  })
}

/** A line `From `, and after it a header, or a line that was quoted when the email was stored twice. */
function startsMail(text: string, at: number): boolean {
  if (!text.startsWith('From ', at)) return false
  const end = text.indexOf('\n', at)
  return end >= 0 && /^(?:>?From |[!-9;-~]+:)/.test(text.slice(end + 1, end + 200))
}

/** Lines of a text that begin with `From ` are stored with a `>` before them. */
function unquoted(mail: string): string {
  return mail.replace(/^>(>*From )/gm, '$1')
}
