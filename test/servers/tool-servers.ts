/** Real servers of tools, as programs that nobody here wrote, and the connections to them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { silentLog } from '../../src/core/log.ts'
import type { ToolServer } from '../../src/core/tool-servers.ts'
import { createConfiguredStreams } from '../../src/egress/configured.ts'
import { type ConnectionOptions, connectTools, type ToolConnection } from '../../src/tools/mcp/connection.ts'

/** The program of a package. */
function program(name: 'everything' | 'filesystem' | 'memory'): string {
  const require = createRequire(import.meta.url)
  const packages = {
    everything: () => require.resolve('@modelcontextprotocol/server-everything/package.json'),
    filesystem: () => require.resolve('@modelcontextprotocol/server-filesystem/package.json'),
    memory: () => require.resolve('@modelcontextprotocol/server-memory/package.json'),
  }
  return join(dirname(packages[name]()), 'dist/index.js')
}

export function toolServer(name: string, at: ToolServer['at'], more: Partial<ToolServer> = {}): ToolServer {
  return { name, at, where: ['all'], roles: ['member', 'manager', 'admin'], local: false, seconds: 60, ...more }
}

export const stdio = (command: string, args: string[], env: string[] = []): ToolServer['at'] => ({
  kind: 'stdio',
  command,
  args,
  env,
})

export const everything = () => toolServer('everything', stdio(process.execPath, [program('everything')]))
export const filesystem = (folder: string) =>
  toolServer('files', stdio(process.execPath, [program('filesystem'), folder]))
export const memory = () => toolServer('memory', stdio(process.execPath, [program('memory')], ['MEMORY_FILE_PATH']))

/** The server of tool-server.js, which is written for tests: `many` is how many more tools it lists. */
export const odd = (many = 0) =>
  toolServer('odd', stdio(process.execPath, [join(import.meta.dirname, 'odd-tools.js'), String(many)]))

/** A program that writes its process id to a file each time that it is started. */
export async function counted(
  server: ToolServer,
): Promise<{ server: ToolServer; starts(): Promise<number[]> } & AsyncDisposable> {
  if (server.at.kind !== 'stdio') throw new Error('not a program')
  const folder = await mkdtemp(join(tmpdir(), 'parley-tools-'))
  const file = join(folder, 'starts')
  await writeFile(file, '')
  const { command, args, env } = server.at
  return {
    server: { ...server, at: stdio('/bin/sh', ['-c', `echo $$ >> ${file}; exec "$0" "$@"`, command, ...args], env) },
    starts: async () => (await readFile(file, 'utf8')).split('\n').filter(Boolean).map(Number),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

export function connect(server: ToolServer, more: Partial<ConnectionOptions> = {}): ToolConnection {
  const { at } = server
  return connectTools({
    server,
    version: '0',
    headers: {},
    variables: process.env,
    fetch: createConfiguredStreams()(at.kind === 'http' ? [new URL(at.url).origin] : []),
    listed: () => {},
    log: silentLog,
    pauses: { firstMs: 20, mostMs: 100 },
    ...more,
  })
}

/** The everything server over HTTP. */
export async function startHttp(port: number): Promise<{ url: string; end(): Promise<void> }> {
  const child: ChildProcess = spawn(process.execPath, [program('everything'), 'streamableHttp'], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ready = Promise.withResolvers<void>()
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => {
      said += piece.toString()
      if (/listening/i.test(said)) ready.resolve()
    })
  child.once('exit', () => ready.reject(new Error(said)))
  await ready.promise
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    async end() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
    },
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
