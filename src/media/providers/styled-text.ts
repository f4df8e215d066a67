/**
 * Text with raised, lowered and struck-out runs, which would be another value without its marks: `10^6`, `x_2`, `~~900~~ 750`. A reader writes
 * its runs one after another and appends what comes back.
 */

export interface TextStyle {
  script?: 'super' | 'sub' | undefined
  struck?: boolean | undefined
}

export interface StyledText {
  /** What to append now. A raised or lowered run is held back until its end, because what follows decides about brackets. */
  write(text: string, style: TextStyle): string
  /** Ends every run, as at the end of a paragraph or before other marks. */
  end(): string
}

export function createStyledText(): StyledText {
  let script: TextStyle['script']
  let held = ''
  let struck = false
  let opened = false
  /** White space after struck-out text, which stays outside its marks if the text ends there. */
  let space = ''
  let last = ''

  function put(text: string): string {
    if (text === '') return ''
    last = text.at(-1) ?? last
    if (!struck) return text
    const words = text.trim()
    if (words === '') {
      if (!opened) return text
      space += text
      return ''
    }
    const [before = '', after = ''] = text.split(words)
    const start = opened ? `${space}${before}` : `${before}~~`
    opened = true
    space = after
    return `${start}${words}`
  }

  function endScript(next: string): string {
    const [text, kind] = [held, script]
    held = ''
    script = undefined
    const words = text.trim()
    if (words === '' || kind === undefined) return put(text)
    const [before = '', after = ''] = text.split(words)
    return put(
      `${before}${marked(words, kind, { before: before === '' ? last : ' ', next: after === '' ? next : ' ' })}${after}`,
    )
  }

  function endStruck(): string {
    const end = opened ? `~~${space}` : ''
    struck = false
    opened = false
    space = ''
    return end
  }

  return {
    write(text, style) {
      if (text === '') return ''
      const strikes = style.struck === true
      let out = ''
      if (style.script !== script || strikes !== struck) out += endScript(text.charAt(0))
      if (strikes !== struck) {
        out += endStruck()
        struck = strikes
      }
      script = style.script
      if (script === undefined) return out + put(text)
      held += text
      return out
    },
    end: () => endScript('') + endStruck(),
  }
}

/** A raised or lowered run between the letters `before` and `next`. */
export function marked(
  words: string,
  kind: 'super' | 'sub',
  { before, next }: { before: string; next: string },
): string {
  if (kind === 'super') {
    // "5th", "Parley™" and "45°" mean the same on the line.
    if (/^(?:st|nd|rd|th)$/i.test(words) && /\d/.test(before)) return words
    if (/^[®™©℠°º*†‡§′″]+$/.test(words)) return words
  }
  const sign = kind === 'super' ? '^' : '_'
  const simple =
    /^(?:[-+−]?\d+(?:[.,]\d+)*|\p{L}|\d*[-+−])$/u.test(words) || (kind === 'sub' && /^[\p{L}\p{N}]+$/u.test(words))
  const runsOn = new RegExp(
    /\d$/.test(words) ? '^\\d' : /\p{L}$/u.test(words) ? '^\\p{L}' : '^[\\p{L}\\p{N}]',
    'u',
  ).test(next)
  return simple && !runsOn ? `${sign}${words}` : `${sign}(${words})`
}
