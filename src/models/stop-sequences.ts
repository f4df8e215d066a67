/**
 * Ends an answer before the first of the words at which the program wants it to stop. Some APIs have no such parameter, and
 * some servers ignore it: when a server goes on all the same, Parley hangs up.
 */
import type { ModelProvider } from './model.ts'

export function withStopSequences(provider: ModelProvider): ModelProvider {
  return {
    ...provider,
    async *stream(request, signal) {
      const stops = (request.sampling?.stop ?? []).filter((stop) => stop !== '')
      if (stops.length === 0) return yield* provider.stream(request, signal)
      const hangUp = new AbortController()
      /** Text that may turn out to be the beginning of a stop. */
      let held = ''
      let stopped = false
      for await (const event of provider.stream(request, AbortSignal.any([signal, hangUp.signal]))) {
        if (event.type === 'thoughtSoFar') held = ''
        if (event.type === 'text') {
          if (stopped) continue
          const text = held + event.delta
          const end = firstOf(text, stops)
          stopped = end >= 0
          const shown = stopped ? text.slice(0, end) : text.slice(0, text.length - possibleStop(text, stops))
          held = stopped ? '' : text.slice(shown.length)
          if (shown !== '') yield { type: 'text', delta: shown }
          if (stopped) hangUp.abort()
          continue
        }
        if (event.type === 'finish') {
          if (held !== '') yield { type: 'text', delta: held }
          const hungUp = event.reason === 'aborted' && !signal.aborted
          yield stopped ? { type: 'finish', reason: 'stop', hungUp } : event
          continue
        }
        yield event
      }
    },
  }
}

function firstOf(text: string, stops: readonly string[]): number {
  const places = stops.map((stop) => text.indexOf(stop)).filter((at) => at >= 0)
  return places.length === 0 ? -1 : Math.min(...places)
}

/** How many characters at the end of a text may begin a stop. */
function possibleStop(text: string, stops: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(...stops.map((stop) => stop.length)) - 1)
  for (let length = longest; length > 0; length -= 1) {
    const end = text.slice(-length)
    if (stops.some((stop) => stop.startsWith(end))) return length
  }
  return 0
}
