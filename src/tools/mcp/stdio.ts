/**
 * A server that is a program on this machine: messages over its standard input and output, one a line. It gets PATH and the variables that
 * its settings name, nothing else of Parley's environment. It leads a process group that ends with it, and with Parley, however that ends.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Duplex } from 'node:stream'
import { type JSONRPCMessage, ReadBuffer, serializeMessage, type Transport } from '@modelcontextprotocol/client'
import { ParleyError } from '../../core/errors.ts'
import type { ToolServerAddress } from '../../core/tool-servers.ts'
import { toolServerWording } from '../../wording/tool-servers.ts'

export interface StdioOptions {
  name: string
  at: Extract<ToolServerAddress, { kind: 'stdio' }>
  /** Where the variables are looked up. */
  variables: NodeJS.ProcessEnv
  /** What it writes to its standard error. */
  said(line: string): void
}

/** The longest message that is read. */
const mostBytes = 20_000_000
/** From closing its input to the end of its group. */
const patienceMs = 2_000

/**
 * The shell becomes the program, beside a watch that kills the whole group when the pipe behind descriptor 3 closes: Parley holds its other
 * end, so it closes with Parley even where Parley is killed.
 */
const underWatch = '(read _ <&3; kill -9 0) >/dev/null 2>&1 & exec 3<&- "$0" "$@"'

export function createStdioTransport({ name, at, variables, said }: StdioOptions): Transport {
  const buffer = new ReadBuffer({ maxBufferSize: mostBytes })
  const windows = process.platform === 'win32'
  let child: ChildProcess | undefined
  let closed: Promise<void> | undefined

  const environment = () => {
    const named = ['PATH', ...(windows ? ['SystemRoot', 'PATHEXT', 'TEMP'] : []), ...at.env]
    return Object.fromEntries(
      named.flatMap((variable) => (variables[variable] === undefined ? [] : [[variable, variables[variable]]])),
    )
  }

  function take(chunk: Buffer): void {
    try {
      buffer.append(chunk)
    } catch (error) {
      transport.onerror?.(error as Error)
      void transport.close()
      return
    }
    for (;;) {
      try {
        const message = buffer.readMessage()
        if (message === null) return
        transport.onmessage?.(message)
      } catch (error) {
        // A line that is no message: some servers print there.
        transport.onerror?.(error as Error)
      }
    }
  }

  const transport: Transport = {
    async start() {
      const [command, args] = windows ? [at.command, at.args] : ['/bin/sh', ['-c', underWatch, at.command, ...at.args]]
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const started = spawn(command, args, {
        env: environment(),
        stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
        detached: !windows,
        windowsHide: true,
      })
      child = started
      const ended = Promise.withResolvers<void>()
      closed = ended.promise
      const leash = started.stdio[3] as Duplex | null
      leash?.on('error', () => {})
      started.once('spawn', resolve)
      started.once('error', (error) => {
        reject(new ParleyError('tool_server_failed', toolServerWording.notStarted(name), { cause: error }))
        ended.resolve()
      })
      started.once('exit', () => {
        // What the program started ends with it.
        leash?.destroy()
        ended.resolve()
        transport.onclose?.()
      })
      started.stdin?.on('error', (error) => transport.onerror?.(error))
      started.stdout?.on('data', take)
      started.stdout?.on('error', (error) => transport.onerror?.(error))
      started.stderr?.on('data', (chunk: Buffer) => said(chunk.toString('utf8').trimEnd()))
      await promise
    },

    async send(message: JSONRPCMessage) {
      const { stdin } = child ?? {}
      if (stdin?.writable !== true) throw new ParleyError('tool_server_failed', toolServerWording.gone(name))
      await new Promise<void>((resolve, reject) => {
        stdin.write(serializeMessage(message), (error) => (error ? reject(error) : resolve()))
      })
    },

    async close() {
      const { pid, stdin, stdio } = child ?? {}
      if (pid === undefined || closed === undefined) return
      stdin?.end()
      const timer = setTimeout(() => {
        const leash = stdio?.[3] as Duplex | null
        if (windows) child?.kill('SIGKILL')
        else leash?.destroy()
      }, patienceMs)
      await closed
      clearTimeout(timer)
    },
  }
  return transport
}
