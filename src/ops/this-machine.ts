/**
 * Recognizes requests that come directly from this machine: a loopback connection to a local name, through no proxy, and on Linux
 * of Parley's own user. Before there are accounts, such a request opens the page; the terminal's token is taken from no other.
 */
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { accessWording } from '../wording/requests.ts'

/** Headers of proxies, load balancers and tunnels. One of them shows that the request comes from elsewhere. */
const forwarding =
  /^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip|x-original-.*|x-envoy-.*|x-proxy.*|x-client-ip|x-cluster-client-ip|true-client-ip|fastly-client-ip|cf-.*|cdn-.*|tailscale-.*)$/

export function isForwarded({ headers, httpVersion }: Pick<IncomingMessage, 'headers' | 'httpVersion'>): boolean {
  // No browser uses HTTP/1.0. nginx did by default until 1.29.7, and adds no header of its own.
  return httpVersion === '1.0' || Object.keys(headers).some((name) => forwarding.test(name))
}

/** Why a request does not come directly from this machine, as a sentence; `undefined`: it does. */
export function whyNotThisMachine(request: IncomingMessage): string | undefined {
  const { headers, socket } = request
  if (isForwarded(request)) return accessWording.proxied
  if (!/^(?:127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '')) return accessWording.notThisMachine
  const url = `http://${headers.host ?? ''}`
  if (headers.host === undefined || !URL.canParse(url) || !isLocalName(new URL(url).hostname))
    return accessWording.wrongHost
  return undefined
}

export function isLocalName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name)
}

const known = new WeakMap<Socket, Promise<number | undefined>>()

/**
 * Finds which user of this machine is at the other end of a loopback connection; Linux reports it for each socket. A proxy runs
 * as a separate user (`www-data`, `nginx`), so this also detects a proxy that adds no headers. Once for each connection.
 * `undefined` where the system does not tell.
 */
export function peerUserOf(socket: Socket): Promise<number | undefined> {
  const before = known.get(socket)
  if (before !== undefined) return before
  const user = findUser(socket)
  known.set(socket, user)
  return user
}

async function findUser({ remotePort, localPort }: Socket): Promise<number | undefined> {
  if (process.platform !== 'linux' || remotePort === undefined || localPort === undefined) return undefined
  for (const table of socketTables) {
    const user = userIn(await table(), remotePort, localPort)
    if (user !== undefined) return user
  }
  return undefined
}

const socketTables = ['tcp', 'tcp6'].map((table) =>
  shareReads(() => readFile(`/proc/net/${table}`, 'utf8').catch(() => '')),
)

/**
 * The table grows with the number of connections, so many that open together share one read. A read that has begun may lack the
 * newest connection: the call waits for the next one.
 */
export function shareReads(read: () => Promise<string>): () => Promise<string> {
  let current: Promise<unknown> = Promise.resolve()
  let next: Promise<string> | undefined
  return () => {
    next ??= current.then(() => {
      next = undefined
      const reading = read()
      current = reading
      return reading
    })
    return next
  }
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
