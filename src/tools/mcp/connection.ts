/**
 * The connection to one server of tools. It is opened again with growing pauses whenever it is lost; the list of tools is asked for when it
 * opens, when the server says that it has changed, and every minute. A call that meets a lost connection waits for the next one, and is made
 * once more if it only reads.
 */
import {
  type CallToolResult,
  Client,
  type ClientOptions,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  type Transport,
} from '@modelcontextprotocol/client'
import { z } from 'zod'
import { orAborted } from '../../core/abort.ts'
import {
  type ConnectionPauses,
  type ConnectionReport,
  keepConnected,
  type OpenConnection,
} from '../../core/connection.ts'
import { errorFields, ParleyError } from '../../core/errors.ts'
import type { Json } from '../../core/json.ts'
import type { Log } from '../../core/log.ts'
import { sleep } from '../../core/retry.ts'
import { ToolDefinition, type ToolServer } from '../../core/tool-servers.ts'
import { toolServerWording } from '../../wording/tool-servers.ts'
import { createStdioTransport } from './stdio.ts'

export interface ConnectionOptions {
  server: ToolServer
  version: string
  /** Of a server by HTTP, with the values of its variables. */
  headers: Record<string, string>
  /** For a program: where its variables are looked up. */
  variables: NodeJS.ProcessEnv
  /** Reaches the server's own origin and nothing else. */
  fetch: typeof fetch
  /** Called with everything that the server lists, each time that it has been asked. */
  listed(tools: readonly ToolDefinition[]): void
  log: Log
  pauses?: Partial<ConnectionPauses> | undefined
  listEveryMs?: number | undefined
}

export interface CallOptions {
  /** It changes nothing, so it may be made twice. */
  reads: boolean
  signal: AbortSignal
  progress?(done: { progress: number; total?: number | undefined }): void
}

export interface ToolConnection {
  readonly server: ToolServer
  start(): Promise<void>
  stop(): Promise<void>
  report(): ConnectionReport
  /** What the server lists; `undefined` while it cannot be reached. */
  tools(): readonly ToolDefinition[] | undefined
  /** Throws `tool_server_failed`, or the signal's reason. What the server itself refuses is a result with `isError`. */
  call(tool: string, args: Record<string, Json>, options: CallOptions): Promise<CallToolResult>
}

const listLimits = { tools: 500, pages: 20, characters: 50_000 }
const listMs = 30_000
/** How long a call waits for a connection. */
const waitMs = 10_000
/** Closing a session of HTTP is a courtesy. */
const partingMs = 1_000

/** Answers are data for a model, so nothing is checked against schemas of strangers, whose patterns may never end. */
const unchecked: ClientOptions['jsonSchemaValidator'] = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
}

const Page = z.object({ tools: z.array(z.unknown()), nextCursor: z.string().optional() })

interface Open {
  client: Client
  /** Ends the connection, so that the next one is opened. */
  lose(reason: unknown): void
}

export function connectTools(options: ConnectionOptions): ToolConnection {
  const { server, version, headers, variables, log, listEveryMs = 60_000 } = options
  const { name, at } = server
  let open: Open | undefined
  let tools: readonly ToolDefinition[] | undefined
  let calls = 0
  /** Settles with the try that goes on now. */
  let next = Promise.withResolvers<Open>()
  next.promise.catch(() => {})

  const connection = keepConnected({ platform: 'tools', name, open: openOnce, log, pauses: options.pauses })

  async function openOnce(signal: AbortSignal): Promise<OpenConnection> {
    const { transport, part } = createTransport()
    const lost = Promise.withResolvers<unknown>()
    // At once, so that no call takes it for open.
    const lose = (reason: unknown) => {
      forget(opened)
      lost.resolve(reason)
    }
    const changed = () => void list(client, AbortSignal.timeout(listMs)).catch(lose)
    const client = new Client(
      { name: 'parley', version },
      {
        capabilities: {},
        jsonSchemaValidator: unchecked,
        listChanged: { tools: { autoRefresh: false, onChanged: changed } },
      },
    )
    client.onclose = () => lose(new ParleyError('tool_server_failed', toolServerWording.gone(name)))
    client.onerror = (error) => log.debug({ server: name, ...errorFields(error) }, 'a tool server')
    const closing = new AbortController()
    const opened: Open = { client, lose }
    try {
      await orAborted(client.connect(transport, { signal, timeout: listMs }), signal)
      await list(client, signal)
    } catch (thrown) {
      await client.close().catch(() => {})
      const error = failed(thrown)
      next.reject(error)
      renew()
      throw error
    }
    open = opened
    next.resolve(opened)
    void watch(client, closing.signal).catch((error: unknown) => lose(failed(error)))
    return {
      lost: lost.promise,
      async close() {
        closing.abort()
        forget(opened)
        await part()
        await client.close()
      },
    }
  }

  function forget(opened: Open): void {
    if (open !== opened) return
    open = undefined
    tools = undefined
    renew()
  }

  function renew(): void {
    next = Promise.withResolvers()
    next.promise.catch(() => {})
  }

  function createTransport(): { transport: Transport; part(): Promise<void> } {
    if (at.kind === 'stdio') {
      const said = (line: string) => log.debug({ server: name, line: line.slice(0, 2_000) }, 'a tool server says')
      return { transport: createStdioTransport({ name, at, variables, said }), part: async () => {} }
    }
    const transport = new StreamableHTTPClientTransport(new URL(at.url), {
      fetch: options.fetch,
      requestInit: { headers },
    })
    const part = async () => {
      if (transport.sessionId === undefined) return
      await Promise.race([transport.terminateSession(), sleep(partingMs)]).catch(() => {})
    }
    return { transport, part }
  }

  async function list(client: Client, signal: AbortSignal): Promise<void> {
    const found: ToolDefinition[] = []
    let cursor: string | undefined
    if (client.getServerCapabilities()?.tools !== undefined)
      for (let pages = 0; pages < listLimits.pages; pages += 1) {
        const params = cursor === undefined ? {} : { cursor }
        const page = await client.request({ method: 'tools/list', params }, Page, { signal, timeout: listMs })
        found.push(...page.tools.flatMap(readDefinition))
        cursor = page.nextCursor
        if (cursor === undefined || found.length >= listLimits.tools) break
      }
    tools = [...new Map(found.slice(0, listLimits.tools).map((tool) => [tool.name, tool])).values()]
    options.listed(tools)
  }

  async function watch(client: Client, signal: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(listEveryMs, signal)
      // One that is busy may answer late.
      if (calls === 0) await list(client, signal)
    }
  }

  async function ready(signal: AbortSignal): Promise<Open> {
    if (open !== undefined) return open
    const { state } = connection.report()
    if (state.is === 'waiting' && state.until.getTime() > Date.now() + waitMs) throw failed(undefined)
    const late = AbortSignal.timeout(waitMs)
    try {
      return await orAborted(next.promise, AbortSignal.any([signal, late]))
    } catch (thrown) {
      signal.throwIfAborted()
      throw late.aborted ? failed(undefined) : thrown
    }
  }

  function failed(cause: unknown): ParleyError {
    if (cause instanceof ParleyError) return cause
    const status = cause instanceof SdkHttpError ? cause.status : undefined
    const refused = status === 401 || status === 403
    const sentence = refused ? toolServerWording.refused(name) : toolServerWording.unreachable(name)
    return new ParleyError('tool_server_failed', sentence, { cause })
  }

  return {
    server,
    start: connection.start,
    stop: connection.stop,
    report: connection.report,
    tools: () => tools,

    async call(tool, args, { reads, signal, progress }) {
      for (let again = false; ; again = true) {
        const { client, lose } = await ready(signal)
        calls += 1
        try {
          // The signal bounds the call; the client's own limit is there for servers that never answer to it.
          const bounds = { signal, timeout: server.seconds * 1000 + 5_000, onprogress: progress }
          return await client.callTool({ name: tool, arguments: args }, bounds)
        } catch (thrown) {
          signal.throwIfAborted()
          if (thrown instanceof ProtocolError)
            return { isError: true, content: [{ type: 'text', text: thrown.message }] }
          if (!isLost(thrown)) throw failed(thrown)
          lose(null)
          if (!reads)
            throw new ParleyError('tool_server_failed', toolServerWording.endedMeanwhile(name), { cause: thrown })
          if (again) throw failed(thrown)
        } finally {
          calls -= 1
        }
      }
    },
  }
}

/** Servers answer 404 for a session that they do not know any more, some of them 400. */
function isLost(error: unknown): boolean {
  if (error instanceof SdkHttpError) return error.status === 400 || error.status === 404
  if (error instanceof SdkError) return lostCodes.includes(error.code)
  return !(error instanceof ParleyError && error.code !== 'tool_server_failed')
}

const lostCodes: readonly string[] = [SdkErrorCode.NotConnected, SdkErrorCode.ConnectionClosed, SdkErrorCode.SendFailed]

/** Nothing of a tool whose definition makes no sense. */
function readDefinition(given: unknown): ToolDefinition[] {
  const read = ToolDefinition.safeParse(given)
  return read.success && JSON.stringify(read.data).length <= listLimits.characters ? [read.data] : []
}
