/** Connections to servers that nobody here wrote, as programs and over HTTP: calls, aborts, deaths and restarts. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../../test/servers/free-port.ts'
import {
  connect,
  counted,
  everything,
  filesystem,
  isAlive,
  memory,
  odd,
  startHttp,
  stdio,
  toolServer,
} from '../../../test/servers/tool-servers.ts'
import type { Json } from '../../core/json.ts'
import { toolServerWording } from '../../wording/tool-servers.ts'
import type { ToolConnection } from './connection.ts'
import { toolResult } from './results.ts'

const signal = new AbortController().signal
const reading = { reads: true, signal }
const long = 'trigger-long-running-operation'

const ask = async (connection: ToolConnection, tool: string, args: Record<string, Json> = {}) =>
  toolResult(await connection.call(tool, args, reading))

const open: ToolConnection[] = []
async function opened(...args: Parameters<typeof connect>): Promise<ToolConnection> {
  const connection = connect(...args)
  open.push(connection)
  await connection.start()
  return connection
}
afterAll(() => Promise.all(open.map((connection) => connection.stop())))

let http: Awaited<ReturnType<typeof startHttp>>
let port: number
beforeAll(async () => {
  port = await freePort()
  http = await startHttp(port)
})
afterAll(() => http?.end())

const remote = () => toolServer('remote', { kind: 'http', url: http.url })

describe.each([
  ['as a program', everything],
  ['over HTTP', remote],
])('the server of everything, %s', (_way, server) => {
  let connection: ToolConnection
  beforeAll(async () => {
    connection = await opened(server())
  })

  it('lists its tools', () => {
    expect(connection.tools()?.map(({ name }) => name)).toEqual(expect.arrayContaining(['echo', 'get-sum', long]))
    expect(connection.report().state.is).toBe('connected')
  })

  it('answers with text, structured content, a picture, links and resources', async () => {
    expect(await ask(connection, 'echo', { message: 'hello' })).toEqual({ text: 'Echo: hello', failed: false })
    const weather = await ask(connection, 'get-structured-content', { location: 'Chicago' })
    expect(JSON.parse(weather.text)).toMatchObject({ conditions: expect.any(String), humidity: expect.any(Number) })
    expect((await ask(connection, 'get-tiny-image')).text).toMatch(
      /\[image, image\/png, \d+ kB: it cannot be shown here\.\]/,
    )
    expect((await ask(connection, 'get-resource-links', { count: 2 })).text).toContain(
      '[Link: Text Resource 2 <demo://resource/dynamic/text/2>',
    )
    const resource = await ask(connection, 'get-resource-reference', { resourceType: 'Text', resourceId: 1 })
    expect(resource.text).toContain('<demo://resource/dynamic/text/1>\nResource 1: This is a plaintext resource')
  })

  it('refuses what it does not know, as a result', async () => {
    expect(await ask(connection, 'no-such-tool')).toMatchObject({
      failed: true,
      text: expect.stringContaining('no-such-tool'),
    })
    expect(await ask(connection, 'get-sum', { a: 'x' })).toMatchObject({ failed: true })
  })

  it('tells how far it is, and ends at an abort although it runs on', async () => {
    const stop = new AbortController()
    const progress: unknown[] = []
    const running = connection.call(
      long,
      { duration: 60, steps: 600 },
      {
        reads: true,
        signal: stop.signal,
        progress: (done) => {
          progress.push(done)
          stop.abort(new Error('stopped'))
        },
      },
    )
    await expect(running).rejects.toThrow('stopped')
    expect(progress[0]).toMatchObject({ progress: 1, total: 600 })
    expect(await ask(connection, 'echo', { message: 'still there' })).toMatchObject({ text: 'Echo: still there' })
  })

  it('ends at its limit of time', async () => {
    const limit = AbortSignal.timeout(50)
    await expect(connection.call(long, { duration: 60, steps: 1 }, { reads: true, signal: limit })).rejects.toThrow(
      /timeout/i,
    )
  })
})

describe('a server that is a program', () => {
  it('gets PATH and what its settings name of the environment, nothing else', async () => {
    const variables = { PATH: process.env.PATH, SECRET: 'no', OPENAI_API_KEY: 'no', WANTED: 'yes' }
    const { at, ...rest } = everything()
    const server = { ...rest, at: { ...at, env: ['WANTED', 'MISSING'] } } as ReturnType<typeof everything>
    const given = JSON.parse((await ask(await opened(server, { variables }), 'get-env')).text)
    // The shell that starts it sets PWD.
    expect({ ...given, PWD: '' }).toEqual({ PATH: process.env.PATH, WANTED: 'yes', PWD: '' })
  })

  it('reads and writes files, and keeps a memory', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'parley-tools-'))
    try {
      await writeFile(join(folder, 'notes.txt'), 'the notice is thirty days')
      const files = await opened(filesystem(folder))
      expect(files.tools()?.length).toBeGreaterThan(10)
      expect((await ask(files, 'read_text_file', { path: join(folder, 'notes.txt') })).text).toContain('thirty days')
      expect(await ask(files, 'read_text_file', { path: '/etc/passwd' })).toMatchObject({ failed: true })
      const remembers = await opened(memory(), {
        variables: { PATH: process.env.PATH, MEMORY_FILE_PATH: join(folder, 'm.json') },
      })
      const entities = [{ name: 'Ada', entityType: 'person', observations: ['writes programs'] }]
      await remembers.call('create_entities', { entities }, { reads: false, signal })
      expect((await ask(remembers, 'search_nodes', { query: 'programs' })).text).toContain('Ada')
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })

  it('is started again when it dies during a call: what reads is asked once more, what writes is not', async () => {
    await using program = await counted(everything())
    const connection = await opened(program.server)
    const killAtProgress = (seconds: number, reads: boolean) =>
      connection.call(
        long,
        { duration: seconds, steps: 2 },
        {
          reads,
          signal,
          progress: async ({ progress }) => {
            const starts = await program.starts()
            const pid = starts.at(-1)
            if (progress === 1 && pid !== undefined && starts.length === (reads ? 1 : 2)) process.kill(pid, 'SIGKILL')
          },
        },
      )
    expect(toolResult(await killAtProgress(0.6, true)).text).toContain('completed')
    expect(await program.starts()).toHaveLength(2)
    await expect(killAtProgress(0.6, false)).rejects.toMatchObject({
      code: 'tool_server_failed',
      userMessage: toolServerWording.endedMeanwhile('everything'),
    })
    expect((await ask(connection, 'echo', { message: 'back' })).text).toBe('Echo: back')
    expect(await program.starts()).toHaveLength(3)
  })

  it('ends with its connection, together with what it started', async () => {
    await using program = await counted(
      toolServer('stubborn', stdio('/bin/sh', ['-c', 'trap "" TERM INT; sleep 1000 & exec cat > /dev/null'])),
    )
    const connection = connect(program.server, { pauses: { openMs: 300, firstMs: 10_000, mostMs: 10_000 } })
    await connection.start()
    await connection.stop()
    const [pid = 0] = await program.starts()
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), { timeout: 20_000 })
    // Its group is gone, too.
    await vi.waitFor(() => expect(isAlive(-pid)).toBe(false), { timeout: 20_000 })
  })

  it('ends with Parley where Parley is killed', async () => {
    await using program = await counted(everything())
    const script = `
      const { connect } = await import(${JSON.stringify(join(import.meta.dirname, '../../../test/servers/tool-servers.ts'))})
      const connection = connect(JSON.parse(process.argv[1]))
      await connection.start()
      console.log('connected')
      setInterval(() => {}, 1000)`
    const parley = spawn(process.execPath, ['--input-type=module', '-e', script, JSON.stringify(program.server)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => parley.stdout.once('data', resolve))
    const [pid = 0] = await program.starts()
    expect(isAlive(pid)).toBe(true)
    parley.kill('SIGKILL')
    await vi.waitFor(() => expect(isAlive(-pid)).toBe(false), { timeout: 20_000 })
  })

  it('that cannot be started costs its own tools: calls end at once, with what is wrong', async () => {
    const connection = await opened(toolServer('absent', stdio('/no/such/program', [])), {
      pauses: { firstMs: 60_000, mostMs: 60_000 },
    })
    expect(connection.tools()).toBeUndefined()
    await expect(ask(connection, 'any')).rejects.toMatchObject({ userMessage: toolServerWording.unreachable('absent') })
  })

  it('may list odd tools and print what is no message: what makes no sense is left out', async () => {
    const connection = await opened(odd(150))
    const names = connection.tools()?.map(({ name }) => name) ?? []
    expect(names).toHaveLength(154)
    expect(names).not.toContain('broken')
  })
})

describe('a server over HTTP', () => {
  it('that was restarted gets a new session: what reads is asked once more, what writes is not', async () => {
    const connection = await opened(remote())
    await http.end()
    http = await startHttp(port)
    expect((await ask(connection, 'echo', { message: 'again' })).text).toBe('Echo: again')
    await http.end()
    http = await startHttp(port)
    const writing = connection.call('echo', { message: 'once' }, { reads: false, signal })
    await expect(writing).rejects.toMatchObject({ userMessage: toolServerWording.endedMeanwhile('remote') })
    expect((await ask(connection, 'echo', { message: 'third' })).text).toBe('Echo: third')
  })

  it('is asked at its own address only', async () => {
    const elsewhere = toolServer('remote', { kind: 'http', url: http.url })
    const { createConfiguredStreams } = await import('../../egress/configured.ts')
    const connection = await opened(elsewhere, {
      fetch: createConfiguredStreams()(['http://127.0.0.1:1']),
      pauses: { firstMs: 60_000, mostMs: 60_000 },
    })
    expect(connection.tools()).toBeUndefined()
  })
})
