/** A redis-server of a test's own, on a socket in a temporary folder; it can be killed and started again with its data. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'

export interface TestRedis extends AsyncDisposable {
  /** As ioredis takes it: the path of the socket. */
  url: string
  /** kill -9; what it had written to its log survives. */
  kill(): Promise<void>
  start(): Promise<void>
  dispose(): Promise<void>
}

const found = spawnSync('redis-server', ['--version']).status === 0
/** Why tests against Redis are left out; undefined when they can run. */
export const redisMissing = found ? undefined : 'redis-server is not installed'

export async function startTestRedis(): Promise<TestRedis> {
  const home = await mkdtemp(join(tmpdir(), 'parley-redis-'))
  const url = join(home, 'redis.sock')
  let server: ChildProcess | undefined
  const kill = async () => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const gone = once(server, 'exit')
    server.kill('SIGKILL')
    await gone
  }
  const killed = () => server?.kill('SIGKILL')
  process.once('exit', killed)
  const start = async () => {
    const options = { port: 0, unixsocket: url, dir: home, appendonly: 'yes', save: '' }
    const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
    server = spawn('redis-server', args, { stdio: 'ignore' })
    // Connects again and again until the server listens.
    const probe = new Redis(url, { retryStrategy: () => 10, maxRetriesPerRequest: null })
    probe.on('error', () => {})
    await probe.ping()
    probe.disconnect()
  }
  const dispose = async () => {
    await kill()
    process.off('exit', killed)
    await rm(home, { recursive: true, force: true })
  }
  await start()
  return { url, kill, start, dispose, [Symbol.asyncDispose]: dispose }
}
