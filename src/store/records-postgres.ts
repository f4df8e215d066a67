/** Records of one platform, as rows. Secret values are stored encrypted only. */
import { Json, storableJson } from '../core/json.ts'
import type { Records } from '../core/platform-state.ts'
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
with kept as (
  insert into platform_record as known (platform, key, value, sealed, turn_id, person)
  select $1, $2, $3::jsonb, $4, $5::uuid, $6 where $5::uuid is null or exists (select from turn where id = $5::uuid for key share)
  on conflict (platform, key) do update set value = excluded.value, sealed = excluded.sealed, updated_at = now(),
    turn_id = coalesce(excluded.turn_id, known.turn_id), person = coalesce(excluded.person, known.person)
  returning platform || '/' || key as id
), old as (
  delete from blob_ref using kept where owner_kind = 'record' and owner_id = kept.id and hash <> all ($7::text[])
)
insert into blob_ref (hash, owner_kind, owner_id) select hash, 'record', kept.id from kept, unnest($7::text[]) hash
on conflict do nothing`,
}
const claim: Statement = {
  name: 'record_claim',
  text: `
insert into platform_record (platform, key, value, sealed) values ($1, $2, $3::jsonb, $4)
on conflict (platform, key) do nothing returning key`,
}
const assign: Statement = {
  name: 'record_assign',
  text: `
with owner as (
  select id from turn where id = $3::uuid for key share
), dropped as (
  delete from platform_record where platform = $1 and key = $2 and not exists (select from owner)
)
update platform_record record set turn_id = owner.id from owner where record.platform = $1 and record.key = $2`,
}
const remove: Statement = {
  name: 'record_remove',
  text: `delete from platform_record where platform = $1 and key = $2`,
}
/** As a range, for an index finds the beginning of a key only where it is known while planning. The key's order is bytewise. */
const startsWith = 'platform = $1 and key >= $2 and key < $3'
/** Sorts after all that follows a prefix: no key contains this last code point, which is not a character. */
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

  function checked(key: string, value: Json): string {
    const text = storableJson(value)
    if (key === '' || key.length > maxKeyChars || text.length > maxValueChars)
      throw new RangeError(
        `a record wants a key of 1 to ${maxKeyChars} characters and at most ${maxValueChars} of JSON`,
      )
    return text
  }

  /** For the columns `value` and `sealed`. */
  function content(key: string, value: Json, secret: boolean): [string | null, string | null] {
    const text = checked(key, value)
    return secret ? [null, secrets.seal(text, placeOf(key))] : [text, null]
  }

  return {
    async get(key) {
      const [row] = await query<Row>(get, [platform, key])
      return row === undefined ? undefined : read(row)
    },
    async put(key, value, { secret = false, turn, person, blobs = [] } = {}) {
      const owner = person === undefined ? null : `${person.workspaceId}/${person.userId}`
      await query(put, [platform, key, ...content(key, value, secret), turn ?? null, owner, blobs])
    },
    async assign(key, turn) {
      await query(assign, [platform, key, turn])
    },
    async claim(key, value, { secret = false } = {}) {
      return (await query(claim, [platform, key, ...content(key, value, secret)])).length === 1
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
