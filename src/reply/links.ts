/**
 * Addresses in an answer: one that nobody asked for and nothing found becomes plain text, while the answer is still being written, so that
 * no content can make a model send people, or what they asked, somewhere. Pictures from the web are never shown. Text in code stays as it is;
 * what counts as code is less than what Markdown allows, so that nothing is taken for code that a reader would see as a link.
 */

/** The address as it is compared. `undefined` for what is no address of the web. */
export function linkKey(address: string): string | undefined {
  const url = URL.parse(
    /^(?:https?:)?\/\//i.test(address) ? address.replace(/^\/\//, 'https://') : `https://${address}`,
  )
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined
  const host = url.host.replace(/^www\./, '')
  const hash = url.hash === '#' ? '' : url.hash
  return `${host}${url.pathname.replace(/\/+$/, '')}${url.search}${hash}`
}

/** What chats make a link of: with a scheme, with "www.", or a host with a path. */
const direct = String.raw`(?:[a-z][a-z0-9+.-]{1,30}:\/\/|mailto:|www\.)`
const host = String.raw`(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}][\p{L}\p{N}-]+[/?#:]`
const bare = new RegExp(String.raw`(?:${direct}|(?<![\p{L}\p{N}/_.@-])${host})[^\s<]*`, 'iuy')
/** A character of Markdown's or HTML's that stands for one of an address. */
const disguised = /&(?:#\d+|#x[\da-f]+|colon|sol|period|commat);/iy

/** All addresses that a text has, as they are compared. */
export function linkKeysIn(text: string): string[] {
  const found = text.matchAll(new RegExp(String.raw`(?:${direct}|${host})[^\s<>"'\x60|\]\\]*`, 'giu'))
  return [...found].flatMap(([written]) => {
    const forms = [written, withoutTail(written), withoutTail(written.replace(/[()[\]].*$/, ''))]
    return [...new Set(forms)].flatMap((each) => linkKey(each) ?? [])
  })
}

/** Without what follows an address in a sentence. */
function withoutTail(address: string): string {
  let end = address.length
  for (;;) {
    const last = address[end - 1] ?? ''
    const closes = last === ')' && count(address.slice(0, end), ')') > count(address.slice(0, end), '(')
    if (!closes && !/[.,;:!?'*_~\]}>]/.test(last)) return address.slice(0, end)
    end -= 1
  }
}

const count = (text: string, character: string) => text.split(character).length - 1

export interface LinkFilter {
  /** The text that is ready to be shown. */
  push(delta: string): string
  flush(): string
  /** How many addresses, so far, were made plain text. */
  removed(): number
}

/** Tags that name an address; no platform needs them. */
const tag =
  /<(?=\/?(?:a|area|audio|base|button|embed|form|iframe|image|img|input|link|meta|object|picture|script|source|style|svg|video)\b|!)/iy
const htmlBlock = /^(?:[\s>*+-]|\d+[.)])*<[a-z/!?]/i
/** Blocks of HTML that an empty line does not end. */
const lastingHtml = /^(?:[\s>*+-]|\d+[.)])*<(?:pre|script|style|textarea|!|\?)/i

/** `before`: what was shown of the answer already; it decides what is code now. */
export function createLinkFilter(isKnown: (key: string) => boolean, before = ''): LinkFilter {
  let removed = 0
  /** The line that is being written: all of it, and how much of it was given out. */
  let line = ''
  let at = 0
  let fence: { mark: string; indent: number } | undefined
  /** What follows is no code: in this block, in the rest of the answer, in this paragraph. */
  let [html, neverCode, plain] = [false, false, false]
  /** The longest run of backticks in this paragraph. */
  let ticks = 0

  const known = (address: string) => {
    const key = linkKey(address)
    return key !== undefined && isKnown(key)
  }

  /** What of the line can be given out; all of it where it is complete. */
  function give(isComplete: boolean): string {
    const indent = line.search(/[^ ]/)
    if (indent < 0 && !isComplete) return ''
    const opens = /^ {0,3}(`{3,}|~{3,})/.exec(line)
    // Whether it is a fence is known at its end.
    if (at === 0 && opens !== null && !isComplete) return ''
    if (fence !== undefined && (indent < 0 || indent >= fence.indent)) return rest()
    const opening = at === 0 && fence === undefined ? openingOf(line) : undefined
    if (opening !== undefined && !html && !neverCode) {
      at = line.length
      return opening.shown
    }
    return scan(isComplete)
  }

  function rest(): string {
    const given = line.slice(at)
    at = line.length
    return given
  }

  function endLine(): void {
    const indent = line.search(/\S/)
    if (fence !== undefined) {
      const closing = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line)?.[1]
      if (closing?.startsWith(fence.mark) === true) fence = undefined
      else if (indent >= 0 && indent < fence.indent) {
        // It may have ended with its list, or go on: what follows is not taken for code.
        fence = undefined
        neverCode = true
      }
      return
    }
    if (indent < 0) {
      html = false
      plain = false
      ticks = 0
      return
    }
    if (lastingHtml.test(line)) neverCode = true
    if (htmlBlock.test(line)) html = true
    const opening = openingOf(line)
    if (opening === undefined || html || neverCode) return
    fence = opening
    plain = false
    ticks = 0
  }

  function scan(isComplete: boolean): string {
    // A word may still become an address.
    const end = isComplete ? line.length : lastSpace(line)
    let out = ''
    // What the line begins with decides what it is.
    if (at === 0 && !isComplete && /^(?:[\s>*+-]|\d+[.)])*$/.test(line.slice(0, end))) return ''
    const block = at === 0 ? /^(?:[\s>*+-]|\d+[.)])*(?=<(?!br\b|[a-z][a-z0-9+.-]{1,31}:)[a-z/!?])/i.exec(line) : null
    if (block !== null && block[0].length < end) {
      // No block of HTML, whose text is read in its own way.
      at = block[0].length + 1
      out = `${block[0]}\\<`
      plain = true
    }
    while (at < end) {
      const next = step(isComplete)
      if (next === undefined) return out
      out += next
    }
    return out
  }

  /** The next piece; `undefined` while it is not known what it becomes. */
  function step(isComplete: boolean): string | undefined {
    const here = line[at] ?? ''
    const rest = line.slice(at)
    if (here === '\\') {
      // A needless one within an address would only hide it from this filter.
      if (/^\\[:/.@&]/.test(rest) && /[\p{L}\p{N}:/]$/u.test(line.slice(0, at)) && !/^\d+\\/.test(line))
        return `\\${take(1)}`
      return take(/^\\[!-/:-@[-`{-~]/.test(rest) ? 2 : 1)
    }
    disguised.lastIndex = at
    if (disguised.test(line)) return `\\${take(1)}`
    if (here === '`') {
      const run = /^`+/.exec(rest)?.[0] ?? here
      const close = closingRun(isComplete ? rest : rest.replace(/`+$/, ''), run)
      ticks = Math.max(ticks, run.length)
      // The cells of a table are apart, whatever stands in them.
      if (close !== undefined && rest.slice(0, close).includes('|')) return take(run.length)
      if (plain || html || neverCode) return take(run.length)
      if (close !== undefined) return take(close)
      return isComplete ? take(run.length) : undefined
    }
    if (rest.startsWith('![')) {
      const close = closingBracket(rest)
      if (close === undefined) return isComplete ? skip(1) : undefined
      if (close + 1 >= rest.length && !isComplete) return undefined
      return /[([:]/.test(rest[close + 1] ?? '') ? skip(1) : take(1)
    }
    if (rest.startsWith(']:') && /^(?:[\s>*+-]|\d+[.)])*\[?[^[\]]*$/.test(line.slice(0, at))) {
      const [, space = '', word = ''] = /^\]:(\s*)(\S*)/.exec(rest) ?? []
      if (!isComplete && 2 + space.length + word.length >= rest.length) return undefined
      // No definition of a link: it would be a link, or a picture, anywhere in the text.
      return word === '' || /^<|[/.:]/.test(word) ? `${take(1)} ` : take(1)
    }
    if (rest.startsWith('](')) {
      const written = destination(rest.slice(2))
      if (written !== undefined && known(written)) {
        // A title may follow, with backticks that begin no code.
        if (rest[2 + written.length] !== ')') plain = true
        if (/^(?:$|\)(?:[\s?!.,:;*_~'")\]|]|$))/.test(rest.slice(2 + written.length))) return take(2 + written.length)
        at += 2 + written.length
        return `](<${written}>`
      }
      removed += 1
      at += 2
      return '] ('
    }
    if (here === '<') {
      const auto = /^<([a-z][a-z0-9+.-]{1,31}:[^\s<>]*)>/i.exec(rest)
      if (auto !== null) {
        const [whole, address = ''] = auto
        if (known(address)) return take(whole.length)
        // Rather than one piece of code, whose end another character could be.
        return /[`|\\]/.test(address) ? `\\${take(1)}` : asText(address, whole.length)
      }
      tag.lastIndex = at
      if (/^<[a-z/!?]/i.test(rest)) plain = true
      return tag.test(line) ? `\\${take(1)}` : take(1)
    }
    bare.lastIndex = at
    const [address] = bare.exec(line) ?? []
    if (address === undefined) return take(1)
    // Markdown takes everything up to a space or `<` into the link, but for what usually ends a sentence.
    const whole = withoutTail(address)
    const ends = /^[?!.,:;*_~'")]*(?:\s|$)/.test(line.slice(at + whole.length))
    if (known(whole) && ends) return take(whole.length)
    const first = withoutTail(/^[^>"`|\\[\]]*/.exec(address)?.[0] ?? address)
    if (first === '') return take(1)
    if (!known(first) || !/^[a-z]+:/i.test(first)) return asText(first, first.length)
    const apart = line[at - 1] === '\\' ? ' ' : ''
    at += first.length
    return `${apart}<${first}>`
  }

  function take(length: number): string {
    const taken = line.slice(at, at + length)
    at += length
    return taken
  }

  function skip(length: number): string {
    at += length
    return ''
  }

  function asText(address: string, length: number): string {
    removed += 1
    const mark = '`'.repeat(ticks + 1)
    const apart = line[at - 1] === '\\' || line[at - 1] === '`' ? ' ' : ''
    at += length
    return `${apart}${mark}${address}${mark}${line[at] === '`' ? ' ' : ''}`
  }

  function push(delta: string): string {
    let out = ''
    for (const part of delta.split(/(?<=\n)/)) {
      line += part.replace(/\r?\n$/, '')
      const isComplete = part.endsWith('\n')
      out += give(isComplete)
      if (!isComplete) continue
      out += part.endsWith('\r\n') ? '\r\n' : '\n'
      endLine()
      line = ''
      at = 0
    }
    return out
  }

  push(before)
  // What was shown is not given out again.
  at = line.length
  removed = 0
  return { push, flush: () => give(true), removed: () => removed }
}

/** A line that begins a block of code, with its language and nothing more of what it says. */
function openingOf(line: string): { mark: string; indent: number; shown: string } | undefined {
  const [, spaces = '', mark, language = ''] = /^( {0,3})(`{3,}(?=[^`]*$)|~{3,}) *([\w+#-]*)/.exec(line) ?? []
  return mark === undefined ? undefined : { mark, indent: spaces.length, shown: `${spaces}${mark}${language}` }
}

/** The end of the last white space. */
function lastSpace(text: string): number {
  return /\s\S*$/.exec(text) === null ? 0 : text.length - (/\S*$/.exec(text)?.[0].length ?? 0)
}

function closingRun(rest: string, run: string): number | undefined {
  for (const match of rest.slice(run.length).matchAll(/`+/g))
    if (match[0] === run) return run.length + match.index + run.length
  return undefined
}

/** Of a picture's words, which may have brackets of their own. */
function closingBracket(rest: string): number | undefined {
  let depth = 0
  for (let at = 1; at < rest.length; at += 1) {
    if (rest[at] === '\\') at += 1
    else if (rest[at] === '[') depth += 1
    else if (rest[at] === ']' && --depth === 0) return at
  }
  return undefined
}

/** What is written as a link's address, without the bracket that ends it. */
function destination(rest: string): string | undefined {
  let depth = 0
  for (let at = 0; at < rest.length; at += 1) {
    const here = rest[at] ?? ''
    if (/\s/.test(here)) return rest.slice(0, at)
    if (here === '(') depth += 1
    if (here === ')' && --depth < 0) return rest.slice(0, at)
  }
  return undefined
}
