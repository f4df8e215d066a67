/** What the composition root has opened, as its pieces hand it on. */
import type { Config } from '../config.ts'
import type { Log } from '../core/log.ts'
import type { RouteDecision } from '../core/route-decision.ts'
import type { Closing } from '../ops/closing.ts'
import type { Check } from '../ops/doctor.ts'
import type { Memory } from '../search/memory.ts'
import type { PlaceReaders } from '../search/places.ts'
import type { Accounts } from './accounts.ts'
import type { FileSearch } from './embeddings.ts'
import type { openMessaging } from './messaging.ts'
import type { openModels } from './models.ts'
import type { openMoney } from './money.ts'
import type { OpenPageAccounts } from './page-accounts.ts'
import type { openPeople } from './people.ts'
import type { openPlatforms } from './platforms.ts'
import type { openReaders } from './readers.ts'
import type { openState } from './state.ts'
import type { openWeb } from './web.ts'
import type { openWebhooks } from './webhooks.ts'

export type State = Awaited<ReturnType<typeof openState>>
export type Messaging = Awaited<ReturnType<typeof openMessaging>>
export type Models = ReturnType<typeof openModels>
export type Readers = Awaited<ReturnType<typeof openReaders>>
export type Platforms = Awaited<ReturnType<typeof openPlatforms>>
export type People = Awaited<ReturnType<typeof openPeople>>
export type Web = ReturnType<typeof openWeb>
export type Webhooks = ReturnType<typeof openWebhooks>
export type Money = Awaited<ReturnType<typeof openMoney>>

export interface Services {
  config: Config
  state: State
  messaging: Messaging
  pageAccounts: OpenPageAccounts
  models: Models
  reader: Readers['reader']
  log: Log
}
export interface Running extends Services {
  accounts: Accounts
  transcriber: Readers['transcriber']
  platforms: Platforms
  people: People
  money: Money
  web: Web
  webhooks: Webhooks
  places: PlaceReaders
  memory: Memory
  fileSearch: FileSearch
  doctor(): Promise<Check[]>
  explain(request: unknown): Promise<RouteDecision>
  opening: Closing
}
