/** What the composition root has opened, as its pieces hand it on. */
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Closing } from '../ops/closing.ts'
import type { Check } from '../ops/doctor.ts'
import type { openMessaging } from './messaging.ts'
import type { openModels } from './models.ts'
import type { openMoney } from './money.ts'
import type { openPlatforms } from './platforms.ts'
import type { openReaders } from './readers.ts'
import type { openState } from './state.ts'

export type State = Awaited<ReturnType<typeof openState>>
export type Messaging = Awaited<ReturnType<typeof openMessaging>>
export type Models = ReturnType<typeof openModels>
export type Readers = Awaited<ReturnType<typeof openReaders>>
export type Platforms = Awaited<ReturnType<typeof openPlatforms>>
export type Money = Awaited<ReturnType<typeof openMoney>>

export interface Services {
  config: Config
  state: State
  messaging: Messaging
  models: Models
  reader: Readers['reader']
  log: Log
}
export interface Running extends Services {
  transcriber: Readers['transcriber']
  platforms: Platforms
  money: Money
  doctor(): Promise<Check[]>
  explain(request: unknown): Promise<RouteDecision>
  opening: Closing
}
