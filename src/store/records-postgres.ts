/** Records of one platform, as rows. What is secret lies there sealed and nowhere in clear. */
import { Json, storableJson } from '../core/json.ts'
import type { Records } from '../core/records.ts'
import type { Database, Statement } from './database.ts'
import type { Secrets } from './secrets.ts'

/** Records are small: what is larger is a file. */
const maxKeyChars = 512
const maxValueChars = 256_000

const get: Statement = {
  name: 'record_get',
  text: `select key, value, sealed from platform_record where platform = $1 and key = $2`,
}
const put: Statement = {
  name: 'record_put',
  text: `
insert into platform_record (platform, key, value, sealed) values ($1, $2, $3::jsonb, $4)
on conflict (platform, key) do update set value = excluded.value, sealed = excluded.sealed, updated_at = now()`,
}
const remove: Statement = {
  name: 'record_remove',
  text: `delete from platform_record where platform = $1 and key = $2`,
}
/** As a range, for an index finds the beginning of a key only where it is known while planning. The key's order is bytewise. */
const startsWith = 'platform = $1 and key >= $2 and key < $3'
/** Sorts after all that follows a prefix: no key holds this last code point, which is no character. */
const lastCodePoint = '\u{10ffff}'
const list: Statement = {
  name: 'record_list',
  text: `select key, value, sealed from platform_record where ${startsWith} order by key`,
}
const removeOlder: Statement = {
  name: 'record_remove_older',
  text: `delete from platform_record where ${startsWith} and updated_at < $4`,
}

export const recordStatements = { list, removeOlder }

interface Row {
  [column: string]: unknown
  key: string
  value: Json | null
  sealed: string | null
}

export function createRecords(database: Pick<Database, 'query'>, secrets: Secrets, platform: string): Records {
  const { query } = database
  const placeOf = (key: string) => JSON.stringify(['platform_record', platform, key])

  function read({ key, value, sealed }: Row): Json {
    return sealed === null ? value : Json.parse(JSON.parse(secrets.open(sealed, placeOf(key))))
  }

  return {
    async get(key) {
      const [row] = await query<Row>(get, [platform, key])
      return row === undefined ? undefined : read(row)
    },
    async put(key, value, { secret = false } = {}) {
      const text = storableJson(value)
      if (key === '' || key.length > maxKeyChars || text.length > maxValueChars)
        throw new RangeError(
          `a record wants a key of 1 to ${maxKeyChars} characters and at most ${maxValueChars} of JSON`,
        )
      await query(put, secret ? [platform, key, null, secrets.seal(text, placeOf(key))] : [platform, key, text, null])
    },
    async remove(key) {
      await query(remove, [platform, key])
    },
    async list(prefix) {
      return (await query<Row>(list, [platform, prefix, prefix + lastCodePoint])).map((row) => ({
        key: row.key,
        value: read(row),
      }))
    },
    async removeOlder(prefix, before) {
      await query(removeOlder, [platform, prefix, prefix + lastCodePoint, before])
    },
  }
}
