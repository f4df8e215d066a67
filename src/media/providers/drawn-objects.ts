/** What drawings of Word, Excel and PowerPoint hold beside their text: charts and diagrams to read, and things to count. */
import type { Unread } from '../unread.ts'
import { alternativeText } from './alternative-text.ts'
import type { Relation } from './relations.ts'

/** A part with text of its own. */
export interface DrawnPart {
  kind: 'chart' | 'diagram'
  path: string
}

export interface DrawnObjects {
  open(name: string, attributes: Record<string, string>): DrawnPart | undefined
  close(name: string): void
}

/** An object shows its content as a picture, too. */
const holders = new Set(['w:object', 'p:oleObj', 'w:control', 'p:control', 'p:bg', 'a:buBlip'])

export interface DrawnContext {
  relations: ReadonlyMap<string, Relation>
  unread: Unread
  /** Takes the alternative text of a picture, chart or group. */
  describe(text: string): void
}

export function createDrawnObjects({ relations, unread, describe }: DrawnContext): DrawnObjects {
  let held = 0
  let described: string | undefined
  let decorative = false
  const target = (id: string | undefined) => relations.get(id ?? '')?.target
  return {
    open(name, attributes) {
      if (holders.has(name)) held += 1
      switch (name) {
        case 'wp:docPr':
        case 'p:cNvPr':
        case 'xdr:cNvPr':
        case 'pic:cNvPr':
        case 'v:shape': {
          if (name !== 'pic:cNvPr') decorative = false
          const words = alternativeText(attributes.descr ?? attributes.alt)
          // Word repeats it for the picture within its frame.
          if (words !== undefined && held === 0 && !(name === 'pic:cNvPr' && words === described)) describe(words)
          described = words
          return undefined
        }
        case 'adec:decorative':
          decorative = /^(?:1|true)$/.test(attributes.val ?? '')
          return undefined
        case 'a:videoFile':
        case 'a:audioFile':
        case 'a:wavAudioFile':
          unread.saw('recording', target(attributes['r:link'] ?? attributes['r:embed']))
          // Its poster is no picture of its own.
          decorative = true
          return undefined
        case 'a:blip':
        case 'v:imagedata': {
          const id = attributes['r:embed'] ?? attributes['r:link'] ?? attributes['r:id']
          // Older pictures (VML) have no such mark.
          const shown = held === 0 && !(decorative && name === 'a:blip')
          if (shown && id !== undefined && id !== '') unread.saw('picture', target(id) ?? id)
          return undefined
        }
        case 'o:OLEObject':
        case 'p:oleObj': {
          const equation = /^(?:Equation|MathType)/i.test(attributes.ProgID ?? attributes.progId ?? '')
          unread.saw(equation ? 'equation' : 'embedded file', target(attributes['r:id']))
          return undefined
        }
        case 'w:control':
        case 'p:control':
          unread.saw('form control', target(attributes['r:id']))
          return undefined
        case 'c:chart':
        case 'cx:chart': {
          const path = target(attributes['r:id'])
          return path === undefined ? undefined : { kind: 'chart', path }
        }
        case 'dgm:relIds': {
          const path = target(attributes['r:dm'])
          return path === undefined ? undefined : { kind: 'diagram', path }
        }
        default:
          return undefined
      }
    },
    close(name) {
      if (holders.has(name)) held = Math.max(0, held - 1)
    },
  }
}
