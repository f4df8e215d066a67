/** Serves what listeners mount by the same app as Parley's own port, on a free one. */

import type { Mount } from '../../src/core/http.ts'
import { silentLog } from '../../src/core/log.ts'
import { type AccessDeps, createAccessGate, withoutAccounts } from '../../src/ops/access.ts'
import { type HttpAppDeps, serveHttp } from '../../src/ops/http.ts'

export const terminalToken = `terminal-${'t'.repeat(43)}`

export async function serveMounts(
  mounts: readonly Mount[],
  more: Partial<AccessDeps & Pick<HttpAppDeps, 'idleMs' | 'log'>> = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const { idleMs, log = silentLog, ...access } = more
  const gate = createAccessGate({
    loopback: true,
    exposed: false,
    terminalToken,
    ...withoutAccounts,
    findKey: async () => null,
    ...access,
  })
  const slow = idleMs === undefined ? {} : { idleMs }
  const http = await serveHttp({ host: '127.0.0.1', port: 0, mounts, gate, log, ...slow })
  return { url: http.url, close: async () => await http[Symbol.asyncDispose]() }
}
