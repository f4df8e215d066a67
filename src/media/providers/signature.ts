/** Detects a file's type from the signature in its first bytes. */
import { fileTypeFromBuffer } from 'file-type'

/** The media type by signature, or undefined if there is none (mostly text). Never throws. */
export async function signatureOf(sample: Uint8Array): Promise<string | undefined> {
  try {
    return (await fileTypeFromBuffer(sample))?.mime ?? tiff(sample)
  } catch {
    return tiff(sample)
  }
}

/** file-type looks for a TIFF's directory, which most programs write after the picture. */
function tiff(sample: Uint8Array): string | undefined {
  const [first, second, third, fourth] = sample
  const little = first === 0x49 && second === 0x49 && third === 0x2a && fourth === 0
  const big = first === 0x4d && second === 0x4d && third === 0 && fourth === 0x2a
  return little || big ? 'image/tiff' : undefined
}
