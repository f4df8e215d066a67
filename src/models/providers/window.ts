/**
 * How large a window a local model is loaded with. Another window reloads the model, which takes seconds; a large one
 * takes memory. So windows come in few sizes, and one that was needed lately is kept.
 */
import { monotonic } from '../../core/clock.ts'

const LEAST = 8_192
/** As long as Ollama keeps an idle model loaded. */
const KEPT_MS = 300_000
/** Tokenizers differ, and templates add words of their own. */
const SPARE = 1.15
const TEMPLATE = 256

export interface Windows {
  /** `tokens` are the estimate of input and output, `most` is what the model can or may. */
  choose(model: string, tokens: number, most: number): number
}

export function createWindows(now: () => number = monotonic): Windows {
  const lately = new Map<string, { size: number; at: number }>()
  return {
    choose(model, tokens, most) {
      let size = LEAST
      while (size < tokens * SPARE + TEMPLATE) size *= 2
      const before = lately.get(model)
      const kept = before !== undefined && now() - before.at < KEPT_MS ? before.size : 0
      const chosen = Math.min(most, Math.max(size, kept))
      // A large window is kept by those who need it, not by every short question that comes along.
      if (chosen > kept || size >= chosen) lately.set(model, { size: chosen, at: now() })
      return chosen
    },
  }
}
