/**
 * One PostgreSQL for all test files of a run, which each make databases of their own in it. It starts when the first file asks for
 * it, and stops with the run: https://vitest.dev/config/globalsetup
 */
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm, statfs } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../src/core/log.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../src/store/postgres/embedded.ts'

interface TestPostgres extends AsyncDisposable {
  postgres: EmbeddedPostgres
}

export async function startTestPostgres(durable: boolean): Promise<TestPostgres> {
  const home = await mkdtemp(join(durable ? tmpdir() : await memoryFolder(), 'parley-postgres-'))
  // mkdtemp makes it private; PostgreSQL's account must pass through when the tests run as root.
  await chmod(home, 0o711)
  const postgres = await startEmbeddedPostgres({ home, log: silentLog, durable })
  // A run that crashes or is stopped leaves no server and no databases behind.
  const killed = () => {
    try {
      process.kill(postgres.pid(), 'SIGQUIT')
      rmSync(home, { recursive: true, force: true, maxRetries: 5 })
    } catch {}
  }
  process.once('exit', killed)
  return {
    postgres,
    async [Symbol.asyncDispose]() {
      await postgres.stop()
      process.off('exit', killed)
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** A database is 300 files, and a run makes and drops a thousand: on a disk they wait for each other's journal. */
async function memoryFolder(): Promise<string> {
  const memory = '/dev/shm'
  const room = await statfs(memory).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0,
  )
  return Math.min(room, process.availableMemory()) > neededBytes ? memory : tmpdir()
}

/** Two files at a time with a hundred databases each take half of this. */
const neededBytes = 5e9

/** Where test files ask for the server's connection. */
export const sharedPostgresUrl = 'PARLEY_TEST_POSTGRES'

export async function setup(): Promise<() => Promise<void>> {
  let started: Promise<TestPostgres> | undefined
  const server = createServer((_, response) => {
    started ??= startTestPostgres(false)
    started.then(
      ({ postgres }) => response.end(JSON.stringify(postgres.connection)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.env[sharedPostgresUrl] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return async () => {
    server.close()
    await (await started)?.[Symbol.asyncDispose]()
  }
}
