/**
 * Where the embedded PostgreSQL listens: a socket in a private folder, or a port of 127.0.0.1 with a password; and PostgreSQL's
 * own record of its running server, `postmaster.pid`, and whether to believe it.
 */
import { link, readFile, rename, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { clusterUser } from './cluster.ts'
import { type Placement, socketFolder } from './placement.ts'
import { commandOf, isAlive } from './process.ts'

export type Endpoint = { kind: 'socket'; folder: string; port: number } | { kind: 'tcp'; port: number }

/** A part of the socket's file name; nothing listens on it. */
const socketPort = 5432

export async function chooseEndpoint(placement: Placement, transport: Endpoint['kind']): Promise<Endpoint> {
  if (transport === 'tcp') return { kind: 'tcp', port: await freePort() }
  return { kind: 'socket', folder: await socketFolder(placement, socketPort), port: socketPort }
}

export function endpointSettings(endpoint: Endpoint): Record<string, string> {
  if (endpoint.kind === 'tcp') {
    return { listen_addresses: '127.0.0.1', unix_socket_directories: '', port: String(endpoint.port) }
  }
  return {
    listen_addresses: '',
    // A list, in which names are quoted like identifiers.
    unix_socket_directories: `"${endpoint.folder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: String(endpoint.port),
  }
}

export interface EndpointConfig {
  host: string
  port: number
  user: string
  password?: string
  ssl: false
}

export async function endpointConfig(endpoint: Endpoint, data: string): Promise<EndpointConfig> {
  const common = { port: endpoint.port, user: clusterUser, ssl: false } as const
  if (endpoint.kind === 'socket') return { ...common, host: endpoint.folder }
  return { ...common, host: '127.0.0.1', password: await readFile(join(data, 'parley.password'), 'utf8') }
}

async function freePort(): Promise<number> {
  const server = createServer()
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    server.close(() => resolve(address !== null && typeof address === 'object' ? address.port : 0))
  })
  return promise
}

export interface PidFile {
  pid: number
  text: string
  /** Absent until the server has opened its socket. */
  endpoint: Endpoint | undefined
}

/** Lines: pid, data folder, start time, port, socket folder, TCP address, shared memory, status. */
export async function readPidFile(data: string): Promise<PidFile | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const [first = '', , , portLine = '', folder = '', address = ''] = text.split('\n').map((line) => line.trim())
  const pid = Number.parseInt(first, 10)
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  const port = Number.parseInt(portLine, 10)
  const endpoint: Endpoint | undefined = !Number.isInteger(port)
    ? undefined
    : folder !== ''
      ? { kind: 'socket', folder, port }
      : address !== ''
        ? { kind: 'tcp', port }
        : undefined
  return { pid, text, endpoint }
}

/** Whether this process is a live PostgreSQL of that data folder: after a crash its id may belong to something else. */
export async function isPostmaster(pid: number, data: string): Promise<boolean> {
  if (!isAlive(pid)) return false
  // Nothing cheap tells there; PostgreSQL itself then decides.
  if (process.platform === 'win32') return true
  return (await commandOf(pid)).includes(data)
}

/**
 * PostgreSQL clears away the lock files of a dead server itself, but not when the dead server's process id is in use again,
 * as happens in containers. Call only when `isPostmaster` said no.
 */
export async function removeStaleLocks(data: string, file: PidFile): Promise<void> {
  if (!isAlive(file.pid)) return
  await removeIfUnchanged(join(data, 'postmaster.pid'), file.text)
  if (file.endpoint?.kind !== 'socket') return
  const socket = join(file.endpoint.folder, `.s.PGSQL.${file.endpoint.port}`)
  const lock = await readFile(`${socket}.lock`, 'utf8').catch(() => '')
  if (Number.parseInt(lock, 10) === file.pid) await removeIfUnchanged(`${socket}.lock`, lock)
}

/** Another start may have put its own file there since: then it is put back. */
async function removeIfUnchanged(path: string, text: string): Promise<void> {
  const aside = `${path}.stale-${process.pid}`
  await rename(path, aside).catch(() => {})
  const found = await readFile(aside, 'utf8').catch(() => text)
  if (found !== text) await link(aside, path).catch(() => {})
  await rm(aside, { force: true })
}
