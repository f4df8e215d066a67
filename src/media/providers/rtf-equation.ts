/** Equations of rich text, whose groups are named as the elements of Office's equations: `{\mf{\mnum 1}{\mden 2}}`. */
import { createEquations } from './equation.ts'

export interface RtfEquation {
  /** A group begins. */
  open(): void
  /** The first control word of a group. Returns whether the word belongs to an equation. */
  word(name: string): boolean
  text(words: string): boolean
  /** A group ends. */
  close(): void
}

export function createRtfEquation(write: (equation: string) => void): RtfEquation {
  const equations = createEquations(write)
  /** The element of each open group of the equation; empty for a group that is none. */
  const groups: string[] = []
  let inside = false
  return {
    open() {
      if (inside) groups.push('')
    },
    word(name) {
      if (!inside && name !== 'moMath') return false
      const element = /^m[a-zA-Z]/.test(name) ? name.slice(1) : undefined
      if (!inside) {
        inside = true
        groups.push('')
      }
      if (element === undefined || groups.at(-1) !== '') return true
      groups[groups.length - 1] = element
      equations.open(`m:${element}`, {})
      return true
    },
    text(words) {
      if (!inside) return false
      const isRun = groups.findLast((group) => group !== '') === 'r'
      if (isRun) equations.open('m:t', {})
      equations.text(words)
      if (isRun) equations.close()
      return true
    },
    close() {
      if (!inside) return
      if (groups.pop() !== '') equations.close()
      inside = groups.length > 0
    },
  }
}
