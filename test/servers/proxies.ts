/**
 * Real proxies in front of a port, as people set them up: nginx and Caddy where they are installed, and two small ones of our
 * own for what other products do. Where the tests run as root they run as another user, as a package's service does.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { freePort } from './free-port.ts'

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

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'parley-proxy-'))
  if (isRoot) chownSync(folder, nobody, nobody)
  return folder
}

async function run(
  program: string,
  args: string[],
  folder: string,
  port: number,
  env: Record<string, string> = {},
): Promise<RunningProxy> {
  const pieces: string[] = []
  const child: ChildProcess = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, ...env },
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
  writeFileSync(
    join(folder, 'nginx.conf'),
    `events {}
http {
  ${nginxPaths(folder)}
  server { listen 127.0.0.1:${port}; ${locations} }
}
`,
  )
  return await runNginx(folder, port)
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
/** The paths that a package sets for its own user. */
const nginxPaths = (folder: string) =>
  `access_log off; ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}`

async function runNginx(folder: string, port: number): Promise<RunningProxy> {
  const directives = `daemon off; pid ${folder}/nginx.pid; error_log stderr error;`
  const args = ['-p', folder, '-e', 'stderr', '-c', join(folder, 'nginx.conf'), '-g', directives]
  return await run(find('nginx') ?? 'nginx', args, folder, port)
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

export interface ShippedProxy extends AsyncDisposable {
  httpPort: number
  httpsPort: number
  /** The certificate of `shippedDomain`, which signs itself. */
  certificate: string
}

/** The name that the files in deploy/proxy use. */
export const shippedDomain = 'parley.example.com'

export const shippedProxies = { caddy: 'Caddyfile', nginx: 'nginx.conf', haproxy: 'haproxy.cfg' } as const

/** Why a file of deploy/proxy cannot be tried here; empty where it can. */
export function noShippedProxy(program: keyof typeof shippedProxies): string {
  const missing = [program, 'openssl'].filter((needed) => find(needed) === null)
  return missing.length === 0 ? '' : `${missing.join(' and ')} not installed`
}

/** A proxy by its file in deploy/proxy, with other ports, paths of certificates, and the address of Parley. */
export async function startShipped(program: keyof typeof shippedProxies, target: string): Promise<ShippedProxy> {
  const folder = emptyFolder()
  const file = shippedProxies[program]
  const text = readFileSync(join(import.meta.dirname, '../../deploy/proxy', file), 'utf8')
  const [httpPort, httpsPort, { host }] = [await freePort(), await freePort(), new URL(target)]
  const [certificate, key] = createCertificate(folder)
  const write = (settled: string) => writeFileSync(join(folder, file), settled)
  const start = async () => {
    if (program === 'nginx') {
      write(
        text
          .replaceAll('listen 80', `listen 127.0.0.1:${httpPort}`)
          .replaceAll('listen 443', `listen 127.0.0.1:${httpsPort}`)
          .replaceAll('/etc/ssl/parley.pem', certificate)
          .replaceAll('/etc/ssl/parley.key', key)
          .replaceAll('127.0.0.1:8787', host)
          .replace('http {', `http {\n  ${nginxPaths(folder)}`),
      )
      return await runNginx(folder, httpsPort)
    }
    write(text)
    if (program === 'caddy')
      return await run(find('caddy') ?? 'caddy', ['run', '--config', file], folder, httpsPort, {
        PARLEY_DOMAIN: shippedDomain,
        PARLEY_UPSTREAM: host,
        PARLEY_HTTP_PORT: String(httpPort),
        PARLEY_HTTPS_PORT: String(httpsPort),
        PARLEY_TLS: `tls ${certificate} ${key}`,
        CADDY_ADMIN: 'off',
      })
    const [user, group] = isRoot ? ['nobody', groupOf('nobody')] : [userInfo().username, groupOf(userInfo().username)]
    return await run(find('haproxy') ?? 'haproxy', ['-f', file], folder, httpsPort, {
      PARLEY_DOMAIN: shippedDomain,
      PARLEY_UPSTREAM: host,
      PARLEY_HTTP_BIND: `127.0.0.1:${httpPort}`,
      PARLEY_HTTPS_BIND: `127.0.0.1:${httpsPort}`,
      PARLEY_CERTIFICATE: join(folder, 'both.pem'),
      PARLEY_HAPROXY_USER: user,
      PARLEY_HAPROXY_GROUP: group,
    })
  }
  const pem = readFileSync(certificate, 'utf8')
  const proxy = await start()
  return { httpPort, httpsPort, certificate: pem, [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose]() }
}

const groupOf = (user: string) => execFileSync('id', ['-gn', user], { encoding: 'utf8' }).trim()

/** Paths of a certificate and its key; `both.pem` holds both. */
function createCertificate(folder: string): [certificate: string, key: string] {
  const [certificate, key, both] = [join(folder, 'certificate.pem'), join(folder, 'key.pem'), join(folder, 'both.pem')]
  const subject = ['-subj', `/CN=${shippedDomain}`, '-addext', `subjectAltName=DNS:${shippedDomain}`]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync(
    find('openssl') ?? 'openssl',
    ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', certificate],
    {
      stdio: 'pipe',
    },
  )
  writeFileSync(both, readFileSync(certificate, 'utf8') + readFileSync(key, 'utf8'))
  if (isRoot) for (const path of [certificate, key, both]) chownSync(path, nobody, nobody)
  return [certificate, key]
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
