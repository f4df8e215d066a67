/**
 * The OpenAI-compatible endpoint as a platform: a request is a message, its answer a reply, so that routing, files, budgets
 * and crashes are the same as in a chat. It is no place where people talk, and departs from a chat platform in two things:
 * what was sent is never edited or removed, and nobody but the program that waits sees it.
 */
import type { Files, Platform } from '../../src/core/platform.ts'
import { createListener, type ListenerDeps } from './listener.ts'
import { platformName } from './normalize.ts'
import { createTransport } from './transport.ts'

export function createApi(deps: ListenerDeps & { files: Files }): Platform {
  return {
    name: platformName,
    capabilities: { streaming: 'edit', maxChars: 4_000_000, minEditMs: 20, status: 'native', buttons: false },
    transport: createTransport(deps),
    files: deps.files,
    listen: (intake) => createListener(deps, intake),
  }
}
