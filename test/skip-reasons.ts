/** Says at the end of a run why tests were left out: the reason is in their note, or in brackets in a name above them. */
import type { Reporter, TestModule } from 'vitest/node'

export const skipReasons: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const counts = new Map<string, number>()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result()
        const note = result.state === 'skipped' ? result.note : undefined
        const reason = note ?? /\((?:skipped: |skipped )?([^()]* [^()]+)\)(?: > |$)/.exec(test.fullName)?.[1]
        const told = reason ?? `no reason given: ${test.fullName}`
        counts.set(told, (counts.get(told) ?? 0) + 1)
      }
    }
    for (const [reason, count] of counts) console.log(`${count} left out: ${reason}`)
  },
}
