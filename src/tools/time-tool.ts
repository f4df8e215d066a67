/** The time, in a zone that the model names. */
import { z } from 'zod'
import { toolWording } from '../wording/tools.ts'
import { argumentsOf, argumentText, schemaOf } from './arguments.ts'
import type { Tool } from './tool.ts'

const Now = z.object({
  timeZone: z.string().max(60).optional().describe('IANA name, such as Europe/Berlin. Default: UTC.'),
})

export function now(clock: () => Date = () => new Date()): Tool {
  return {
    name: 'now',
    description: 'Tells the date, the day of the week and the time in a time zone.',
    schema: schemaOf(Now),
    effect: 'read',
    openWorld: false,
    limitMs: 1_000,
    mostTokens: 100,
    describe: (args) => toolWording.time(argumentText(args, 'timeZone') || 'UTC'),
    async run(args) {
      const { timeZone = 'UTC' } = argumentsOf(Now, args)
      try {
        const shown = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long', timeZone })
        return { text: shown.format(clock()) }
      } catch {
        return { text: toolWording.noTimeZone(timeZone), failed: true }
      }
    },
  }
}
