/** From what was asked to what is answered: plan, stream, citations, outcome. Called by workers/turn.ts. */
import type { Log } from '../src/core/log.ts'
import type { Citation } from '../src/core/reply.ts'
import { ask } from '../src/models/ask.ts'
import type { Model } from '../src/models/catalogue.ts'
import type { ModelProvider } from '../src/models/model.ts'
import { withoutRefusedImages } from '../src/models/refused-images.ts'
import type { Content, SourceFile } from '../src/prompt/content.ts'
import { hearQuestion } from '../src/prompt/heard.ts'
import type { ShownImage } from '../src/prompt/images.ts'
import { createCitationStream } from '../src/reply/citations.ts'
import type { Pen } from '../src/reply/pen.ts'
import type { UsedPictures } from '../src/reply/receipt.ts'
import { type Attempts, createAttempts } from '../src/routing/attempts.ts'
import type { Budget } from '../src/routing/budget.ts'
import type { Health } from '../src/routing/health.ts'
import type { StoredOutcome, TurnWork } from '../src/store/turns.ts'
import { answeredOutcome, type Said, type Trace } from './outcome.ts'
import { type Plan, type PlanDeps, planAnswer, sees } from './plan.ts'

export interface AnswerDeps extends PlanDeps {
  provider(name: string): ModelProvider
  health: Pick<Health, 'because' | 'speed' | 'begin' | 'fastest'>
  budget: Pick<Budget, 'left' | 'reserve'>
  log: Log
}

/** Fills `trace` on its way: what was tried and spent is told when it throws, too. */
export async function answer(
  deps: AnswerDeps,
  work: TurnWork,
  pen: Pen,
  signals: { stop: AbortSignal; gone: AbortSignal },
  trace: Trace,
): Promise<StoredOutcome> {
  const plan = await planAnswer(deps, await hearQuestion(work, deps.content.artifacts))
  trace.chosen = plan.chosen
  const attempts = createAttempts({ ...deps, spender: plan.spender, turnId: work.id })
  trace.attempts = attempts
  const said = await write(deps, plan, attempts, pen, AbortSignal.any([signals.stop, signals.gone]))
  signals.gone.throwIfAborted()
  if (said.refusal !== undefined && said.model.kind === 'extractive') trace.refusal = said.refusal
  return answeredOutcome(work, pen, plan, said, trace)
}

/** Streams the answer through the pen; a change of model or a restart begins it anew. */
async function write(deps: AnswerDeps, plan: Plan, attempts: Attempts, pen: Pen, signal: AbortSignal): Promise<Said> {
  let content: Content = { files: plan.files, excerpts: [], tokens: 0, tokensAvailable: 0, whole: true }
  let reply = createCitationStream([])
  let pictures: UsedPictures = { shown: 0, of: 0 }
  let maxOutputTokens = 0
  let text = ''
  const say = (part: string) => {
    text += part
    pen.cite(reply.citations())
    pen.append(part)
  }
  pen.append(plan.opening)
  let asked: Model | undefined
  const prepare = async (model: Model) => {
    asked = model
    const prepared = await plan.prepare(model)
    content = prepared.content
    maxOutputTokens = prepared.request.maxOutputTokens
    pictures = {
      ...{ shown: prepared.shown.length, of: plan.images },
      ...(plan.images > 0 && !sees(model) && { blind: model.label ?? model.id }),
    }
    reply = createCitationStream(plan.files.map((file) => citable(file, content, prepared.shown)))
    return prepared.request
  }
  // The same model goes on without them: what it was shown is told as it was.
  const refused = () => {
    pictures = { ...pictures, shown: 0, ...(asked !== undefined && { blind: asked.label ?? asked.id }) }
  }
  const provider = (name: string) => withoutRefusedImages(deps.provider(name), refused)
  const { cheaper } = plan
  for await (const event of ask(plan.models, { provider, prepare, attempts, cheaper, log: deps.log }, signal)) {
    if (event.type === 'text') say(reply.push(event.delta))
    else if (event.type === 'restart') {
      text = ''
      pen.restart()
      pen.append(plan.opening)
    } else {
      say(reply.flush())
      const { model, reason, notices, refusal } = event
      const cited: Citation[] = reply.citations()
      return {
        text,
        citations: cited,
        unknown: reply.unknown(),
        content,
        pictures,
        model,
        reason,
        maxOutputTokens,
        notices,
        ...(refusal === undefined ? {} : { refusal }),
      }
    }
  }
  throw new Error('a model ended without an end')
}

function citable(file: SourceFile, content: Content, shown: ShownImage[]) {
  const given = [...content.excerpts, ...shown].filter((each) => each.file === file)
  const positions = [...new Map(given.map(({ at }) => [JSON.stringify(at), at])).values()]
  return { fileNumber: file.number, title: file.title, contentHash: file.contentHash, positions }
}
