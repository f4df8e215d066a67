/** Code fences of Markdown, line by line: what opens one, what closes it, how it is taken up again in another message. */

export interface Fence {
  /** What stands before the marker: indentation or `> `. */
  prefix: string
  marker: string
  info: string
}

// Marker and prefix have an end, so that the room a closing fence may need is known.
const OPENING = /^((?:[ \t]|>|(?:[-*+]|\d{1,3}[.)])[ \t]+){0,8})(`{3,8}(?!`)|~{3,8}(?!~))(.*)$/s
const MAX_PREFIX = 8
const MAX_INFO = 24
/** A line break, prefix and marker. */
export const MAX_CLOSING = 1 + MAX_PREFIX + 8

/** `line` comes without its line break. */
export function openingFence(line: string): Fence | undefined {
  const match = OPENING.exec(line)
  if (!match) return undefined
  const [, before = '', marker = '', rest = ''] = match
  // A backtick after the marker makes it an inline span.
  if (before.length > MAX_PREFIX || (marker.startsWith('`') && rest.includes('`'))) return undefined
  // A list's marker is not repeated; what it contains is indented instead.
  return { prefix: before.replace(/[^\s>]/g, ' '), marker, info: shortInfo(rest.trim()) }
}

export function closesFence(fence: Fence, line: string): boolean {
  const bare = line.replace(/^[ \t>]*/, '').trimEnd()
  return bare.length >= fence.marker.length && bare === (fence.marker[0] ?? '').repeat(bare.length)
}

export function reopen({ prefix, marker, info }: Fence): string {
  return `${prefix}${marker}${info}\n`
}

export function close({ prefix, marker }: Fence): string {
  return `\n${prefix}${marker}`
}

function shortInfo(info: string): string {
  if (info.length <= MAX_INFO) return info
  const language = info.split(/\s/, 1)[0] ?? ''
  return language.length <= MAX_INFO ? language : ''
}
