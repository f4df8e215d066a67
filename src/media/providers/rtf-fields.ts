/** Fields of rich text: boxes to tick, lists to choose from, and those whose code says what they show. */
import { shownByCode } from './field-codes.ts'

interface Field {
  /** How many groups are open around it. */
  depth: number
  type: number | undefined
  result: number | undefined
  fallback: number
  entries: string[]
  code: string
  hasResult: boolean
}

export interface RtfFields {
  word(name: string, value: number | undefined, depth: number): void
  /** An entry of a list. */
  entry(text: string): void
  code(text: string): void
  /** Text of a result was shown. */
  shown(): void
  /** Whether the open field shows something other than its result. */
  replaces(): boolean
  /** What the field that ends with the group at this depth shows. */
  end(depth: number): string
}

/** The value of a form field that nobody filled in. */
const unset = 25
const longestCode = 2_000

/** `unknown` hears of a box whose state the file does not store. */
export function createRtfFields(unknown: () => void): RtfFields {
  const fields: Field[] = []
  const last = () => fields.at(-1)
  const isForm = ({ type }: Field) => type === 1 || type === 2
  return {
    word(name, value, depth) {
      const field = last()
      if (name === 'field')
        fields.push({ depth, type: undefined, result: undefined, fallback: 0, entries: [], code: '', hasResult: false })
      else if (field === undefined) return
      else if (name === 'fftype') field.type = value
      else if (name === 'ffres' && value !== unset) field.result = value
      else if (name === 'ffdefres') field.fallback = value ?? 0
    },
    entry: (text) => last()?.entries.push(text),
    code(text) {
      const field = last()
      if (field !== undefined && field.code.length < longestCode) field.code += text
    },
    shown() {
      for (const field of fields) field.hasResult = true
    },
    replaces: () => fields.some(isForm),
    end(depth) {
      const field = last()
      if (field === undefined || field.depth !== depth) return ''
      fields.pop()
      const value = field.result ?? field.fallback
      if (field.type === 1) return value === 1 ? '[x]' : '[ ]'
      if (field.type === 2) return field.entries[value] ?? ''
      if (/^\s*FORMCHECKBOX/.test(field.code)) unknown()
      return field.hasResult ? '' : shownByCode(field.code)
    },
  }
}
