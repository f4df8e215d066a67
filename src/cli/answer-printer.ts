/** Prints an answer while it grows: its status on stderr, its text on stdout. */
import { createMarkdownPrinter } from './markdown.ts'

export interface AnswerPrinter {
  status(text: string): void
  /** `text`: everything so far. */
  show(text: string): void
  end(): void
}

export const silent: AnswerPrinter = { status() {}, show() {}, end() {} }

/** Drawn on a terminal; elsewhere Markdown as it comes, for other programs. */
export function answerPrinter(): AnswerPrinter {
  const status = statusLine()
  const write = (text: string) => {
    status.clear()
    process.stdout.write(text)
  }
  const { isTTY, columns } = process.stdout
  const plain = () => {
    let shown = ''
    return {
      show(text: string) {
        // If the answer starts over, print it again below.
        write(text.startsWith(shown) ? text.slice(shown.length) : `\n\n${text}`)
        shown = text
      },
      end: () => shown !== '' && write('\n'),
    }
  }
  const printer = isTTY ? createMarkdownPrinter(write, process.stdout.hasColors(), columns) : plain()
  return {
    status: status.show,
    show: printer.show,
    end() {
      printer.end()
      status.clear()
    },
  }
}

/** A status line that overwrites itself; silent if stderr is not a terminal. */
function statusLine() {
  let shown = false
  return {
    show(text: string) {
      if (!process.stderr.isTTY) return
      process.stderr.write(`\r\x1b[K${text}…`)
      shown = true
    },
    clear() {
      if (shown) process.stderr.write('\r\x1b[K')
      shown = false
    },
  }
}
