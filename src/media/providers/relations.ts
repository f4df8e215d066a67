/** Relations between the parts of an Office Open XML file. Targets outside the file are never opened. */
import { type Archive, smallPart } from './archive.ts'
import { readXml } from './xml.ts'

export interface Relation {
  /** The last word of its type, e.g. `slide`, `hyperlink`. */
  type: string
  /** A part of the archive, or an external address, unchanged. */
  target: string
  external: boolean
}

export async function relationsOf(archive: Archive, part: string): Promise<Map<string, Relation>> {
  const slash = part.lastIndexOf('/') + 1
  const folder = part.slice(0, slash)
  const path = `${folder}_rels/${part.slice(slash)}.rels`
  const relations = new Map<string, Relation>()
  if (!archive.has(path)) return relations
  await readXml(archive.stream(path, smallPart), {
    open(name, attributes) {
      if (!/(?:^|:)Relationship$/.test(name)) return
      const { Id, Type = '', Target = '', TargetMode } = attributes
      if (Id === undefined) return
      const external = TargetMode?.toLowerCase() === 'external'
      relations.set(Id, {
        type: Type.split('/').at(-1) ?? '',
        target: external ? Target : resolvePart(folder, Target),
        external,
      })
    },
  })
  return relations
}

/** The part that the package names as its main one. */
export async function mainPart(archive: Archive, usual: string): Promise<string> {
  if (archive.has(usual)) return usual
  const main = [...(await relationsOf(archive, '')).values()].find(({ type }) => type === 'officeDocument')
  return main !== undefined && archive.has(main.target) ? main.target : usual
}

function resolvePart(folder: string, target: string): string {
  const parts: string[] = []
  for (const part of (target.startsWith('/') ? target : `${folder}${target}`).split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}
