/**
 * A growing reply as messages of a platform's size. Messages are posted while the text grows and edited afterwards, so
 * the rule is: once a later message exists, the earlier ones never change.
 */
import { type Context, closing, linesOf, opening, plain, settle } from './blocks.ts'
import { chooseCut, messageText } from './cut.ts'
import { MAX_CLOSING } from './fences.ts'

/** Below it, the fences and table headers that a message repeats would leave no room for its text. */
const MIN_CHARS = 100

export interface Splitter {
  append(delta: string): void
  /** The messages of what was appended so far; none of them is blank. */
  parts(): string[]
}

export function split(markdown: string, maxChars: number): string[] {
  const splitter = createSplitter(maxChars)
  splitter.append(markdown)
  return splitter.parts()
}

/** However the text is cut into deltas, the parts are the same. Throws a RangeError when `maxChars` is below 100. */
export function createSplitter(maxChars: number): Splitter {
  if (!(maxChars >= MIN_CHARS)) throw new RangeError(`a message must hold at least ${MIN_CHARS} characters`)
  const maxHeader = Math.floor(maxChars / 3)
  const done: string[] = []
  let rest = ''
  let context = plain
  let midLine = false

  /** Takes off what no message shows: blank lines at its beginning, the end of a block that is already closed. */
  function tidy(): void {
    if (context.kind !== 'text') {
      const end = rest.slice(0, maxChars - opening(context).length - MAX_CLOSING).indexOf('\n')
      if (end < 0) return
      const settled = settle(context, rest.slice(0, end))
      if (settled.skip) rest = rest.slice(end + 1)
      context = settled.context
      if (context.kind !== 'text') return
    }
    if (midLine) {
      rest = rest.replace(/^[^\S\n]+/, '')
      midLine = !rest.startsWith('\n')
    }
    rest = rest.replace(/^(?:[^\S\n]*\n)+/, '')
  }

  function cutFinished(): void {
    for (;;) {
      tidy()
      const length = overflow(rest, context, maxChars, maxHeader)
      if (length === undefined) return
      const cut = chooseCut(rest.slice(0, length), context, maxChars, maxHeader)
      // A line that goes on in the next message leaves the block it stood in.
      const text = messageText(rest.slice(0, cut.at), context, cut.context)
      if (text.trim() !== '') done.push(text)
      rest = rest.slice(cut.at)
      context = cut.context
      midLine = cut.midLine
    }
  }

  return {
    append(delta) {
      if (delta === '') return
      rest += delta
      cutFinished()
    },
    parts() {
      const last = lastPart(rest, context, maxHeader)
      return last === '' ? [...done] : [...done, last]
    },
  }
}

function lastPart(rest: string, context: Context, maxHeader: number): string {
  if (rest.trim() === '' || settle(context, rest).skip) return ''
  const end = linesOf(rest, context, maxHeader).at(-1)?.after ?? context
  return messageText(rest, context, end)
}

/** The length of the shortest beginning of `rest` that does not fit into a message, closed as it would have to be. */
function overflow(rest: string, context: Context, maxChars: number, maxHeader: number): number | undefined {
  const room = maxChars - opening(context).length
  const first = room - MAX_CLOSING + 1
  if (rest.length < first) return undefined
  const longest = rest.slice(0, room + 1)
  const lines = linesOf(longest, context, maxHeader)
  for (let length = first; length <= longest.length; length++) {
    if (length + closing(contextAt(longest, lines, length, maxHeader)).length > room) return length
  }
  return undefined
}

/** The context in which the first `length` characters end; a line in progress counts as complete. */
function contextAt(text: string, lines: ReturnType<typeof linesOf>, length: number, maxHeader: number): Context {
  const line = lines.findLast(({ from }) => from < length)
  if (line === undefined || line.to <= length) return line?.after ?? plain
  return linesOf(text.slice(line.from, length), line.before, maxHeader).at(-1)?.after ?? plain
}
