/** Blobs in the database: which bytes exist, which rows refer to them, and which have no references left. */
import type { BlobReferences, Collectable } from '../blobs/blobs.ts'
import type { Database, Statement } from './database.ts'

/** At once: their rows are locked while their bytes are removed. */
const most = 200

export function createBlobReferences(database: Pick<Database, 'query' | 'transaction'>): BlobReferences & Collectable {
  const { query, transaction } = database
  return {
    async hold(hash, id) {
      await query(hold, [hash, id])
    },
    async release(hash, id) {
      await query(release, [hash, id])
    },
    async releaseAbandoned(before) {
      await query(releaseAbandoned, [before])
    },
    collect: (remove) =>
      transaction(async (send) => {
        const released = await send<{ hash: string }>(takeReleased, [most])
        const hashes = [...new Set(released.map(({ hash }) => hash))]
        if (hashes.length === 0) return 0
        await send(lock, [hashes])
        // A separate statement, so that it sees everything committed before the lock was granted.
        const unreferenced = await send<{ hash: string }>(withoutReference, [hashes])
        for (const { hash } of unreferenced) await remove(hash)
        await send(forget, [unreferenced.map(({ hash }) => hash)])
        return released.length
      }),
  }
}

/** Waits for the row of a blob that is being collected, then creates it again. */
const hold: Statement = {
  name: 'blob_hold',
  text: `
with known as (
  insert into blob (hash) values ($1) on conflict (hash) do update set hash = excluded.hash returning hash
)
insert into blob_ref (hash, owner_kind, owner_id) select hash, 'incoming', $2 from known on conflict do nothing`,
}

const release: Statement = {
  name: 'blob_release',
  text: `delete from blob_ref where hash = $1 and owner_kind = 'incoming' and owner_id = $2`,
}

const releaseAbandoned: Statement = {
  name: 'blob_release_abandoned',
  text: `delete from blob_ref where owner_kind = 'incoming' and created_at < $1`,
}

const takeReleased: Statement = {
  name: 'blob_take_released',
  text: `
delete from blob_released where id in (select id from blob_released order by id limit $1 for update skip locked)
returning hash`,
}

const lock: Statement = {
  name: 'blob_lock',
  text: `select hash from blob where hash = any ($1) order by hash for update`,
}

const withoutReference: Statement = {
  name: 'blob_without_reference',
  text: `
select hash from blob where hash = any ($1) and not exists (select from blob_ref where blob_ref.hash = blob.hash)
order by hash`,
}

/** Artifacts and passages of a reading that was still under way go with it. */
const forget: Statement = { name: 'blob_forget', text: `delete from blob where hash = any ($1)` }
