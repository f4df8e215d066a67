/** The JSON of a request's body; `null` where it is none, which no schema takes. */
import type { HttpContext } from '../../src/core/http.ts'

export function jsonIn(context: HttpContext): unknown {
  try {
    return JSON.parse(context.get('body').toString())
  } catch {
    return null
  }
}
