/** THE table of recordings: which demuxers ffmpeg may use, and the extension that a transcriber expects. */

export interface RecordingFormat {
  /** The only ffmpeg demuxers that may open such a file, whatever it looks like to ffmpeg. */
  demuxers: string
  extension: string
  /** Whether the container can hold video; the probe says whether it does. */
  video: boolean
}

const mp4 = { demuxers: 'mov,mp4,m4a,3gp,3g2,mj2', extension: 'mp4' }
const matroska = { demuxers: 'matroska,webm', extension: 'webm' }
/** Windows Media, sound or video. */
const asf = { demuxers: 'asf', extension: 'wmv' }
const ogg = { demuxers: 'ogg', extension: 'ogg' }

export const recordings = {
  'audio/mpeg': { demuxers: 'mp3', extension: 'mp3', video: false },
  'audio/wav': { demuxers: 'wav', extension: 'wav', video: false },
  'audio/flac': { demuxers: 'flac', extension: 'flac', video: false },
  'audio/aac': { demuxers: 'aac', extension: 'aac', video: false },
  'audio/amr': { demuxers: 'amr', extension: 'amr', video: false },
  'audio/aiff': { demuxers: 'aiff', extension: 'aiff', video: false },
  'audio/wavpack': { demuxers: 'wv', extension: 'wv', video: false },
  'audio/x-caf': { demuxers: 'caf', extension: 'caf', video: false },
  'audio/x-ms-asf': { ...asf, extension: 'wma', video: false },
  'audio/ogg': { ...ogg, video: false },
  'audio/mp4': { ...mp4, extension: 'm4a', video: false },
  'audio/webm': { ...matroska, video: false },
  'video/ogg': { ...ogg, video: true },
  'video/mp4': { ...mp4, video: true },
  'video/3gpp': { ...mp4, video: true },
  'video/quicktime': { ...mp4, extension: 'mov', video: true },
  'video/webm': { ...matroska, video: true },
  'video/matroska': { ...matroska, extension: 'mkv', video: true },
  'video/x-ms-asf': { ...asf, video: true },
  'video/x-flv': { demuxers: 'flv', extension: 'flv', video: true },
  'video/mp2t': { demuxers: 'mpegts', extension: 'ts', video: true },
  'video/mpeg': { demuxers: 'mpeg,mpegvideo', extension: 'mpg', video: true },
  'video/avi': { demuxers: 'avi', extension: 'avi', video: true },
} as const satisfies Record<string, RecordingFormat>

export type RecordingType = keyof typeof recordings

/** Other names of the same containers. */
const aliases: Record<string, RecordingType> = {
  'audio/opus': 'audio/ogg',
  'audio/x-m4a': 'audio/mp4',
  'audio/m4a': 'audio/mp4',
  'audio/x-wav': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
  'audio/mp3': 'audio/mpeg',
  'application/vnd.ms-asf': 'video/x-ms-asf',
  'audio/x-ms-wma': 'audio/x-ms-asf',
  'video/x-ms-wmv': 'video/x-ms-asf',
  'video/mp1s': 'video/mpeg',
  'video/mp2p': 'video/mpeg',
  'video/x-m4v': 'video/mp4',
  'video/3gpp2': 'video/3gpp',
  'video/x-matroska': 'video/matroska',
  'audio/x-matroska': 'video/matroska',
  'video/vnd.avi': 'video/avi',
  'video/x-msvideo': 'video/avi',
}

/** The row of a media type in any spelling; undefined if it is not a supported recording. */
export function recordingType(mediaType: string): RecordingType | undefined {
  const bare = mediaType.split(';')[0]?.trim().toLowerCase() ?? ''
  const known = aliases[bare] ?? bare
  return known in recordings ? (known as RecordingType) : undefined
}

/** The media type of the same container without video, once a probe has found none. */
export function withoutVideo(type: RecordingType): RecordingType {
  if (type === 'video/ogg') return 'audio/ogg'
  if (type === 'video/webm') return 'audio/webm'
  if (type === 'video/x-ms-asf') return 'audio/x-ms-asf'
  return type === 'video/mp4' || type === 'video/3gpp' || type === 'video/quicktime' ? 'audio/mp4' : type
}

/**
 * Whether an ogg file ends in the middle of a page, which means that it was cut off. A live stream may lack the end mark, but no
 * writer leaves half a page.
 */
export function endsInsideOggPage(tail: Uint8Array): boolean {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.length)
  const at = bytes.lastIndexOf('OggS')
  if (at < 0) return false
  if (at + 27 > bytes.length) return true
  const count = bytes[at + 26] ?? 0
  const table = bytes.subarray(at + 27, at + 27 + count)
  const body = table.reduce((sum, each) => sum + each, 0)
  return table.length < count || at + 27 + count + body > bytes.length
}
