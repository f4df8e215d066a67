/** What the readers of OpenDocument texts, presentations and spreadsheets share: opening the archive, its styles, objects and forms. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import type { Input, Sink } from '../provider.ts'
import type { Unread } from '../unread.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { createOdfForms, type OdfForms } from './odf-forms.ts'
import { type OdfObjects, readOdfObjects } from './odf-objects.ts'
import { createOdfStyles, type OdfStyles } from './odf-styles.ts'
import { readXml } from './xml.ts'

export const contentPart = 'content.xml'

/** Refuses a file with a password, which its manifest shows. */
export async function openDocument(
  { bytes, name }: Pick<Input, 'bytes' | 'name'>,
  limits: Limits,
  sink: Sink,
): Promise<Archive> {
  const archive = await openArchive(bytes, name, limits, sink)
  let encrypted = archive.has('encrypted-package')
  if (archive.has('META-INF/manifest.xml')) {
    await readXml(archive.stream('META-INF/manifest.xml', smallPart), {
      open(tag) {
        if (/(?:^|:)encryption-data$/.test(tag)) encrypted = true
      },
    })
  }
  if (encrypted) throw new ParleyError('file_encrypted', fileWording.refusal.encrypted(name))
  if (!archive.has(contentPart)) throw damaged(name)
  return archive
}

export const stylesPart = 'styles.xml'

/** What the text of a document refers to. */
export interface OdfContext {
  styles: OdfStyles
  objects: OdfObjects
  forms: OdfForms
  unread: Unread
}

export async function readOdfContext(archive: Archive, unread: Unread): Promise<OdfContext> {
  const styles = createOdfStyles()
  // A damaged part of styles changes how the text looks, not what it is.
  if (archive.has(stylesPart)) await readXml(archive.stream(stylesPart, smallPart), styles).catch(() => {})
  return { styles, objects: await readOdfObjects(archive), forms: createOdfForms(), unread }
}
