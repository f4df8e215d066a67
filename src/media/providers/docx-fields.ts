/** The fields of a Word document that people fill in, and those whose value is only in their code. */
import { shownByCode } from './field-codes.ts'

interface Field {
  kind: 'text' | 'check' | 'list' | undefined
  checked: boolean
  entries: string[]
  chosen: number | undefined
  code: string
  /** After its code comes the result that is shown. */
  inResult: boolean
  hasResult: boolean
}

export interface DocxFields {
  open(name: string, attributes: Record<string, string>): void
  /** Text of a field's code. */
  code(words: string): void
  /** Text of a result was shown. Returns false if the field shows something else in its place. */
  result(words: string): boolean
  /** What the field that just ended shows, other than its result. */
  take(): string
}

const longestCode = 2_000

export function createDocxFields(): DocxFields {
  const fields: Field[] = []
  let shown = ''
  return {
    open(name, attributes) {
      const value = attributes['w:val']
      const field = fields.at(-1)
      if (name === 'w:fldChar') {
        const type = attributes['w:fldCharType']
        if (type === 'begin') {
          fields.push({
            kind: undefined,
            checked: false,
            entries: [],
            chosen: undefined,
            code: '',
            inResult: false,
            hasResult: false,
          })
        } else if (type === 'separate' && field !== undefined) field.inResult = true
        else if (type === 'end') {
          fields.pop()
          if (field !== undefined) shown += shownBy(field)
        }
      } else if (field === undefined) return
      else if (name === 'w:checkBox') field.kind = 'check'
      else if (name === 'w:ddList') field.kind = 'list'
      else if (field.kind === 'check' && (name === 'w:checked' || name === 'w:default'))
        field.checked = !/^(?:0|false|off)$/.test(value ?? '1')
      else if (field.kind === 'list' && name === 'w:result') field.chosen = Number(value) || 0
      else if (field.kind === 'list' && name === 'w:default') field.chosen ??= Number(value) || 0
      else if (name === 'w:listEntry') field.entries.push(value ?? '')
    },
    code(words) {
      const field = fields.at(-1)
      if (field !== undefined && !field.inResult && field.code.length < longestCode) field.code += words
    },
    result(words) {
      const field = fields.at(-1)
      if (field === undefined || !field.inResult) return true
      if (field.kind === 'check' || field.kind === 'list') return false
      if (words.trim() !== '') for (const each of fields) each.hasResult = true
      return true
    },
    take() {
      const taken = shown
      shown = ''
      return taken
    },
  }
}

function shownBy({ kind, checked, entries, chosen, code, hasResult }: Field): string {
  if (kind === 'check') return checked ? '[x]' : '[ ]'
  if (kind === 'list') return entries[chosen ?? 0] ?? ''
  if (hasResult) return ''
  return shownByCode(code)
}
