/**
 * The OpenAI-compatible endpoint as a platform. A request is a message and its answer a reply, so routing, files, budgets and
 * crash recovery work as in a chat. Two things differ: sent text is never edited or removed, and only the waiting program sees it.
 */
import type { Files, Platform } from '../../src/core/platform.ts'
import { createListener, type ListenerDeps } from './listener.ts'
import { platformName } from './normalize.ts'
import { createTransport } from './transport.ts'

export function createApi(deps: ListenerDeps & { files: Files }): Platform {
  return {
    name: platformName,
    capabilities: {
      streaming: 'edit',
      maxChars: 4_000_000,
      exact: true,
      minEditMs: 20,
      status: 'native',
      buttons: false,
      keepsPrivate: true,
    },
    transport: createTransport(deps),
    files: deps.files,
    listen: (intake) => createListener(deps, intake),
  }
}
