/** Where the embedded PostgreSQL listens: a socket in a private folder, or a port of 127.0.0.1 with a password. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { clusterUser } from './cluster.ts'
import { type Placement, socketFolder } from './placement.ts'

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
