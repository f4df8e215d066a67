/** Whether there are accounts, as each request of the page asks. Once there are some, the answer costs nothing. */
import { monotonic } from '../core/clock.ts'
import { peopleChangedTopic } from '../core/topics.ts'

/** A "no" is good for this long where the news of the first account is lost on its way to this process. */
const noLastsMs = 1000

export async function rememberSetUp(
  areSetUp: () => Promise<boolean>,
  channel: { subscribe(topic: string, heard: () => void): Promise<() => Promise<void>> },
  now = monotonic,
): Promise<{ areSetUp(): Promise<boolean>; close(): Promise<void> }> {
  let setUp = false
  let no: { answer: Promise<boolean>; at: number } | undefined
  const close = await channel.subscribe(peopleChangedTopic, () => {
    no = undefined
  })
  return {
    close,
    async areSetUp() {
      if (setUp) return true
      if (no === undefined || now() - no.at >= noLastsMs) {
        const asked = { answer: areSetUp(), at: now() }
        no = asked
        // A failure is not remembered.
        asked.answer.catch(() => {
          if (no === asked) no = undefined
        })
      }
      setUp = (await no.answer) || setUp
      return setUp
    },
  }
}
