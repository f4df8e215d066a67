/** Hands what Parley was told to know to the queue once it is stored. What the queue does not take now, the sweep hands over later. */

import type { Collections, LearnedDispatch } from '../core/collections.ts'
import { errorFields } from '../core/errors.ts'
import type { Log } from '../core/log.ts'
import type { Intake } from '../core/platform.ts'
import type { Queue } from '../queue/queue.ts'
import type { LearnedSources } from '../store/learned-sources.ts'
import { learnJob } from './dispatch.ts'

interface Deps {
  queue: Pick<Queue, 'add'>
  log: Log
}

/** The same collections; what is to be read is on its way when a call returns. */
export function createLearning({ collections, ...deps }: Deps & { collections: Collections }): Collections {
  return {
    ...collections,
    add: async (...given) => await handOver(await collections.add(...given), deps),
    refresh: async (...given) => await handOver(await collections.refresh(...given), deps),
    watch: async (...given) => await handOver(await collections.watch(...given), deps),
  }
}

/** Files that people post where Parley is, and not to Parley: read only where an admin switched that on. */
export function createFilesPosted({
  learned,
  ...deps
}: Deps & { learned: Pick<LearnedSources, 'watching' | 'keepFiles'> }): Intake['filesPosted'] {
  return async (place, files) => {
    const source = await learned.watching(place)
    if (source === undefined) return
    const posted = (await files()).map((file) => ({ ...file, place }))
    if (posted.length > 0) await handOver(await learned.keepFiles(source, posted, { complete: false }), deps)
  }
}

async function handOver(work: LearnedDispatch[], { queue, log }: Deps): Promise<LearnedDispatch[]> {
  try {
    for (const next of work) await queue.add(learnJob(next))
  } catch (error) {
    log.warn(errorFields(error), 'what is to be read was not handed to the queue; sweep will')
  }
  return work
}
