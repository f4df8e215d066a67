/** Reads an email: headers, text and attachments, each attachment by its type. */
import PostalMime, { type Address, type Email } from 'postal-mime'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import { archiveDefaults } from '../limits.ts'
import type { Provider } from '../provider.ts'
import { htmlBlocks } from './html.ts'
import { createInner } from './inner.ts'
import { createLineText } from './pieces.ts'

export const provider: Provider = {
  async read(input, limits, sink) {
    const { bytes, name } = input
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const mail = await parse(bytes, name)
    const most = limits.files ?? archiveDefaults.files
    const attachments = mail.attachments.filter(({ disposition, related }) => !(related && disposition === 'inline'))
    const text = createLineText(sink)
    let full = false
    for (const line of [
      ...headOf(
        mail,
        attachments.map(({ filename }) => filename),
      ),
      ...bodyOf(mail),
    ]) {
      if (!(await text.add(line))) {
        full = true
        break
      }
    }
    const ending = await text.finish(name, limits)
    if (ending === undefined && attachments.length === 0) {
      throw new ParleyError('file_empty', fileWording.empty.noMessage(name))
    }
    if (full || ending?.truncated !== undefined) return ending ?? {}
    const inner = createInner(input, limits, sink)
    const names = new Set<string>()
    for (const [at, { filename, mimeType, content }] of attachments.slice(0, most).entries()) {
      const called = unique(filename ?? (mimeType === 'message/rfc822' ? 'message.eml' : `attachment ${at + 1}`), names)
      const file = { name: called, mediaType: mimeType, bytes: bytesOf(content) }
      if (!(await inner.read(file))) {
        const read = { done: at, of: attachments.length, characters: limits.characters }
        return { truncated: fileWording.partial.first(name, 'attachment', read) }
      }
      await sink.progress({ done: at + 1, of: attachments.length, unit: 'file' })
    }
    if (attachments.length <= most) return {}
    return { truncated: fileWording.partial.first(name, 'attachment', { done: most, of: attachments.length }) }
  },
}

async function parse(bytes: Uint8Array, name: string): Promise<Email> {
  try {
    return await PostalMime.parse(bytes, {
      attachmentEncoding: 'arraybuffer',
      // A forwarded email is an attachment like any other, with its own positions.
      forceRfc822Attachments: true,
      maxNestingDepth: 50,
      maxHeadersSize: 1024 * 1024,
    })
  } catch (error) {
    throw new ParleyError('file_damaged', fileWording.damaged.mail(name), { cause: error })
  }
}

function headOf(mail: Email, attachments: (string | null)[]): string[] {
  const lines: (readonly [string, string | undefined])[] = [
    ['From', addresses(mail.from === undefined ? [] : [mail.from])],
    ['To', addresses(mail.to)],
    ['Cc', addresses(mail.cc)],
    ['Reply-To', addresses(mail.replyTo)],
    ['Date', mail.date],
    ['Subject', mail.subject],
    ['Attachments', attachments.map((each) => each ?? 'without a name').join(', ')],
  ]
  return lines.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [`${name}: ${value.replace(/\s+/g, ' ')}`],
  )
}

function bodyOf({ text, html }: Email): string[] {
  if (text !== undefined && text.trim() !== '') return ['', ...text.replaceAll('\r\n', '\n').trimEnd().split('\n')]
  return html === undefined ? [] : htmlBlocks(html)
}

function addresses(list: readonly Address[] = []): string {
  return list
    .flatMap((each) => (each.group === undefined ? [each] : each.group))
    .map(({ name, address }) => (name ? `${name} <${address ?? ''}>` : (address ?? '')))
    .join(', ')
}

function unique(name: string, taken: Set<string>): string {
  let free = name
  for (let number = 2; taken.has(free); number += 1) free = `${name} (${number})`
  taken.add(free)
  return free
}

function bytesOf(content: ArrayBuffer | Uint8Array | string): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content)
  return content instanceof Uint8Array ? content : new Uint8Array(content)
}
