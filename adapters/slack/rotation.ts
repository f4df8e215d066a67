/**
 * Tokens of apps with token rotation expire after 12 hours. They are renewed before that, by one process at a time, because
 * renewing makes the old refresh token invalid: https://docs.slack.dev/authentication/using-token-rotation
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { monotonic } from '../../src/core/clock.ts'
import { errorFields, ParleyError } from '../../src/core/errors.ts'
import type { Log } from '../../src/core/log.ts'
import type { Quota, Records } from '../../src/core/platform-state.ts'
import { retry } from '../../src/core/retry.ts'
import { chatWording } from '../../src/wording/chat.ts'
import { slackWording } from '../../src/wording/slack.ts'
import { createApi } from './api.ts'
import { plain } from './events.ts'
import { Installation } from './installation.ts'
import { slackCode } from './sdk.ts'
import type { SlackSettings } from './settings.ts'

export interface Rotation {
  /**
   * The installation with a token that Slack accepts now; `known` is what the record held when it was read. Throws
   * `platform_rejected` if Slack will not renew an expired token, and other `platform_*` errors if it does not answer.
   */
  current(key: string, known: Installation): Promise<Installation>
}

export interface RotationDeps {
  settings: SlackSettings
  records: Records
  quota: Quota
  log: Log
  now?: () => number
}

interface Pending {
  /** The refresh token that was exchanged. */
  spent: string | undefined
  renewed: Installation
}

/** Slack's answer: https://docs.slack.dev/reference/methods/oauth.v2.access */
const Renewed = z.object({ access_token: z.string(), refresh_token: z.string(), expires_in: z.number() })

const renewBeforeMs = 2 * 3_600_000
/** Between two processes that look whether a token must be renewed. */
const apartMs = 250
/** A process that has not renewed by then has died. */
const renewalMs = 30_000
/** For other processes to finish renewing. */
const patienceMs = 10_000
/** After a refusal, Slack is not asked again for this long. */
const refusedMs = 60_000
const unlimited: Quota = { take: async () => 0, hold: async () => undefined }

export function createRotation({ settings, records, quota, log, now = Date.now }: RotationDeps): Rotation {
  const { oauth, apiUrl } = settings
  const renewing = new Map<string, Promise<Installation>>()
  /** Renewed tokens that could not be stored yet, by the key of their record. */
  const unstored = new Map<string, Pending>()
  /** Refresh tokens that Slack does not take. */
  const refused = new Map<string, { error: unknown; until: number }>()

  const leftMs = ({ expiresAt }: Installation) =>
    expiresAt === undefined ? Number.POSITIVE_INFINITY : expiresAt * 1000 - now()
  const isDue = (each: Installation) => each.refreshToken !== undefined && leftMs(each) <= renewBeforeMs

  /** Processes come one after another, so that the second one finds what the first one did. */
  async function renew(key: string): Promise<Installation> {
    const busy = new ParleyError('platform_unreachable', chatWording.unreachable('Slack'))
    const work = async () => {
      const pending = unstored.get(key)
      const found = pending === undefined ? Installation.parse(await records.get(key)) : await keep(key, pending)
      if (!isDue(found)) return found
      const wait = await quota.take(`slack/renewal/${key}`, apartMs)
      if (wait > 0 && leftMs(found) > 0) return found
      if (wait > patienceMs) throw busy
      if (wait > 0) await sleep(wait)
      const fresh = wait === 0 ? found : Installation.parse(await records.get(key))
      if (!isDue(fresh)) return fresh
      if ((fresh.renewingUntil ?? 0) > now()) throw busy
      return await exchange(key, fresh)
    }
    return await retry(work, {
      delays: { firstMs: 200, mostMs: 1000 },
      deadlineMs: patienceMs,
      on: (error) => error === busy,
    })
  }

  async function exchange(key: string, known: Installation): Promise<Installation> {
    await store(key, { ...known, renewingUntil: now() + renewalMs })
    const renewed = await ask(key, known).catch(async (error: unknown) => {
      await replace(key, known.refreshToken, { ...known, renewingUntil: undefined })
      throw error
    })
    log.info({ workspace: known.teamId ?? known.enterpriseId }, "renewed a workspace's token")
    // The old refresh token is worth nothing now, so nothing may put it back.
    const pending = { spent: known.refreshToken, renewed }
    unstored.set(key, pending)
    try {
      return await retry(() => keep(key, pending), { delays: { firstMs: 100, mostMs: 2000 }, tries: 4, on: () => true })
    } catch (error) {
      log.error(errorFields(error), 'a renewed token is not stored yet, Parley tries again')
      return renewed
    }
  }

  /** Slack's new tokens. Throws `platform_*`. */
  async function ask(key: string, known: Installation): Promise<Installation> {
    const api = createApi('', key, { quota: unlimited, log, apiUrl })
    const answer = await api.call('oauth.v2.access', {
      client_id: oauth?.clientId,
      client_secret: oauth?.clientSecret,
      grant_type: 'refresh_token',
      refresh_token: known.refreshToken,
    })
    const { access_token: token, refresh_token: refreshToken, expires_in: seconds } = Renewed.parse(answer)
    return { ...known, token, refreshToken, expiresAt: now() / 1000 + seconds, renewingUntil: undefined }
  }

  /** Stores it unless the app was installed again or removed meanwhile. Returns what was stored before. */
  async function replace(
    key: string,
    spent: string | undefined,
    next: Installation,
  ): Promise<Installation | undefined> {
    const found = Installation.optional().parse(await records.get(key))
    if (found !== undefined && found.refreshToken === spent) await store(key, next)
    return found
  }

  async function keep(key: string, pending: Pending): Promise<Installation> {
    const { spent, renewed } = pending
    const found = await replace(key, spent, renewed)
    if (unstored.get(key) === pending) unstored.delete(key)
    return found === undefined || found.refreshToken === spent ? renewed : found
  }

  /** `stored`, or the tokens that it should hold: storing them is tried once more. */
  async function latest(key: string, stored: Installation): Promise<Installation> {
    const pending = unstored.get(key)
    if (pending === undefined) return stored
    return await keep(key, pending).catch((error: unknown) => {
      log.warn(errorFields(error), 'a renewed token is not stored yet, Parley tries again')
      return pending.spent === stored.refreshToken ? pending.renewed : stored
    })
  }

  const store = (key: string, installation: Installation) => records.put(key, plain(installation), { secret: true })

  function renewOnce(key: string): Promise<Installation> {
    const work = renewing.get(key) ?? renew(key).finally(() => renewing.delete(key))
    renewing.set(key, work)
    return work
  }

  return {
    async current(key, stored) {
      const known = await latest(key, stored)
      if (!isDue(known)) return known
      const before = refused.get(known.refreshToken ?? '')
      const work = before !== undefined && before.until > monotonic() ? Promise.reject(before.error) : renewOnce(key)
      try {
        return await work
      } catch (error) {
        const workspace = known.name ?? known.teamId ?? known.enterpriseId ?? ''
        const code = slackCode(error)
        if (code !== undefined && error !== before?.error) {
          log.error({ ...errorFields(error), workspace, code }, 'Slack does not renew a token')
          if (refused.size > 1000) refused.clear()
          refused.set(known.refreshToken ?? '', { error, until: monotonic() + refusedMs })
        }
        if (leftMs(known) > 0) return known
        if (code === undefined) throw error
        throw new ParleyError('platform_rejected', slackWording.errors.tokenNotRenewed(workspace, code), {
          cause: error,
        })
      }
    },
  }
}
