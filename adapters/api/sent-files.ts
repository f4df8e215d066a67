/** Pure: files in a request, as data or by address, in the words of any dialect. */
import { apiFileErrors } from '../../src/wording/api.ts'
import { ApiFailure } from './failure.ts'

export interface SentFile {
  name: string
  mediaType: string
  /** Its bytes, or the address of a picture on the web. */
  data: Buffer | URL
  voiceNote: boolean
}

/** `param` is where it stands in the request, `index` numbers it there. */
export function pictureAt(url: string, param: string, index: number): SentFile {
  if (/^https?:/i.test(url)) return webPicture(url, param, index)
  const { mediaType, data } = dataUrl(url, param)
  return picture(mediaType, data, index)
}

export function picture(mediaType: string, data: Buffer, index: number): SentFile {
  return { name: `image-${index + 1}.${extension(mediaType)}`, mediaType, data, voiceNote: false }
}

export function recording(data: string, format: string, index: number): SentFile {
  const mediaType = format === 'mp3' ? 'audio/mpeg' : `audio/${format}`
  return { name: `audio-${index + 1}.${format}`, mediaType, data: base64(data, 'input_audio'), voiceNote: true }
}

export function document(
  { name, data, id }: { name?: string | undefined; data?: string | undefined; id?: string | null | undefined },
  index: number,
): SentFile {
  if (data === undefined)
    throw new ApiFailure(400, id == null ? apiFileErrors.dataMissing : apiFileErrors.idsUnsupported, {
      param: 'messages',
      code: 'unsupported_file',
    })
  const { mediaType, data: bytes } = data.startsWith('data:')
    ? dataUrl(data, 'file_data')
    : { mediaType: 'application/octet-stream', data: base64(data, 'file_data') }
  return { name: fileName(name, mediaType, index), mediaType, data: bytes, voiceNote: false }
}

export function fileName(name: string | undefined | null, mediaType: string, index: number): string {
  return (name ?? '').trim().slice(0, 255) || `file-${index + 1}.${extension(mediaType)}`
}

function webPicture(address: string, param: string, index: number): SentFile {
  const url = URL.parse(address)
  if (url === null)
    throw new ApiFailure(400, apiFileErrors.notADataUrl(param), { param: 'messages', code: 'unsupported_url' })
  return { name: `image-${index + 1}`, mediaType: 'application/octet-stream', data: url, voiceNote: false }
}

function dataUrl(url: string, what: string): { mediaType: string; data: Buffer } {
  const [, mediaType, rest] = /^data:([\w.+-]+\/[\w.+-]+)((?:;[^,]*)?,)/.exec(url.slice(0, 500)) ?? []
  if (mediaType === undefined || rest === undefined)
    throw new ApiFailure(400, apiFileErrors.notADataUrl(what), { param: 'messages', code: 'unsupported_url' })
  const content = url.slice(`data:${mediaType}${rest}`.length)
  if (/;base64,$/i.test(rest)) return { mediaType, data: base64(content, what) }
  try {
    return { mediaType, data: Buffer.from(decodeURIComponent(content)) }
  } catch {
    throw new ApiFailure(400, apiFileErrors.malformedDataUrl(what), { param: 'messages' })
  }
}

export function base64(text: string, what: string): Buffer {
  if (!/^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(text) || text === '')
    throw new ApiFailure(400, apiFileErrors.notBase64(what), { param: 'messages' })
  return Buffer.from(text, 'base64')
}

export function extension(mediaType: string): string {
  const subtype = mediaType.split('/')[1] ?? 'bin'
  return subtype === 'jpeg' ? 'jpg' : subtype.replace(/^x-|\+.*$/g, '').slice(0, 10)
}
