/**
 * Finds which user of this machine is at the other end of a loopback connection; Linux reports it for each socket. A proxy runs as
 * a separate user (`www-data`, `nginx`), so this also detects a proxy that adds no headers.
 */
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

const known = new WeakMap<Socket, Promise<number | undefined>>()

/** Once for each connection. `undefined` where the system does not tell. */
export function peerUserOf(socket: Socket): Promise<number | undefined> {
  const before = known.get(socket)
  if (before !== undefined) return before
  const user = findUser(socket)
  known.set(socket, user)
  return user
}

async function findUser({ remotePort, localPort }: Socket): Promise<number | undefined> {
  if (process.platform !== 'linux' || remotePort === undefined || localPort === undefined) return undefined
  for (const table of ['tcp', 'tcp6']) {
    const text = await readFile(`/proc/net/${table}`, 'utf8').catch(() => '')
    const user = userIn(text, remotePort, localPort)
    if (user !== undefined) return user
  }
  return undefined
}

/** The user of the socket from `from` to `to`, in the kernel's table of sockets. */
export function userIn(table: string, from: number, to: number): number | undefined {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  // A row: number, own address and port, other address and port, state, queues, timer, retransmits, user.
  const row = new RegExp(
    String.raw`^\s*\d+: [0-9A-F]+:${hex(from)} [0-9A-F]+:${hex(to)} (?!06)[0-9A-F]{2} \S+ \S+ \S+\s+(\d+)`,
    'm',
  ).exec(table)
  return row?.[1] === undefined ? undefined : Number(row[1])
}
