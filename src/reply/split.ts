/**
 * A growing reply as messages of a platform's size. Messages are posted while the text grows and edited afterwards, so
 * the rule is: once a later message exists, the earlier ones never change.
 */
import type { Capabilities } from '../core/platform.ts'
import { type Context, closing, linesOf, opening, plain, settle } from './blocks.ts'
import { type Cut, chooseCut, messageText } from './cut.ts'
import { MAX_CLOSING } from './fences.ts'

/** Below it, the fences and table headers that a message repeats would leave no room for its text. */
const MIN_CHARS = 100
/** What is formatted is measured so many times for one message, because measuring means formatting. */
const MEASURES = 16
/** A message that is too large after formatting is cut shorter by this, until it fits. */
const SHRINK = 0.85

/** `Capabilities.fits` */
type Fits = ((markdown: string) => boolean) | undefined

export interface Splitter {
  append(delta: string): void
  /**
   * The messages of what was appended so far; none of them is blank. All but the last fit; the last one is measured when
   * more of it is there, or by `end`.
   */
  parts(): string[]
  /** Nothing more comes: the last message is measured, too. */
  end(): void
}

type Room = Pick<Capabilities, 'maxChars' | 'fits' | 'exact'>

/** By what a platform's messages hold. */
export function splitterFor({ maxChars, fits, exact = false }: Room): Splitter {
  return exact ? createExactText() : createSplitter(maxChars, fits)
}

export function splitFor(room: Room, markdown: string): string[] {
  const splitter = splitterFor(room)
  splitter.append(markdown)
  splitter.end()
  return splitter.parts()
}

export function split(markdown: string, maxChars: number, fits?: Fits): string[] {
  return splitFor({ maxChars, fits }, markdown)
}

/** One message, exactly as it is written, even if that is nothing. */
function createExactText(): Splitter {
  let text = ''
  return {
    append: (delta) => {
      text += delta
    },
    parts: () => [text],
    end: () => {},
  }
}

/** However the text is cut into deltas, the parts are the same. Throws a RangeError when `maxChars` is below 100. */
export function createSplitter(maxChars: number, fits?: Fits): Splitter {
  if (!(maxChars >= MIN_CHARS)) throw new RangeError(`a message must hold at least ${MIN_CHARS} characters`)
  const maxHeader = Math.floor(maxChars / 3)
  const measureEvery = Math.ceil(maxChars / MEASURES)
  const done: string[] = []
  let rest = ''
  let context = plain
  let midLine = false
  /** As far as this, the rest is known to fit. */
  let measured = 0

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
      const window = tooLarge(length ?? rest.length) ?? length
      if (window === undefined) return
      take(fittingCut(rest.slice(0, window)))
    }
  }

  function take(cut: Cut): void {
    // A line that goes on in the next message leaves the block it stood in.
    const text = messageText(rest.slice(0, cut.at), context, cut.context)
    if (text.trim() !== '') done.push(text)
    rest = rest.slice(cut.at)
    context = cut.context
    midLine = cut.midLine
    measured = 0
  }

  /**
   * The first line's end up to `most` where the rest, formatted, is too large for a message. Only ends of lines at a
   * distance count, so that the place does not depend on how the text arrived.
   */
  function tooLarge(most: number): number | undefined {
    while (fits !== undefined) {
      const end = rest.indexOf('\n', measured + measureEvery - 1) + 1
      if (end === 0 || end > most) return undefined
      if (!fits(lastPart(rest.slice(0, end), context, maxHeader))) return end
      measured = end
    }
    return undefined
  }

  /** The best cut of `window` whose message fits, unless not even a few characters do. */
  function fittingCut(window: string): Cut {
    for (let room = window.length; ; room = Math.floor(room * SHRINK)) {
      const cut = chooseCut(window.slice(0, room), context, maxChars, maxHeader)
      room = Math.min(room, cut.at)
      if (room < MIN_CHARS || !fits || fits(messageText(window.slice(0, cut.at), context, cut.context))) return cut
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
    end() {
      while (fits !== undefined) {
        tidy()
        if (rest.length < MIN_CHARS || fits(lastPart(rest, context, maxHeader))) return
        take(fittingCut(rest))
      }
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
