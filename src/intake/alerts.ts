/** What Parley says outside of any reply: budget warnings and requests for approval, to where an admin wants them. */

import type { Notice } from '../core/command.ts'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { ReplyTarget } from '../core/message.ts'
import type { Platform } from '../core/platform.ts'
import type { Scope } from '../core/scope.ts'
import type { Settings } from '../store/settings.ts'

export interface Alerts {
  /**
   * Says it in the channel chosen for alerts: the nearest one above `scope`. Where none is chosen, or its platform takes no
   * notices, it is logged. `key` is the same when it is sent again. Throws `platform_*`.
   */
  send(scope: Scope, notice: Notice, key: string): Promise<'sent' | 'logged'>
  /** Where notices about a scope go, if anywhere. */
  target(scope: Scope): Promise<ReplyTarget | undefined>
}

export interface AlertsDeps {
  settings: Pick<Settings, 'read'>
  platform(name: string): Platform
  log: Log
}

const sendingMs = 30_000

export function createAlerts({ settings, platform, log }: AlertsDeps): Alerts {
  async function targetOf(scope: Scope): Promise<ReplyTarget | undefined> {
    const scopes = scopesAbove(scope)
    const values = await settings.read(scopes)
    return scopes.map((each) => values.get(each)?.['alerts.target']).findLast((target) => target !== undefined)
  }
  function transportFor(target: ReplyTarget) {
    try {
      return platform(target.conversation.platform).transport
    } catch (error) {
      log.warn(errorFields(error), 'the channel for alerts is on a platform that is not there')
      return undefined
    }
  }

  return {
    target: targetOf,
    async send(scope, notice, key) {
      const target = await targetOf(scope)
      const transport = target && transportFor(target)
      if (target === undefined || transport?.notify === undefined) {
        log.warn({ scope, notice: notice.text }, 'notice for admins; no channel is chosen for alerts')
        return 'logged'
      }
      await transport.notify(target, notice, { key, signal: AbortSignal.timeout(sendingMs) })
      return 'sent'
    },
  }
}

/** Those that hold a scope, widest first, itself included: `all`, its workspace, its channel. */
export function scopesAbove(scope: Scope): Scope[] {
  const place = /^(?:workspace|channel|user):([^/]+\/[^/]+)/.exec(scope)?.[1]
  const above: Scope[] = place === undefined ? ['all'] : ['all', `workspace:${place}`]
  return above.includes(scope) ? above : [...above, scope]
}
