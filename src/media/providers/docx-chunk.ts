/** Documents in other formats within a Word document (`w:altChunk`), as reporting tools write them: each by the reader of its format. */
import PostalMime from 'postal-mime'
import { furtherLook, sampleBytes, sniff } from '../sniff.ts'
import { decodeText } from '../text-encoding.ts'
import type { Unread } from '../unread.ts'
import { htmlBlocks, htmlBlocksOf } from './html.ts'
import { rtfBlocks } from './rtf.ts'

/** Its paragraphs and rows; `docx` for a Word document, which has a reader of its own; undefined for other formats. */
export async function chunkBlocks(
  bytes: Uint8Array,
  path: string,
  unread: Unread,
): Promise<readonly string[] | 'docx' | undefined> {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const sample = bytes.subarray(0, sampleBytes)
  const more = furtherLook(sample, bytes.length)
  const further = more === undefined ? sample : bytes.subarray(more.from, more.from + more.length)
  const { mediaType } = await sniff(sample, { name, mediaType: '' }, undefined, further)
  switch (mediaType) {
    case 'text/html':
      return htmlBlocksOf(bytes)
    case 'application/rtf':
      return [...rtfBlocks(Buffer.from(bytes).toString('latin1'), unread)]
    case 'message/rfc822': {
      const { html, text = '' } = await PostalMime.parse(bytes, { maxNestingDepth: 50, maxHeadersSize: 1024 * 1024 })
      return html === undefined ? text.split('\n') : htmlBlocks(html)
    }
    case 'application/vnd.openxmlformats-officedocument.wordprocessingml.document':
      return 'docx'
    case 'text/plain':
      return decodeText(bytes, '').text.split(/\r?\n/)
    default:
      return undefined
  }
}
