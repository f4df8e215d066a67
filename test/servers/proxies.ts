/**
 * Real proxies in front of a port, as people set them up: nginx and Caddy where they are installed, and two small ones of our
 * own for what other products do. Where the tests run as root they run as another user, as a package's service does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

export interface RunningProxy extends AsyncDisposable {
  url: string
}

const nobody = 65_534
/** Whether a proxy can be another user than Parley. */
export const isRoot = process.getuid?.() === 0

export function find(program: string): string | null {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null
}

async function freePort(): Promise<number> {
  const server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-proxy-'))
  if (isRoot) chownSync(folder, nobody, nobody)
  return folder
}

async function run(program: string, args: string[], folder: string, port: number): Promise<RunningProxy> {
  const pieces: string[] = []
  const child: ChildProcess = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(isRoot ? { uid: nobody, gid: nobody } : {}),
  })
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => void pieces.push(text))
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const early = ended.then(() => {
    throw new Error(`${program} ended:\n${pieces.join('')}`)
  })
  early.catch(() => undefined)
  await Promise.race([answers(port), early])
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Resolves when something takes connections there. */
async function answers(port: number): Promise<void> {
  for (;;) {
    const connected = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (connected) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** `locations`: what stands in the `server` block. */
export async function startNginx(locations: string): Promise<RunningProxy> {
  const folder = emptyFolder()
  const port = await freePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; pid ${folder}/nginx.pid; error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server { listen 127.0.0.1:${port}; ${locations} }
}
`,
  )
  return await run(find('nginx') ?? 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], folder, port)
}

/** `directives`: what stands in the block of the site. */
export async function startCaddy(directives: string): Promise<RunningProxy> {
  const folder = emptyFolder()
  const port = await freePort()
  writeFileSync(
    join(folder, 'Caddyfile'),
    `{\n  admin off\n  auto_https off\n}\nhttp://:${port} {\n  bind 127.0.0.1\n${directives}\n}\n`,
  )
  const file = join(folder, 'Caddyfile')
  return await run(find('caddy') ?? 'caddy', ['run', '--config', file, '--adapter', 'caddyfile'], folder, port)
}

/** Sends each request on with `Host` as the port's own, keep-alive and whatever `add` adds: Apache, or a nginx of today. */
export async function startRewriting(target: string, add: Record<string, string>): Promise<RunningProxy> {
  const { host, hostname, port } = new URL(target)
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming
    const onward = send({ hostname, port, method, path, headers: { ...headers, ...add, host } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const curl = find('curl')

/** Why no request can be sent as another user of this machine; empty where it can. */
export const noOtherUser = !isRoot ? 'only root can be another user' : curl === null ? 'curl is not installed' : ''

/** The status of a request by another user of this machine. */
export function statusAsAnotherUser(args: string[]): string {
  if (curl === null) throw new Error(noOtherUser)
  const all = ['-s', '-o', '/dev/null', '-w', '%{http_code}', ...args]
  return execFileSync(curl, all, { uid: nobody, gid: nobody, encoding: 'utf8' })
}
