/** Doctor checks and dry-run routing of a running Parley. Part of the composition root. */

import { createTurnRules } from '../admin/turn-rules.ts'
import { diskSpace } from '../blobs/disk.ts'
import { asParleyError, ParleyError } from '../core/errors.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Mailer } from '../identity/mailer.ts'
import { passwordProblem } from '../identity/passwords.ts'
import { examine } from '../ops/doctor.ts'
import { imageLimits } from '../prompt/images.ts'
import { DryRun, explainRoute } from '../routing/dry-run.ts'
import { requestWording } from '../wording/requests.ts'
import { mailWording } from '../wording/sign-in.ts'
import { doctorWording } from '../wording/terminal.ts'
import { describeFileSearch } from './embeddings.ts'
import type { PlatformConnection } from './platforms.ts'
import type { Readers, Running, Services } from './services.ts'
import { checkSearch } from './web.ts'
import { describeWebhooks } from './webhooks.ts'

export async function explainRequest(
  request: unknown,
  { config, messaging, models, money }: Pick<Running, 'config' | 'messaging' | 'models' | 'money'>,
): Promise<RouteDecision> {
  const dryRun = DryRun.safeParse(request)
  if (!dryRun.success) throw new ParleyError('request_invalid', requestWording.routeInvalid)
  const { catalogue } = models
  const rules = createTurnRules(messaging.settings)
  const limits = { promptTokens: config.limits.promptTokens, mostImages: imageLimits.count }
  return await explainRoute(
    { catalogue, rules, health: messaging.health, budget: money.budget, ...limits },
    dryRun.data,
  )
}

interface Examined extends Pick<Services, 'config' | 'state' | 'messaging' | 'models' | 'log'> {
  reading: Readers
  mailer: Mailer | undefined
  url: string | null
  connections: PlatformConnection[]
}

export function examineApp({ config, state, messaging, models, reading, mailer, log, url, connections }: Examined) {
  const { ffmpeg, transcriber } = reading
  return examine({
    async database() {
      const { rows } = await state.database.pool.query<{ version: string; turns: string; failed: string }>(
        `select current_setting('server_version') as version, count(*) as turns,
           count(*) filter (where state = 'failed') as failed from turn`,
      )
      const { version = '', turns = '0', failed = '0' } = rows[0] ?? {}
      return doctorWording.database(version, state.embedded, turns, failed)
    },
    async accounts() {
      const problem = passwordProblem()
      if (problem !== null) return { ok: false, userMessage: problem }
      const where = { disabledAt: null, signedInAt: { not: null } }
      const count = await state.database.prisma.person.count({ where })
      return { ok: true, userMessage: doctorWording.accounts(count, config.publicUrl) }
    },
    mail:
      mailer === undefined
        ? null
        : async () => {
            await mailer.check()
            return mailWording.works(config.mail?.host ?? '')
          },
    queue: messaging.queue,
    async models() {
      const answers = models.providers.map((provider) =>
        provider.models(AbortSignal.timeout(10_000)).catch(asParleyError),
      )
      const problems = (await Promise.all(answers)).flatMap((answer) =>
        answer instanceof ParleyError ? [answer.userMessage] : [],
      )
      return { problems, names: (await models.writing()).map((model) => `${model.id} (${model.provider})`) }
    },
    ffmpeg: ffmpeg.version,
    ffmpegIsSet: config.ffmpegPath !== undefined,
    search: config.search === undefined ? null : () => checkSearch(config.search),
    transcriber: transcriber === undefined ? null : () => transcriber.check(AbortSignal.timeout(10_000)),
    fileSearch: () => describeFileSearch({ config, state, models, log }),
    webhooks: () => describeWebhooks(state),
    consoleUrl: url,
    connections,
    publicUrl: config.publicUrl,
    disk: () => diskSpace(config.home),
  })
}
