/**
 * A PostgreSQL as an operator runs one: durable, on TCP, with a password, known to Parley by its DATABASE_URL alone. It is
 * the machine's own server, often another version than the built-in one; where there is none, the built-in's binaries.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { silentLog } from '../../src/core/log.ts'
import { retryOnConnectionLoss } from '../../src/store/postgres/connect.ts'
import { migrate } from '../../src/store/postgres/migrate.ts'
import { chooseAccount, findBinaries, give, spawnAs } from '../../src/store/postgres/placement.ts'
import { freePort } from './free-port.ts'

export interface ExternalPostgres extends AsyncDisposable {
  /** Such as `PostgreSQL 15.14`. */
  version: string
  /** A fresh, migrated database. */
  createDatabase(): Promise<{ url: string; connection: { connectionString: string } }>
}

export async function startExternalPostgres(): Promise<ExternalPostgres> {
  const bin = await installed()
  const account = await chooseAccount(undefined)
  const home = await mkdtemp(join(tmpdir(), 'parley-external-'))
  const [data, passwordFile] = [join(home, 'data'), join(home, 'password')]
  const password = randomBytes(12).toString('hex')
  await writeFile(passwordFile, password)
  await Promise.all([home, passwordFile].map((path) => give(path, account)))
  const options = { ...spawnAs(account), cwd: '/', env: { LC_ALL: 'C', PATH: bin } }
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'owner', `--pwfile=${passwordFile}`, '-A', 'scram-sha-256', '--encoding=UTF8', '--locale=C'],
    { ...options, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200 }
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const server: ChildProcess = spawn(join(bin, 'postgres'), ['-D', data, ...args], { ...options, stdio: 'ignore' })
  const killed = () => server.kill('SIGQUIT')
  process.once('exit', killed)
  const urlOf = (name: string) => `postgres://owner:${password}@127.0.0.1:${port}/${name}`
  const admin = new pg.Pool({ connectionString: urlOf('postgres'), max: 1 })
  admin.on('error', () => {})
  const { rows } = await retryOnConnectionLoss(() => admin.query<{ version: string }>('select version()'))
  let count = 0
  let template: Promise<void> | undefined
  const prepareTemplate = async () => {
    await admin.query('create database template_parley')
    await migrate({ connectionString: urlOf('template_parley') }, { log: silentLog })
  }
  return {
    version: rows[0]?.version.split(/ (?:\(|on )/)[0] ?? '',
    async createDatabase() {
      const name = `test_${++count}`
      template ??= prepareTemplate()
      await template
      await admin.query(`create database ${name} template template_parley`)
      const connection = { connectionString: urlOf(name) }
      return { url: connection.connectionString, connection }
    },
    async [Symbol.asyncDispose]() {
      await admin.end()
      const ended = once(server, 'exit')
      server.kill('SIGINT')
      await ended
      process.off('exit', killed)
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function installed(): Promise<string> {
  const [newest] = globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().toReversed()
  return dirname(newest ?? (await findBinaries()).initdb)
}
