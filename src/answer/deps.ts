/** What answering a turn needs of the rest of Parley, by subject. The composition root gives more in each; tests give rigs. */
import type { Artifact } from '../core/artifact.ts'
import type { Log } from '../core/log.ts'
import type { Platform } from '../core/platform.ts'
import type { Catalogue } from '../models/catalogue.ts'
import type { ModelProvider } from '../models/model.ts'
import type { Budget } from '../routing/budget.ts'
import type { Health } from '../routing/health.ts'
import type { RulesOf } from '../routing/rules.ts'
import type { Memory } from '../search/memory.ts'
import type { PassageIndex, Retriever } from '../search/passages.ts'
import type { ArtifactKey } from '../store/attachments.ts'
import type { Turns } from '../store/turns.ts'
import type { Toolbox } from '../tools/tool.ts'
import type { WebSources } from '../web/gather-web.ts'
import type { WritesDeps } from './writes.ts'

/** How long a search of files may take, unless `limits` says otherwise. */
export const searchMs = 5_000

export interface AnswerDeps {
  storage: {
    turns: Pick<Turns, 'saveStep'>
    attachments: { artifacts(keys: ArtifactKey[]): Promise<Artifact[]> }
    /** Passages that were found before, by reference. */
    index: Pick<PassageIndex, 'read'>
    /** The bytes of a stored picture, or null when they are gone. */
    picture(contentHash: string): Promise<Uint8Array | null>
  }
  retriever: Retriever
  /** Files that were shared earlier; absent where nothing is remembered. */
  memory?: Memory | undefined
  /** The web; absent where it is out of reach. */
  web?: WebSources | undefined
  /** What models may ask for while they answer; absent where they get no tools. */
  tools?: Toolbox | undefined
  /** Calls that change something, and the people who are asked about them; absent where nobody can be asked. */
  writes?: WritesDeps | undefined
  /** Where the question was asked. */
  messaging: { platform(name: string): Pick<Platform, 'capabilities'> }
  models: {
    catalogue: Pick<Catalogue, 'models' | 'refused'>
    provider(name: string): ModelProvider
    health: Pick<Health, 'because' | 'begin' | 'fastest' | 'speed'>
  }
  money: { budget: Pick<Budget, 'left' | 'reserve'> }
  rules: RulesOf
  limits: {
    /** The most tokens of files in a prompt, whatever the model's window. */
    promptTokens: number
    /** How long the search for passages may take; what is later is left out, and the receipt says so. */
    searchMs?: number | undefined
  }
  log: Log
}
