/** The commands that Discord is told of, and the lines that come back. */
import { ApplicationCommandOptionType as kind } from 'discord.js'
import { describe, expect, it } from 'vitest'
import { commandSpecs } from '../../src/admin/specs.ts'
import type { CommandSpec } from '../../src/core/command.ts'
import { discordLocales } from '../../src/wording/discord-locales.ts'
import { discordSpecMissing, openDiscordSpec } from '../../test/servers/discord-spec.ts'
import { calledCommand, commandLine, discordCommands, focusedArgument } from './commands.ts'

const spec: CommandSpec = {
  name: 'budget set',
  summary: 'Sets a budget',
  role: 'manager',
  examples: ['budget set channel 20'],
  args: [
    { name: 'place', summary: 'Where', required: true, type: 'word' },
    { name: 'amount', summary: 'USD', required: true, type: 'usd' },
    { name: 'for', summary: 'Who', required: false, type: 'person' },
    { name: 'hard', summary: 'No more', required: false, type: 'switch' },
    { name: 'note', summary: 'Why', required: false, type: 'rest' },
  ],
}
const table: CommandSpec[] = [spec, { ...spec, name: 'budget', args: [] }, { ...spec, name: 'help', args: [] }]

describe('registering commands', () => {
  it('one word becomes a sub-command, two words a group, and a group’s single word its show', () => {
    const parley = discordCommands(table).find(({ name }) => name === 'parley')
    expect(JSON.stringify(parley)).toContain('"name":"show"')
    expect(parley).toMatchObject({
      options: [
        { type: kind.SubcommandGroup, name: 'budget', options: [{ name: 'set' }, { name: 'show' }] },
        { type: kind.Subcommand, name: 'help' },
      ],
    })
  })

  it('required options come first, as Discord demands', () => {
    const odd = { ...spec, name: 'odd', args: [...spec.args].reverse() }
    expect(JSON.stringify(discordCommands([odd])[1])).toMatch(/"required":true.*"required":true.*"required":false/)
  })

  it('/ask takes ten files and suggests models', () => {
    const ask = JSON.stringify(discordCommands([])[0])
    expect(ask.match(/"type":11/g)).toHaveLength(10)
    expect(ask).toMatch(/"name":"model"(?:[^{}]|\{[^}]*\})*"autocomplete":true/)
  })

  it('all commands stay within Discord’s limits', () => {
    const parley = discordCommands(commandSpecs).find(({ name }) => name === 'parley')
    const branches = parley && 'options' in parley ? (parley.options ?? []) : []
    expect(branches.length).toBeGreaterThan(3)
    // Nothing was left out for want of room.
    expect(branches.length).toBe(new Set(commandSpecs.map(({ name }) => name.split(' ')[0])).size)
    const texts = [...JSON.stringify(parley).matchAll(/"(?:name|description|value)":"((?:[^"\\]|\\.)*)"/g)]
    expect(texts.reduce((sum, [, text = '']) => sum + text.length, 0)).toBeLessThanOrEqual(8000)
  })

  it.skipIf(discordSpecMissing)(
    `the whole table is as Discord’s document has it${discordSpecMissing ? ` (${discordSpecMissing})` : ''}`,
    () => {
      expect(
        openDiscordSpec()?.violations(
          'PUT',
          '/applications/1/commands',
          discordCommands(commandSpecs, { userInstall: true }),
        ),
      ).toEqual([])
    },
  )
})

describe('translations', () => {
  const texts = (commands: unknown) => [
    ...JSON.stringify(commands).matchAll(/"(name|description)_localizations":(\{[^}]*\})/g),
  ]

  it('are in every language, and within Discord’s limits', () => {
    const found = texts(discordCommands(commandSpecs))
    expect(found.length).toBeGreaterThan(10)
    for (const [, field, json = '{}'] of found) {
      const byLocale: Record<string, string> = JSON.parse(json)
      expect(Object.keys(byLocale).sort()).toEqual([...discordLocales].sort())
      for (const text of Object.values(byLocale)) {
        expect(text.length).toBeGreaterThan(0)
        expect(text.length).toBeLessThanOrEqual(field === 'name' ? 32 : 100)
      }
    }
  })

  it('of a command that is typed are small letters without spaces', () => {
    const [ask] = discordCommands([])
    for (const name of Object.values(ask?.name_localizations ?? {}))
      expect(name).toMatch(/^[-_'\p{Ll}\p{Lo}\p{N}]{1,32}$/u)
  })
})

describe('using commands', () => {
  const use = (given: object[]) =>
    [
      { type: kind.SubcommandGroup, name: 'budget', options: [{ type: kind.Subcommand, name: 'set', options: given }] },
    ] as never

  it('the command becomes the line that people would type', () => {
    const given = [
      { name: 'note', type: kind.String, value: 'for the "big" launch' },
      { name: 'hard', type: kind.Boolean, value: true },
      { name: 'for', type: kind.User, value: '123' },
      { name: 'amount', type: kind.String, value: '20' },
      { name: 'place', type: kind.String, value: 'channel' },
    ]
    expect(commandLine(calledCommand(table, use(given)))).toBe(
      'budget set channel 20 --hard --for <@123> --note "for the \\"big\\" launch"',
    )
  })

  it('a value cannot be mistaken for another argument’s name', () => {
    const given = [{ name: 'place', type: kind.String, value: '--hard' }]
    expect(commandLine(calledCommand(table, use(given)))).toBe('budget set "--hard"')
  })

  it('a command that no longer exists is passed on unchanged, so that intake can explain it', () => {
    const old = [
      { type: kind.Subcommand, name: 'gone', options: [{ name: 'x', type: kind.String, value: 'y' }] },
    ] as never
    expect(commandLine(calledCommand(table, old))).toBe('gone --x y')
  })

  it('a switch that is off is left out', () => {
    expect(commandLine(calledCommand(table, use([{ name: 'hard', type: kind.Boolean, value: false }])))).toBe(
      'budget set',
    )
  })

  it('the argument being typed is found by its name', () => {
    const given = [{ name: 'place', type: kind.String, value: 'cha', focused: true }]
    expect(focusedArgument(calledCommand(table, use(given)))).toEqual({ name: 'place', typed: 'cha' })
  })
})
