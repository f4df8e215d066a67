/** Reads the parts shared by all sheets of a workbook: strings and number formats. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import { type Archive, smallPart } from './archive.ts'
import { builtinKind, kindOfFormat, type NumberKind } from './sheet-values.ts'
import { readXml } from './xml.ts'

/** How many times the character limit the shared strings may hold. More would fill the memory. */
const mostStrings = 4

export async function readSharedStrings(
  archive: Archive,
  part: string,
  limits: Limits,
  name: string,
): Promise<readonly string[]> {
  const strings: string[] = []
  if (!archive.has(part)) return strings
  let text = ''
  let inText = false
  let phonetic = false
  let characters = 0
  await readXml(archive.stream(part), {
    open(tag) {
      if (tag === 'si') text = ''
      else if (tag === 'rPh') phonetic = true
      else if (tag === 't') inText = !phonetic
    },
    text(words) {
      if (inText) text += words
      if (inText) characters += words.length
      if (characters > limits.characters * mostStrings)
        throw new ParleyError('file_too_large', fileWording.limit.workbookText(name))
    },
    close(tag) {
      if (tag === 't') inText = false
      else if (tag === 'rPh') phonetic = false
      else if (tag === 'si') {
        strings.push(text)
        characters += 8
      }
    },
  })
  return strings
}

/** The kind of number of each cell style. */
export async function readStyles(archive: Archive, part: string): Promise<readonly NumberKind[]> {
  const formats = new Map<number, NumberKind>()
  const kinds: NumberKind[] = []
  if (!archive.has(part)) return kinds
  let inCells = false
  await readXml(archive.stream(part, smallPart), {
    open(tag, attributes) {
      if (tag === 'numFmt') formats.set(Number(attributes.numFmtId), kindOfFormat(attributes.formatCode ?? ''))
      else if (tag === 'cellXfs') inCells = true
      else if (tag === 'xf' && inCells) {
        const id = Number(attributes.numFmtId ?? 0)
        kinds.push(formats.get(id) ?? builtinKind(id))
      }
    },
    close(tag) {
      if (tag === 'cellXfs') inCells = false
    },
  })
  return kinds
}
