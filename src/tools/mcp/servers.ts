/** Keeps a connection to each configured server of tools, also to those that are added and removed while Parley runs, and stores what they list. */
import { errorFields } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { ToolServer, ToolServerStore } from '../../core/tool-servers.ts'
import type { ConnectionOptions, ToolConnection } from './connection.ts'
import { definitionHash } from './definitions.ts'

export interface ToolServersDeps {
  /** Of parley.yaml. */
  configured: readonly ToolServer[]
  store: Pick<ToolServerStore, 'servers' | 'list'>
  connect(server: ToolServer, listed: ConnectionOptions['listed']): ToolConnection
  log: Log
}

export interface ToolServers {
  connections(): readonly ToolConnection[]
  /** Connects to what was added, and parts from what was removed or changed. */
  sync(): Promise<void>
  close(): Promise<void>
}

export function createToolServers({ configured, store, connect, log }: ToolServersDeps): ToolServers {
  const connections = new Map<string, ToolConnection>()
  const stored = new Map<string, string>()
  let last: Promise<void> = Promise.resolve()
  let closed = false

  /** Stored once for each change, before a later list of the same server. */
  function keep(server: ToolServer): ConnectionOptions['listed'] {
    let writing: Promise<void> = Promise.resolve()
    return (tools) => {
      const rows = tools.map((definition) => ({
        name: definition.name,
        hash: definitionHash(server, definition),
        definition,
      }))
      const all = rows.map(({ name, hash }) => `${name} ${hash}`).join('\n')
      if (stored.get(server.name) === all) return
      writing = writing.then(async () => {
        try {
          await store.list(server.name, rows)
          stored.set(server.name, all)
        } catch (error) {
          log.warn(
            { server: server.name, ...errorFields(error) },
            'tools of a server not stored; tried again when they are listed',
          )
        }
      })
    }
  }

  async function apply(): Promise<void> {
    const added = await store.servers()
    // What parley.yaml says wins over a command.
    const wanted = new Map([...added, ...configured].map((server) => [server.name, server]))
    const parting = [...connections.values()].filter(({ server }) => {
      return JSON.stringify(wanted.get(server.name)) !== JSON.stringify(server)
    })
    for (const { server } of parting) {
      connections.delete(server.name)
      stored.delete(server.name)
    }
    await Promise.all(parting.map((connection) => connection.stop()))
    if (closed) return
    for (const server of wanted.values()) {
      if (connections.has(server.name)) continue
      const connection = connect(server, keep(server))
      connections.set(server.name, connection)
      // It keeps trying by itself, and nobody waits for it.
      void connection.start()
    }
  }

  return {
    connections: () => [...connections.values()],
    sync() {
      last = last.then(apply, apply)
      return last
    },
    async close() {
      closed = true
      await last.catch(() => {})
      await Promise.all([...connections.values()].map((connection) => connection.stop()))
    },
  }
}
