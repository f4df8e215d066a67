/** What people ticked, chose and typed in the forms of OpenDocument. */

export interface OdfForms {
  open(name: string, attributes: Record<string, string>): void
  close(name: string): void
  /** What a control shows, by its id; empty for buttons and the like. */
  shown(id: string | undefined): string
}

interface Control {
  name: string
  attributes: Record<string, string>
  chosen: string[]
}

export function createOdfForms(): OdfForms {
  const controls = new Map<string, Control>()
  let open: Control | undefined
  return {
    open(name, attributes) {
      const id = attributes['xml:id'] ?? attributes['form:id']
      if (name === 'form:option' || name === 'form:item') {
        const chosen = attributes['form:current-selected'] ?? attributes['form:selected']
        if (chosen === 'true') open?.chosen.push(attributes['form:label'] ?? attributes['form:value'] ?? '')
      } else if (id !== undefined && name.startsWith('form:')) {
        open = { name, attributes, chosen: [] }
        controls.set(id, open)
      }
    },
    close(name) {
      if (name === open?.name) open = undefined
    },
    shown(id) {
      const control = controls.get(id ?? '')
      return control === undefined ? '' : shownBy(control)
    },
  }
}

function shownBy({ name, attributes, chosen }: Control): string {
  const label = attributes['form:label'] ?? ''
  const value = attributes['form:current-value'] ?? attributes['form:value'] ?? ''
  switch (name) {
    case 'form:checkbox': {
      const state = attributes['form:current-state'] ?? attributes['form:state']
      return `${state === 'checked' ? '[x]' : '[ ]'} ${label}`.trim()
    }
    case 'form:radio': {
      const selected = attributes['form:current-selected'] ?? attributes['form:selected']
      return `${selected === 'true' ? '(x)' : '( )'} ${label}`.trim()
    }
    case 'form:listbox':
      return chosen.join(', ')
    case 'form:fixed-text':
    case 'form:frame':
      return label
    case 'form:text':
    case 'form:textarea':
    case 'form:formatted-text':
    case 'form:number':
    case 'form:date':
    case 'form:time':
    case 'form:combobox':
    case 'form:value-range':
      return value
    default:
      return ''
  }
}

/** Fields within the text, which LibreOffice keeps of Word's forms. */
export interface OdfFieldMark {
  type: string
  checked: boolean
  entries: string[]
  chosen: number
}

export function setFieldParameter(field: OdfFieldMark, attributes: Record<string, string>): void {
  const value = attributes['field:value'] ?? ''
  switch (attributes['field:name']) {
    case 'Checkbox_Checked':
      field.checked = value === 'true'
      return
    case 'Dropdown_ListEntry':
      field.entries.push(value)
      return
    case 'Dropdown_Selected':
      field.chosen = Number(value) || 0
  }
}

export function shownByFieldMark({ type, checked, entries, chosen }: OdfFieldMark): string {
  if (type.endsWith('FORMCHECKBOX')) return checked ? '[x]' : '[ ]'
  return type.endsWith('FORMDROPDOWN') ? (entries[chosen] ?? '') : ''
}
