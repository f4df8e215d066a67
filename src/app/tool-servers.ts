/** The servers of tools that this process is connected to, and their tools for its answers. A part of the composition root. */
import type { Config } from '../config.ts'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import { toolServersTopic } from '../core/topics.ts'
import { createConfiguredStreams } from '../egress/configured.ts'
import type { InboxDeps } from '../intake/inbox.ts'
import type { Closing } from '../ops/closing.ts'
import { connectTools } from '../tools/mcp/connection.ts'
import { createToolServers } from '../tools/mcp/servers.ts'
import { createServerTools } from '../tools/mcp/toolbox.ts'
import type { Toolbox } from '../tools/tool.ts'
import { version } from '../version.ts'
import type { Messaging, State } from './services.ts'

interface Opening {
  config: Config
  state: State
  messaging: Messaging
  roleOf: InboxDeps['roleOf']
  opening: Closing
  log: Log
}

const closeMs = 5_000

/** Connects in the background: a server that does not answer keeps nobody waiting. */
export async function openToolServers({ config, state, messaging, roleOf, opening, log }: Opening): Promise<Toolbox> {
  const store = state.toolServers
  const streams = createConfiguredStreams()
  const servers = createToolServers({
    configured: config.toolServers.map(({ server }) => server),
    store,
    connect(server, listed) {
      const { headers = {}, variables = { PATH: config.toolPath } } =
        config.toolServers.find((each) => each.server === server) ?? {}
      // A server may ask for nothing at another address, not even to sign in.
      const fetch = streams(server.at.kind === 'http' ? [new URL(server.at.url).origin] : [])
      return connectTools({ server, version, headers, variables, fetch, listed, log })
    },
    log,
  })
  opening.defer('servers of tools', () => servers.close(), closeMs)
  const sync = () => {
    servers.sync().catch((error: unknown) => log.warn(errorFields(error), 'servers of tools not read'))
  }
  opening.defer('changes of tool servers', await messaging.channel.subscribe(toolServersTopic, sync))
  sync()
  return createServerTools({ connections: servers.connections, store, roleOf, asksBeforeWrites: true })
}
