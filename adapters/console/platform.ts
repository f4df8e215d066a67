/** The console as a platform: Parley's own page, for trying it out and for use without any chat platform. */
import type { Platform } from '../../src/core/platform.ts'
import { createFiles } from './files.ts'
import { createListener, type ListenerDeps } from './listener.ts'
import { platformName } from './normalize.ts'
import { createTransport } from './transport.ts'

export async function createConsole(deps: ListenerDeps): Promise<Platform> {
  const transport = createTransport(deps)
  await transport.start()
  return {
    name: platformName,
    capabilities: {
      streaming: 'edit',
      maxChars: 1_000_000,
      minEditMs: 25,
      status: 'native',
      buttons: true,
      keepsPrivate: true,
      accounts: 'person',
      showsThoughts: true,
    },
    transport,
    files: createFiles(deps.blobs),
    listen: (intake) => createListener(deps, intake),
  }
}
