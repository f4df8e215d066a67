/** Help on Discord names commands as people fill them in there. */
import { ApplicationCommandOptionType as kind } from 'discord.js'
import { describe, expect, it } from 'vitest'
import { createTable, type TableDeps } from '../../src/admin/commands.ts'
import { parseLine } from '../../src/admin/parse.ts'
import type { CommandSpec } from '../../src/core/command.ts'
import { discordWording } from '../../src/wording/discord.ts'
import { helpOf } from '../../test/fakes/help.ts'
import { commandLine } from './commands.ts'
import { asHelp, fieldsOf } from './help.ts'

const table = createTable({} as TableDeps)

/** What Discord sends when somebody fills in these fields. */
function filledIn(spec: CommandSpec, fields: string[]) {
  const given = fields.map((field) => {
    const [name = '', value = ''] = field.split(/:(.*)/s)
    const type = spec.args.find((each) => each.name === name)?.type
    if (type === 'switch') return { type: kind.Boolean as const, name, value: true }
    if (type === 'number') return { type: kind.Number as const, name, value: Number(value) }
    const id = /^<[@#](\w+)>$/.exec(value)?.[1]
    const isMention = id !== undefined && (type === 'person' || type === 'channel')
    return { type: kind.String as const, name, value: isMention ? id : value }
  })
  return commandLine({ name: spec.name, spec, given })
}

describe('an example', () => {
  it.each(table.flatMap((spec) => spec.examples.map((line) => [line, spec] as const)))(
    'has its words in the fields that they belong to: %s',
    (line, spec) => {
      const fields = fieldsOf(spec, line)
      expect(parseLine(filledIn(spec, fields), table).given).toEqual(parseLine(line, table).given)
    },
  )
})

describe('help', () => {
  const shown = async (command?: string) => asHelp(await helpOf(command), table, command === undefined).text

  it('on a command names its fields, and examples with them', async () => {
    const text = await shown('budget set')
    expect(text).toContain('**`/parley budget set for: amount: period:`**')
    expect(text).toContain('- `for:`: channel, workspace, everywhere')
    expect(text).toContain('- `/parley budget set for:channel amount:20 period:month`')
    expect(text).toContain('- `/parley budget set for:@Ann amount:1.50 period:day`')
    expect(text).not.toMatch(/<for>|<@|--/)
  })

  it('marks the fields that may stay empty', async () => {
    expect(await shown('models pin')).toContain('`/parley models pin model: [for:]`')
    expect(await shown('usage')).toContain('`csv:` (optional)')
  })

  it('on a group lists its commands, and without a name says first how to ask', async () => {
    expect(await shown('budget')).toContain('- `/parley budget grant for: amount: period:`')
    const list = await shown()
    expect(list).toMatch(new RegExp(`^${discordWording.howToAsk.slice(0, 20)}`))
    expect(list).toContain('`/parley help [command:]` explains a command')
    expect(list.endsWith(discordWording.fields)).toBe(true)
  })

  it('that knows no such command is left as it is', () => {
    const failed = { text: 'There is no command `budgte`. Did you mean `/parley help budget`?', failed: true } as const
    expect(asHelp(failed, table, false).text).toBe(failed.text)
  })
})
