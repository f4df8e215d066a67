/** Cuts text to a platform's limit without breaking a character that people see as one. */

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** At most `max` UTF-16 units, as platforms count them. What is cut ends with an ellipsis. */
export function shorten(text: string, max: number): string {
  if (text.length <= max) return text.toWellFormed()
  const room = max - 1
  // One character more than fits shows whether the last one is whole. Joined emoji are far shorter than this window.
  const window = text.slice(0, room + 64)
  const end = graphemes.segment(window).containing(room)?.index ?? room
  return `${window.slice(0, end).toWellFormed().trimEnd()}…`
}

/** As `shorten`, for titles: it ends with a whole word, unless the last one is long. */
export function shortenTitle(text: string, max: number): string {
  const cut = shorten(text, max)
  if (text.length <= max) return cut
  const kept = cut.slice(0, -1)
  const lastWord = /\s\S+$/.exec(kept)
  const isWhole = /^\s/.test(text.slice(kept.length))
  return isWhole || lastWord === null || lastWord.index < max / 2 ? cut : `${kept.slice(0, lastWord.index).trimEnd()}…`
}
