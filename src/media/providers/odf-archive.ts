/** Opens an OpenDocument file, and refuses one with a password, which its manifest shows. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Limits } from '../limits.ts'
import { type Archive, damaged, openArchive, smallPart } from './archive.ts'
import { readXml } from './xml.ts'

export const contentPart = 'content.xml'

export async function openDocument(bytes: Uint8Array, name: string, limits: Limits): Promise<Archive> {
  const archive = await openArchive(bytes, name, limits)
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
