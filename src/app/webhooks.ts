/** Programs outside that are told of events. A part of the composition root. */
import type { Config } from '../config.ts'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { EgressOptions } from '../egress/guard.ts'
import { createSender } from '../egress/send.ts'
import type { Closing } from '../ops/closing.ts'
import { jobId } from '../queue/queue.ts'
import { createWebhookOutbox } from '../store/webhook-outbox.ts'
import { createWebhookDelivery } from '../webhooks/delivery.ts'
import { webhookWording } from '../wording/webhooks.ts'
import type { Messaging, Money, Platforms, State } from './services.ts'

interface Opening {
  config: Config
  state: State
  messaging: Messaging
  platforms: Platforms
  money: Money
  opening: Closing
  log: Log
  /** For tests: addresses that count as public. */
  egress?: EgressOptions | undefined
}

/** An attempt ends within its ten seconds. */
const graceMs = 11_000

export function openWebhooks({ config, state, messaging, platforms, money, opening, log, egress }: Opening) {
  const sender = createSender(config.webhooks.allow, egress)
  const delivery = createWebhookDelivery({
    outbox: createWebhookOutbox(state.database, state.secrets),
    sender,
    platform: (name) => platforms.all.find((each) => each.name === name),
    async alert(hook, key) {
      await money.alerts.send(hook.scope, { text: webhookWording.alert(hook) }, key)
    },
    log,
  })
  opening.defer('webhooks', () => delivery.close(graceMs), graceMs + 1_000)
  return {
    delivery,
    checkAddress: sender.check,
    /** The sweep sends what cannot be handed to the queue now. */
    async wake(cause: string) {
      await messaging.queue
        .add({ name: 'webhooks', id: jobId.webhooks(cause), payload: { v: 1 } })
        .catch((error: unknown) => log.warn(errorFields(error), 'webhooks not woken; the sweep sends them'))
    },
  }
}

/** What doctor says of them. */
export async function describeWebhooks({ webhooks }: Pick<State, 'webhooks'>) {
  const all = await webhooks.list()
  if (all.length === 0) return { ok: true, userMessage: webhookWording.doctorNone }
  const bad = all.flatMap(({ name, state, reason, failingSince, problem }) => {
    if (state === 'disabled') return [`${name}: ${webhookWording.isDisabled(reason, problem)}`]
    return failingSince === null
      ? []
      : [`${name}: ${webhookWording.failing(failingSince.toISOString(), problem ?? '')}`]
  })
  return bad.length === 0
    ? { ok: true, userMessage: webhookWording.doctorFine(all.length) }
    : { ok: false, userMessage: bad.join(' ') }
}
