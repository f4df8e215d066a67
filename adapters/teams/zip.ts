/** Pure: writes a small ZIP archive for the app package. Entries are deflated; no folders, no comments. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  name: string
  data: Uint8Array
}

const version = 20
const deflated = 8
/** 1980-01-01, the earliest date in ZIP: the same package has the same bytes. */
const date = 0x21

export function zip(entries: ZipEntry[]): Buffer {
  const files: Buffer[] = []
  const index: Buffer[] = []
  let offset = 0
  for (const { name, data } of entries) {
    const title = Buffer.from(name)
    const body = deflateRawSync(data)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(version, 0)
    about.writeUInt16LE(deflated, 4)
    about.writeUInt16LE(date, 8)
    about.writeUInt32LE(crc32(data), 10)
    about.writeUInt32LE(body.length, 14)
    about.writeUInt32LE(data.length, 18)
    about.writeUInt16LE(title.length, 22)
    const place = Buffer.alloc(14)
    place.writeUInt32LE(offset, 10)
    const file = Buffer.concat([Buffer.from('PK\x03\x04'), about, title, body])
    files.push(file)
    const madeBy = Buffer.from([version, 0])
    index.push(Buffer.concat([Buffer.from('PK\x01\x02'), madeBy, about, place, title]))
    offset += file.length
  }
  const directory = Buffer.concat(index)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(entries.length, 4)
  end.writeUInt16LE(entries.length, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...files, directory, Buffer.from('PK\x05\x06'), end])
}
