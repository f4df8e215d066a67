/** Programs outside that are told of events: what the commands say, what admins are told, and what doctor finds. */
import { scopeWording } from './commands.ts'
import { code, listed, many } from './phrases.ts'

interface Named {
  name: string
}

interface Listed extends Named {
  address: string
  events: readonly string[]
  who: string
  withText: boolean
  waiting: number
}

interface Delivered {
  eventId: string
  state: 'waiting' | 'done' | 'failed'
  attempts: number
  at: string
  nextAt: string
  status: number | null
  problem: string | null
}

export const webhookWording = {
  manage: 'manage webhooks',
  none: 'There are no webhooks. Add one with `/parley webhooks add crm https://example.com/hooks`.',
  /** An address may hold a token: only its beginning is shown. */
  address: (address: string) => {
    const { origin, pathname, search } = new URL(address)
    const path = pathname.length > 20 ? `${pathname.slice(0, 20)}…` : pathname
    return `${origin}${path}${search === '' ? '' : '?…'}`
  },
  line: ({ name, address, events, who, withText, waiting }: Listed, status: string) =>
    `${code(name)} → ${code(webhookWording.address(address))}: ${listed(events)} ${scopeWording.where(who)}${withText ? ', with text' : ''}. ${status}${waiting === 0 ? '' : ` ${many(waiting, 'delivery', 'deliveries')} waiting.`}`,
  works: 'Works.',
  neverSent: 'Nothing sent yet.',
  failing: (since: string, problem: string) => `Failing since ${since}. ${problem}`,
  isDisabled: (reason: 'gone' | 'failing' | null, problem: string | null) =>
    `Disabled${reason === 'gone' ? ' because its receiver is gone' : ' after three days of failed attempts'}.${problem === null ? '' : ` ${problem}`}`,
  eventsWanted: (names: readonly string[]) => `some of ${names.join(', ')}, separated by commas`,
  addressWanted: 'an address that starts with https://',
  notOneWord: (typed: string) => `The name of a webhook is one word, such as \`crm\`, not ${code(typed)}.`,
  taken: (name: string) =>
    `There is already a webhook named ${code(name)}. Choose another name, or remove that one first.`,
  unknown: (name: string) => `There is no webhook named ${code(name)}. \`/parley webhooks list\` lists all webhooks.`,
  tooMany: (most: number) => `There can be at most ${most} webhooks. Remove one first.`,
  wrongScope:
    'A webhook is for everyone, a workspace, a team or a channel. Name one of those after `for`, such as `for workspace`.',
  notPrivate:
    'The answer has a secret, and others could read it here. Type this in a direct message to Parley, on the page or in the terminal.',
  added: (name: string, events: readonly string[], who: string, withText: boolean) =>
    `The webhook ${code(name)} is sent ${listed(events)} ${scopeWording.where(who)}.${
      withText
        ? ' It gets questions and answers of public channels, and of channels that belong to its team; never of direct messages.'
        : ''
    }`,
  secret: (secret: string) =>
    ` This is its signing secret. Copy it now, because it is not shown again:\n\n\`${secret}\`\n\nTry it with \`/parley webhooks test\`.`,
  shownOnce: (name: string) =>
    ` Parley shows a secret only once. If you lost it, type ${code(`/parley webhooks rotate ${name}`)}.`,
  rotated: (name: string, until: string) =>
    `The webhook ${code(name)} has a new secret. Until ${until} each delivery is signed with the old one, too.`,
  askRemove: (name: string) =>
    `Remove the webhook ${code(name)}? What waits for it is not sent, and its deliveries cannot be replayed.`,
  remove: 'Remove',
  removed: (name: string) => `Removed the webhook ${code(name)}.`,
  enabled: (name: string) => `The webhook ${code(name)} is active. What was waiting is sent now.`,
  testDone: (name: string, status: number, ms: number) =>
    `The receiver of ${code(name)} answered with status ${status} after ${ms} ms.`,
  testFailed: (name: string, problem: string) => `The test of ${code(name)} failed. ${problem}`,
  stillDisabled: (name: string) =>
    ` The webhook is disabled. Type ${code(`/parley webhooks enable ${name}`)} to send to it again.`,
  answered: (status: number) =>
    status === 410
      ? 'The receiver says that it is gone (status 410).'
      : status >= 300 && status < 400
        ? `The receiver redirects (status ${status}), and webhooks follow no redirects. Use its final address.`
        : `The receiver answered with status ${status}.`,
  noDeliveries: (name: string) => `Nothing was sent to ${code(name)} in the last 30 days.`,
  delivery: ({ eventId, state, attempts, at, nextAt, status, problem }: Delivered) => {
    const tries = attempts > 1 ? ` after ${attempts} attempts` : ''
    if (state === 'done') return `${at} ${code(eventId)}: delivered${tries} (status ${status ?? '?'})`
    if (state === 'failed') return `${at} ${code(eventId)}: given up${tries}. ${problem ?? ''}`.trim()
    return attempts === 0
      ? `${at} ${code(eventId)}: waiting`
      : `${at} ${code(eventId)}: tried ${many(attempts, 'time')}, next at ${nextAt}. ${problem ?? ''}`.trim()
  },
  replayWanted: 'an event ID, `failed`, or a time such as 24h or 7d',
  replayed: (name: string, count: number) =>
    count === 0
      ? `No delivery of ${code(name)} fits. \`/parley webhooks deliveries ${name}\` lists the last ones.`
      : `${many(count, 'delivery', 'deliveries')} to ${code(name)} will be sent again, each with the same ID.`,
  alert: ({ name, reason, problem }: Named & { reason: 'gone' | 'failing'; problem: string | null }) =>
    `The webhook ${code(name)} is disabled, because its receiver ${
      reason === 'gone' ? 'says that it is gone' : 'has failed for three days'
    }.${problem === null ? '' : ` ${problem}`} Events are not kept for it. When the receiver works again, type ${code(`/parley webhooks enable ${name}`)}.`,
  doctorNone: 'none',
  doctorFine: (count: number) => `${many(count, 'webhook')}, none failing`,
}
