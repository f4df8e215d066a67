/** Runs a provider on a file, shared or inside another one. */
import type { Problem } from '../core/artifact.ts'
import { ParleyError } from '../core/errors.ts'
import { fileWording } from '../wording/files.ts'
import type { Limits } from './limits.ts'
import type { Ending, Input, Provider, Sink } from './provider.ts'

/** Passes problems on if the file gave something. If it is damaged and gave nothing, it is refused as damaged, not as empty. */
export async function readWith(provider: Provider, input: Input, limits: Limits, sink: Sink): Promise<Ending> {
  const problems: Problem[] = []
  try {
    const ending = await provider.read(input, limits, { ...sink, problem: (problem) => void problems.push(problem) })
    for (const problem of problems) sink.problem(problem)
    return ending
  } catch (error) {
    const isDamaged = problems.some(({ code }) => code === 'file_damaged')
    if (!(error instanceof ParleyError) || error.code !== 'file_empty' || !isDamaged) throw error
    throw new ParleyError('file_damaged', fileWording.damaged.archive(input.name), { cause: error })
  }
}
