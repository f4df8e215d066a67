/** `parley status`: whether Parley runs on this home, its models, and its connections. */
import type { ConnectionReport } from '../core/connection.ts'
import { statusWording } from '../wording/terminal.ts'

export type Status =
  | { running: false; home: string; ready: false }
  | {
      running: true
      home: string
      pid: number
      url: string
      version: string
      ready: boolean
      /** Why it is not ready. */
      userMessage?: string | undefined
      models: string[]
      connections: {
        platform: string
        connection: string
        state: ConnectionReport['state']['is']
        userMessage?: string
      }[]
    }

export function describeStatus(status: Status): string {
  if (!status.running) return statusWording.stopped(status.home)
  const { version, pid, url, userMessage, models, connections } = status
  const lines = [
    statusWording.running(version, pid, url),
    statusWording.models(models),
    ...connections.map(({ platform, connection, state, userMessage: why }) =>
      statusWording.connection(platform, connection, state, why),
    ),
  ]
  return (userMessage === undefined ? lines : [...lines, statusWording.notReady(userMessage)]).join('\n')
}
