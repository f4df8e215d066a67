/** The account PostgreSQL runs as. PostgreSQL refuses root, so when Parley runs as root it uses an unprivileged account. */
import { execFile } from 'node:child_process'
import { chown, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { ParleyError } from '../../core/errors.ts'
import { embeddedDatabaseWording } from '../../wording/storage.ts'

const run = promisify(execFile)

export interface Account {
  name: string
  uid: number
  gid: number
}

/**
 * The account to switch to, or `undefined` when Parley is not root and PostgreSQL simply runs as Parley does.
 * Existing data stays with the account that owns it.
 */
export async function chooseAccount(existingData: string | undefined): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  if (existingData !== undefined) {
    const owner = await stat(existingData)
    if (owner.uid !== 0) return { name: `uid ${owner.uid}`, uid: owner.uid, gid: owner.gid }
  }
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = await Promise.all([idOf(name, '-u'), idOf(name, '-g')])
    if (uid !== undefined && gid !== undefined && uid !== 0) return { name, uid, gid }
  }
  throw new ParleyError('database_start_failed', embeddedDatabaseWording.noAccount)
}

async function idOf(name: string, flag: '-u' | '-g'): Promise<number | undefined> {
  try {
    return Number((await run('id', [flag, name])).stdout.trim())
  } catch {
    return undefined
  }
}

/** Spawn options that switch to `account`; Node also drops root's supplementary groups. */
export function spawnAs(account: Account | undefined): { uid?: number; gid?: number } {
  return account === undefined ? {} : { uid: account.uid, gid: account.gid }
}

export async function give(path: string, account: Account | undefined): Promise<void> {
  if (account !== undefined) await chown(path, account.uid, account.gid)
}

/** The first folder on the path that the account cannot enter, including `path` itself. Files do not count. */
export async function firstClosedFolder(path: string, account: Account): Promise<string | undefined> {
  const ways = [path]
  for (let at = path; dirname(at) !== at; at = dirname(at)) ways.unshift(dirname(at))
  for (const way of ways) {
    const at = await stat(way).catch(() => undefined)
    if (at === undefined) return undefined
    if (!at.isDirectory()) continue
    const bit = at.uid === account.uid ? 0o100 : at.gid === account.gid ? 0o010 : 0o001
    if ((at.mode & bit) === 0) return way
  }
  return undefined
}
