/** Draws an answer's Markdown for a terminal, block by block as it is written. Colors follow NO_COLOR and FORCE_COLOR. */
import { stripVTControlCharacters, styleText } from 'node:util'
import { type Dialect, translate } from '../core/markdown/translate.ts'

type Style = Parameters<typeof styleText>[0]

/** `colors: false`: no escape sequences. */
export function terminalDialect(colors: boolean): Dialect {
  const style = (format: Style, text: string) => (colors ? styleText(format, text, { validateStream: false }) : text)
  return {
    // A model's text must not move the cursor, set the title or clear the screen.
    text: printable,
    strong: (inner) => style('bold', inner),
    emphasis: (inner) => style('italic', inner),
    strike: (inner) => (colors ? style('strikethrough', inner) : `~${inner}~`),
    code: (code) => (colors ? style('cyan', printable(code)) : `\`${printable(code)}\``),
    fence: (code) =>
      printable(code)
        .split('\n')
        .map((line) => style('cyan', `    ${line}`.trimEnd()))
        .join('\n'),
    link: (inner, url) => (inner === url ? style('underline', url) : `${inner} (${style('underline', url)})`),
    heading: (inner) => style(['bold', 'underline'], inner),
    quote: (inner) =>
      inner
        .split('\n')
        .map((line) => `${style('dim', '│')} ${line}`)
        .join('\n'),
    bullet: () => '• ',
    rule: style('dim', '─'.repeat(40)),
  }
}

/** Without control characters, but with tabs and line breaks. */
function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is removed.
  return stripVTControlCharacters(text).replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
}

/** Prints Markdown that grows: each block once it is whole. */
export interface MarkdownPrinter {
  /** `text`: everything so far. */
  show(text: string): void
  /** Prints what is left. */
  end(): void
}

export function createMarkdownPrinter(print: (text: string) => void, colors: boolean, columns = 80): MarkdownPrinter {
  const dialect = terminalDialect(colors)
  let text = ''
  let printed = 0
  const draw = (to: number) => {
    const block = text.slice(printed, to)
    printed = to
    const drawn = translate(block, dialect, { tableColumns: Math.max(20, columns - 4) })
    if (drawn !== '') print(`${drawn}\n\n`)
  }
  return {
    show(next) {
      // The answer starts over: print it again below.
      if (!next.startsWith(text.slice(0, printed))) {
        print('\n')
        printed = 0
      }
      text = next
      const whole = printed + endOfBlocks(text.slice(printed))
      if (whole > printed) draw(whole)
    },
    end() {
      draw(text.length)
    },
  }
}

/** Where the last blank line outside of code blocks ends. The text before it does not change any more. */
function endOfBlocks(text: string): number {
  let end = 0
  let at = 0
  let fence: string | undefined
  for (const line of text.split('\n').slice(0, -1)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1]
    if (fence === undefined) fence = mark
    else if (mark?.startsWith(fence)) fence = undefined
    at += line.length + 1
    if (fence === undefined && line.trim() === '') end = at
  }
  return end
}
