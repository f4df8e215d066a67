/**
 * Tells servers that send the whole text so far in each chunk from those that send what is new. The first chunks decide: from
 * the second on, each begins with all that was said before. A second chunk that does so may be chance ("ha", "haha"), so it is
 * held until the third.
 */

/** Below this length, a second and last chunk that repeats the first one is more likely the answer going on. */
const LEAST_REPEATED = 4

export interface TextDeltas {
  /** What a chunk adds. */
  take(text: string): string
  /** What is still held, at the end or before anything else is said. */
  rest(): string
}

export function createTextDeltas(): TextDeltas {
  let mode: 'unknown' | 'deltas' | 'whole' = 'unknown'
  let said = ''
  let held = ''

  /** What a whole text adds to what was said. A server that changed its beginning cannot take that back either. */
  function added(whole: string): string {
    const more = whole.slice(said.length)
    if (whole.length >= said.length) said = whole
    return more
  }

  function first(text: string): string {
    if (said === '') {
      said = text
      return text
    }
    if (held === '') {
      if (said.trim() !== '' && text.length > said.length && text.startsWith(said)) {
        held = text
        return ''
      }
      mode = 'deltas'
      return text
    }
    const before = held
    held = ''
    mode = text.length > before.length && text.startsWith(before) ? 'whole' : 'deltas'
    return mode === 'whole' ? added(text) : before + text
  }

  return {
    take(text) {
      if (text === '' || mode === 'deltas') return text
      return mode === 'whole' ? added(text) : first(text)
    },
    rest() {
      const before = held
      held = ''
      return before !== '' && said.length >= LEAST_REPEATED ? added(before) : before
    },
  }
}
