/** The port of models that this installation keeps itself: which there are, fetching one, and letting one go. */
import type { ModelInfo } from './model.ts'

export interface LocalModel {
  id: string
  /** On the disk. */
  bytes: number
  modifiedAt: Date | null
  /** As the model's maker counts them, e.g. `8.0B`. */
  parameters?: string
  /** E.g. `Q4_K_M`. */
  quantization?: string
}

export interface LocalModelDetails {
  id: string
  info: ModelInfo
  /** E.g. `llama`. */
  family?: string
  parameters?: string
  quantization?: string
  /** Its first lines. */
  license?: string
}

export interface PullProgress {
  /** What happens, in the server's words, e.g. `pulling manifest`. */
  status: string
  /** Bytes of all parts that are known so far; more parts may follow. */
  completed: number
  total: number
  /** The model is there. */
  done: boolean
}

export interface LocalModels {
  /** Name of the provider that serves them. */
  provider: string
  /** Throws `model_unreachable`. */
  list(signal: AbortSignal): Promise<LocalModel[]>
  /** Throws `model_rejected_request` when there is none of this name. */
  show(id: string, signal: AbortSignal): Promise<LocalModelDetails>
  /**
   * Fetches a model; again for one that is there fetches what is newer. The last event is `done`; an abort ends the events
   * without it, and the next pull goes on where this one stopped. Throws `model_rejected_request` for a name that nobody
   * knows, `model_unreachable` and `model_stalled` when it breaks off.
   */
  pull(id: string, signal: AbortSignal): AsyncIterable<PullProgress>
  /** Throws `model_rejected_request` when there is none of this name. */
  delete(id: string, signal: AbortSignal): Promise<void>
}
