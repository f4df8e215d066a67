/** What file-type makes of a file's first bytes. */
import { fileTypeFromBuffer } from 'file-type'

/** The media type that the bytes' signature tells, or undefined when they have none (text, mostly). Never throws. */
export async function signatureOf(sample: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(sample))?.mime
  } catch {
    return undefined
  }
}
