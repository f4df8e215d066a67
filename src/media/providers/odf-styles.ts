/** How text of OpenDocument looks, as far as it changes what it says: raised, lowered, struck out, hidden. */
import type { TextStyle } from './styled-text.ts'

export interface OdfStyle extends TextStyle {
  hidden?: boolean | undefined
}

export interface OdfStyles {
  /** Takes the tags that declare styles. */
  open(name: string, attributes: Record<string, string>): void
  close(name: string): void
  /** With what it inherits. */
  of(style: string | undefined): OdfStyle
}

/** Styles may be based on each other in a circle. */
const mostParents = 20

export function createOdfStyles(): OdfStyles {
  const styles = new Map<string, { parent: string | undefined; own: OdfStyle }>()
  let open: OdfStyle | undefined
  return {
    open(name, attributes) {
      if (name === 'style:style') {
        open = {}
        styles.set(attributes['style:name'] ?? '', { parent: attributes['style:parent-style-name'], own: open })
      } else if (name === 'style:text-properties' && open !== undefined) setProperties(open, attributes)
    },
    close(name) {
      if (name === 'style:style') open = undefined
    },
    of(style) {
      const chain: OdfStyle[] = []
      let at = style
      while (at !== undefined && chain.length < mostParents) {
        const found = styles.get(at)
        if (found !== undefined) chain.unshift(found.own)
        at = found?.parent
      }
      return Object.assign({}, ...chain)
    },
  }
}

function setProperties(style: OdfStyle, attributes: Record<string, string>): void {
  const position = attributes['style:text-position']
  const through = attributes['style:text-line-through-style'] ?? attributes['style:text-line-through-type']
  const display = attributes['text:display']
  if (position !== undefined) {
    // "super", "sub", or how far from the line in percent.
    const raised = Number.parseFloat(position)
    const isSuper = position.startsWith('super') || raised > 0
    style.script = isSuper ? 'super' : position.startsWith('sub') || raised < 0 ? 'sub' : undefined
  }
  if (through !== undefined) style.struck = through !== 'none'
  if (display !== undefined) style.hidden = display === 'none'
}
