/** Creates the database cluster: beside its final place, then renamed, so that a kill at any moment leaves nothing broken. */
import { execFile, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { ParleyError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import { embeddedDatabaseWording } from '../../wording/storage.ts'
import { give, hasData, type Placement, spawnAs } from './placement.ts'
import { isAlive } from './process.ts'

/** The superuser and only role of the cluster. */
export const clusterUser = 'parley'

const hba = `# Written by Parley. The socket is in a private folder; TCP connections need a password.
local all all               trust
host  all all 127.0.0.1/32  scram-sha-256
`

/** `durable: false` turns off protection against power loss; only for throw-away databases. */
export async function ensureCluster(placement: Placement, log: Log, options: { durable: boolean }): Promise<void> {
  const { data, binaries } = placement
  await removeLeftovers(data)
  if (await hasData(data)) {
    const made = (await readFile(join(data, 'PG_VERSION'), 'utf8')).trim()
    const [brought = ''] = binaries.version.split('.')
    if (made === brought) return adoptOwnership(placement)
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.otherVersion(data, made, brought))
  }
  const started = performance.now()
  const draft = await mkdtemp(`${data}.init-${process.pid}-`)
  try {
    await give(draft, placement.account)
    const password = randomBytes(24).toString('base64url')
    const passwordFile = `${draft}.password`
    try {
      await writeFile(passwordFile, password, { mode: 0o600 })
      await give(passwordFile, placement.account)
      await initdb(placement, draft, passwordFile, options)
    } finally {
      await rm(passwordFile, { force: true })
    }
    await writeOwned(placement, join(draft, 'parley.password'), password)
    await writeOwned(placement, join(draft, 'pg_hba.conf'), hba)
    if (options.durable) await syncFolder(draft)
    // Fails when another Parley was quicker; its cluster is as good.
    await rename(draft, data).catch(async (error: unknown) => {
      if (!(await hasData(data))) throw error
    })
    if (options.durable) await syncFolder(dirname(data))
    log.info({ data, ms: Math.round(performance.now() - started) }, 'created the database')
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** Data that root restored from a backup belongs to root, which PostgreSQL refuses. */
async function adoptOwnership({ data, account }: Placement): Promise<void> {
  if (account === undefined || (await stat(data)).uid !== 0) return
  await promisify(execFile)('chown', ['-R', `${account.uid}:${account.gid}`, data])
}

async function writeOwned(placement: Placement, path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await give(path, placement.account)
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

async function initdb(
  placement: Placement,
  draft: string,
  passwordFile: string,
  options: { durable: boolean },
): Promise<void> {
  const child = spawn(
    placement.binaries.initdb,
    [
      ...['-D', draft, '-U', clusterUser, `--pwfile=${passwordFile}`],
      ...['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...['--auth-local=trust', '--auth-host=scram-sha-256', '--no-instructions'],
      ...(options.durable ? [] : ['--no-sync']),
    ],
    { ...spawnAs(placement.account), cwd: '/', env: serverEnv(), stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const output: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk))
  const { promise, resolve, reject } = Promise.withResolvers<number | null>()
  child.once('error', reject)
  child.once('close', resolve)
  const said = () => Buffer.concat(output).toString('utf8').trim().slice(-1500)
  const code = await promise.catch((cause: unknown) => {
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.cannotRun(placement.binaries.initdb), {
      cause,
    })
  })
  if (code !== 0) {
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.initFailed(placement.base, said()))
  }
}

/** The environment of PostgreSQL's programs, without variables that change locale, libraries or defaults. */
export function serverEnv(): Record<string, string> {
  // Windows programs do not start without these.
  // biome-ignore lint/style/noProcessEnv: no setting of Parley; handed through to a child.
  const { PATH, SystemRoot, TEMP } = process.env
  const kept: Record<string, string> =
    process.platform === 'win32' ? { SystemRoot: SystemRoot ?? '', TEMP: TEMP ?? '' } : {}
  return { PATH: PATH ?? '', LC_ALL: 'C', ...kept }
}

/** Removes drafts left by killed starts. A draft whose process is alive is still in progress. */
async function removeLeftovers(data: string): Promise<void> {
  const prefix = `${basename(data)}.init-`
  for (const name of await readdir(dirname(data))) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN
    if (!Number.isInteger(pid) || isAlive(pid)) continue
    // The killed start's initdb may still be writing; what cannot be removed now is removed next time.
    await rm(join(dirname(data), name), { recursive: true, force: true, maxRetries: 3 }).catch(() => {})
  }
}
