/** Decodes names in an archive: UTF-8 if declared or valid, otherwise the encoding that all names together suggest. */
import { legacyEncodingOf } from '../legacy-encoding.ts'

export function decodeNames(names: readonly { raw: Uint8Array; utf8: boolean }[]): string[] {
  const others = names.filter(({ raw, utf8 }) => !utf8 && !isUtf8(raw)).map(({ raw }) => raw)
  const legacy = others.length === 0 ? undefined : legacyEncodingOf(Buffer.concat(others.flatMap((raw) => [raw, feed])))
  return names.map(({ raw, utf8 }) =>
    utf8 || legacy === undefined || isUtf8(raw)
      ? Buffer.from(raw).toString('utf8')
      : new TextDecoder(legacy).decode(raw),
  )
}

const feed = Buffer.from('\n')

function isUtf8(raw: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(raw)
    return true
  } catch {
    return false
  }
}
