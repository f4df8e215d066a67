/**
 * One Parley per home, through an advisory lock on a separate connection. PostgreSQL releases it however the holder dies.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { ParleyError } from '../../core/errors.ts'
import { homeWording } from '../../wording/storage.ts'
import { isAlive } from './process.ts'

/** Any fixed number; the lock is taken in the database `postgres`, where nothing else locks. */
const lockKey = 8_787_001
/** How long the server may take to notice that a killed holder is gone. */
const graceMs = 5000

export interface Holder {
  pid: number
  /** ISO 8601. */
  startedAt: string
}

/** Names the holder on its connection, so that a rejected Parley can say who holds the home. At most 63 bytes. */
export function holderName(holder: Holder): string {
  return `parley ${holder.pid} ${holder.startedAt}`
}

function readHolderName(text: string): Holder | undefined {
  const [, pid, startedAt] = /^parley (\d+) (\S+)$/.exec(text) ?? []
  return pid === undefined || startedAt === undefined ? undefined : { pid: Number(pid), startedAt }
}

/** Throws `home_in_use` when another Parley holds it. `self` holding it through an older connection is waited for. */
export async function acquireHomeLock(client: pg.Client, home: string, self: Holder): Promise<void> {
  const deadline = performance.now() + graceMs
  for (;;) {
    const tried = await client.query<{ ok: boolean }>('select pg_try_advisory_lock($1::bigint) as ok', [lockKey])
    if (tried.rows[0]?.ok === true) return
    const name = await holderOf(client)
    const holder = name === undefined ? undefined : readHolderName(name)
    const leaving = name === undefined || name === holderName(self) || (holder !== undefined && !isAlive(holder.pid))
    if (!leaving || performance.now() > deadline) throw inUse(home, holder)
    await sleep(20)
  }
}

async function holderOf(client: pg.Client): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a using (pid)
     where l.locktype = 'advisory' and l.granted and l.objid = $1::bigint::oid and l.database =
       (select oid from pg_database where datname = current_database())`,
    [lockKey],
  )
  return rows[0]?.name
}

function inUse(home: string, holder: Holder | undefined): ParleyError {
  return new ParleyError('home_in_use', homeWording.inUse(home, holder))
}
