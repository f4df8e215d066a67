/** How the runs of a Word document look, as far as it changes what they say: raised, lowered, struck out, hidden, in a font of symbols. */

import type { TextStyle } from './styled-text.ts'
import { type SymbolFont, symbolFontOf } from './symbol-fonts.ts'

export interface RunStyle extends TextStyle {
  hidden?: boolean | undefined
  symbols?: SymbolFont | undefined
}

/** Takes one property of a run; others change nothing. */
export function setRunProperty(style: RunStyle, name: string, attributes: Record<string, string>): void {
  const value = attributes['w:val']
  const on = !/^(?:0|false|off|none)$/.test(value ?? '1')
  switch (name) {
    case 'w:vertAlign':
      style.script = value === 'superscript' ? 'super' : value === 'subscript' ? 'sub' : undefined
      break
    case 'w:strike':
    case 'w:dstrike':
      style.struck = on
      break
    case 'w:vanish':
      style.hidden = on
      break
    case 'w:rFonts':
      style.symbols = symbolFontOf(attributes['w:ascii'] ?? attributes['w:hAnsi'])
      break
  }
}

/** Styles by their id, with what they inherit. */
export type RunStyles = ReadonlyMap<string, RunStyle>

export interface DeclaredStyle {
  basedOn?: string
  run: RunStyle
}

export function inheritStyles(declared: ReadonlyMap<string, DeclaredStyle>): RunStyles {
  const styles = new Map<string, RunStyle>()
  for (const id of declared.keys()) {
    const chain: RunStyle[] = []
    let at: string | undefined = id
    // A style that is based on itself ends the chain.
    while (at !== undefined && chain.length < 20) {
      const style = declared.get(at)
      if (style !== undefined) chain.unshift(style.run)
      at = style?.basedOn
    }
    styles.set(id, Object.assign({}, ...chain))
  }
  return styles
}
