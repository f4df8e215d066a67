/** Reads subtitles (SubRip, WebVTT): the text with the times at which it is shown. */

import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { segmentCharacters } from './pieces.ts'
import { provider as plain } from './text.ts'

interface Cue {
  fromMs: number
  toMs: number
  text: string
}

const times = /^\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{2})[.,](\d{1,3})/
/** The longest place to cite; in a longer one the words would be hard to find. */
const longestMs = 60_000

export const provider: Provider = {
  async read(input, limits, sink) {
    const { bytes, name } = input
    const { text, problem } = decodeText(bytes, name)
    if (problem !== undefined) sink.problem(problem)
    const cues = cuesOf(text)
    // Without times it is read as plain text.
    if (cues.length === 0) return plain.read(input, limits, sink)
    let open: Cue | undefined
    let delivered = 0
    const flush = async () => {
      if (open === undefined) return true
      const { fromMs, toMs, text: message } = open
      if (!(await sink.segment(message, { kind: 'time', fromMs, toMs }))) return false
      delivered = toMs
      return true
    }
    let full = false
    for (const cue of cues) {
      const joined = open !== undefined && open.text.length + cue.text.length < segmentCharacters
      if (open !== undefined && joined && cue.toMs - open.fromMs <= longestMs) {
        open = { fromMs: open.fromMs, toMs: Math.max(open.toMs, cue.toMs), text: `${open.text}\n${cue.text}` }
        continue
      }
      if (!(await flush())) {
        full = true
        break
      }
      open = cue
    }
    if (!full) full = !(await flush())
    const of = Math.round((cues.at(-1)?.toMs ?? 0) / 1000)
    await sink.progress({ done: of, of, unit: 'second' })
    if (!full) return {}
    const read = { done: Math.round(delivered / 1000), characters: limits.characters }
    return { truncated: fileWording.partial.first(name, 'second', read) }
  },
}

function cuesOf(text: string): Cue[] {
  const cues: Cue[] = []
  let open: Cue | undefined
  for (const line of text.split(/\r\n|\n|\r/)) {
    const match = times.exec(line)
    if (match !== null) {
      open = { fromMs: milliseconds(match.slice(1, 5)), toMs: milliseconds(match.slice(5, 9)), text: '' }
      cues.push(open)
    } else if (line.trim() === '') open = undefined
    else if (open !== undefined) open.text += `${open.text === '' ? '' : ' '}${spokenText(line)}`
  }
  return cues.filter((cue) => cue.text.trim() !== '').sort((a, b) => a.fromMs - b.fromMs)
}

/** WebVTT's voices become names; other tags are only formatting. */
function spokenText(line: string): string {
  return line
    .replace(/<v(?:\.[^\s>]*)?\s+([^>]+)>/g, '$1: ')
    .replace(/<\/?[a-z0-9:.][^>]*>|\{\\[^}]*\}/gi, '')
    .replace(/&lt;|&gt;|&amp;|&nbsp;/g, (entity) => ({ '&lt;': '<', '&gt;': '>', '&amp;': '&' })[entity] ?? ' ')
    .trim()
}

function milliseconds([hours = '0', minutes = '0', seconds = '0', fraction = '0']: string[]): number {
  return (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000 + Number(fraction.padEnd(3, '0'))
}
