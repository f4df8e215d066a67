/** Form fields of a page as lines of text: typed, ticked and chosen values with their labels. Pure. */
import type { Annotation, Printed } from './pdf-annotations.ts'

/** Points between a field and the words beside it. */
const farthest = 60
/** Longer lists, such as countries, are not repeated; only the choice is. */
const mostChoices = 20

export function formLines(annotations: readonly Annotation[], printed: readonly Printed[]): string[] {
  const fields = annotations.filter(({ subtype }) => subtype === 'Widget')
  const shown = new Set<string>()
  return fields.flatMap((field): string[] => {
    switch (field.fieldType) {
      case 'Tx':
        return textLine(field, fields, printed)
      case 'Ch':
        return [choiceLine(field, fields, printed)]
      case 'Btn':
        if (field.radioButton) {
          const name = field.fieldName ?? field.id
          if (shown.has(name)) return []
          shown.add(name)
          return [
            radioLine(
              fields.filter((each) => each.radioButton && each.fieldName === field.fieldName),
              fields,
              printed,
            ),
          ]
        }
        return field.checkBox ? [`${ticked(field) ? '[x]' : '[ ]'} ${label(field, 'right', fields, printed)}`] : []
      default:
        return []
    }
  })
}

function textLine(field: Annotation, fields: readonly Annotation[], printed: readonly Printed[]): string[] {
  const value = typeof field.fieldValue === 'string' ? field.fieldValue.trim() : ''
  if (value === '') return []
  const shown = field.password ? '(a password)' : value.replace(/\s*[\r\n]+\s*/g, ' / ')
  return [`${label(field, 'left', fields, printed)}: ${shown}`]
}

function choiceLine(field: Annotation, fields: readonly Annotation[], printed: readonly Printed[]): string {
  const chosen = new Set([field.fieldValue ?? []].flat())
  const options = (field.options ?? []).map(({ exportValue, displayValue }) => ({
    text: displayValue ?? exportValue ?? '',
    chosen: chosen.has(exportValue ?? '') || chosen.has(displayValue ?? ''),
  }))
  const known = options.filter((option) => option.chosen)
  // Some lists accept typed values.
  const typed = known.length > 0 ? [] : [...chosen].filter((value) => value !== '')
  const name = label(field, 'left', fields, printed)
  if (options.length > mostChoices || typed.length > 0) {
    const picked = [...known.map(({ text }) => text), ...typed].join(', ')
    return `${name}: ${picked === '' ? `nothing chosen of ${options.length}` : picked}`
  }
  return `${name}: ${options.map((option) => `${option.chosen ? '[x]' : '[ ]'} ${option.text}`).join(', ')}`
}

function radioLine(group: readonly Annotation[], fields: readonly Annotation[], printed: readonly Printed[]): string {
  const [first] = group
  const common = first?.alternativeText?.trim()
  const shared = common !== undefined && common !== '' && group.every((each) => each.alternativeText?.trim() === common)
  const buttons = group.map((field) => {
    const text = beside(field, 'right', fields, printed) ?? (shared ? undefined : field.alternativeText?.trim())
    return `${radioOn(field) ? '(x)' : '( )'} ${text || field.buttonValue || 'without a label'}`
  })
  return `${shared ? common : shortName(first)}: ${buttons.join(', ')}`
}

function ticked({ fieldValue, exportValue }: Annotation): boolean {
  if (typeof fieldValue !== 'string' || fieldValue === '' || fieldValue === 'Off') return false
  return exportValue === undefined || exportValue === null || fieldValue === exportValue
}

function radioOn({ fieldValue, buttonValue }: Annotation): boolean {
  return typeof fieldValue === 'string' && fieldValue !== 'Off' && fieldValue === buttonValue
}

/** The label given by the form's author, or the words printed beside the field, or its name in the file. */
function label(
  field: Annotation,
  side: 'left' | 'right',
  fields: readonly Annotation[],
  printed: readonly Printed[],
): string {
  const given = field.alternativeText?.trim()
  if (given) return given
  return beside(field, side, fields, printed) ?? shortName(field)
}

function shortName(field: Annotation | undefined): string {
  const name = field?.fieldName
    ?.split('.')
    .at(-1)
    ?.replace(/\[\d+\]$/, '')
    .trim()
  return name || 'a field without a name'
}

/** The words next to the field on the expected side, or on the other side, or above. */
function beside(
  field: Annotation,
  side: 'left' | 'right',
  fields: readonly Annotation[],
  printed: readonly Printed[],
): string | undefined {
  const [left = 0, bottom = 0, right = 0, top = 0] = field.rect
  // A dense form has the words of the next line within the field's height too.
  const line = printed.filter(
    (each) =>
      Math.min(each.top, top) - Math.max(each.bottom, bottom) > Math.min(each.top - each.bottom, top - bottom) / 2,
  )
  const others = fields.filter((other) => other !== field && other.rect !== field.rect)
  const onRight = () =>
    run(
      line.filter((each) => each.left >= right - 2),
      right,
      1,
      others,
      bottom,
      top,
    )
  const onLeft = () =>
    run(
      line.filter((each) => each.right <= left + 2),
      left,
      -1,
      others,
      bottom,
      top,
    )
  const found = side === 'right' ? (onRight() ?? onLeft()) : (onLeft() ?? undefined)
  if (found !== undefined) return found.replace(/\s*[:：]$/, '')
  const above = printed
    .filter((each) => each.bottom >= top - 2 && each.bottom - top < 14 && each.left < right && each.right > left)
    .toSorted((one, other) => one.bottom - other.bottom)[0]
  return above?.text.replace(/\s*[:：]$/, '')
}

/** Consecutive pieces of text from `from` in the given direction, up to a gap or the next field. */
function run(
  line: readonly Printed[],
  from: number,
  direction: 1 | -1,
  fields: readonly Annotation[],
  bottom: number,
  top: number,
): string | undefined {
  const near = direction === 1 ? (each: Printed) => each.left : (each: Printed) => each.right
  const far = direction === 1 ? (each: Printed) => each.right : (each: Printed) => each.left
  const sorted = line.toSorted((one, other) => direction * (near(one) - near(other)))
  const words: string[] = []
  let at = from
  for (const piece of sorted) {
    const gap = direction * (near(piece) - at)
    if (gap > (words.length === 0 ? farthest : Math.max(8, piece.top - piece.bottom))) break
    const [start, end] = [Math.min(at, near(piece)), Math.max(at, near(piece))]
    const another = fields.some(
      ({ rect: [left = 0, low = 0, right = 0, high = 0] }) =>
        Math.min(high, top) > Math.max(low, bottom) && left >= start - 2 && right <= end + 2,
    )
    if (another) break
    words.push(piece.text)
    at = far(piece)
  }
  if (words.length === 0) return undefined
  return (direction === 1 ? words : words.toReversed()).join(' ').slice(0, 200)
}
