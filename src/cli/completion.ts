/** `parley completion <shell>`: a script that completes the commands and options of the command line, and file names. */
import type { Command } from 'commander'
import { commandSpecs } from '../admin/specs.ts'
import { terminalWording } from '../wording/terminal.ts'
import { UsageError } from './exit.ts'

export const shells = ['bash', 'zsh', 'fish'] as const

/** Throws `UsageError` for another shell. */
export function completionScript(shell: string, program: Command): string {
  const known = shells.find((each) => each === shell)
  if (known === undefined) throw new UsageError(terminalWording.shellUnknown(shell, shells))
  const words = wordsOf(program)
  return known === 'fish'
    ? fish(words)
    : known === 'zsh'
      ? `autoload -U +X bashcompinit && bashcompinit\n${bash(words)}`
      : bash(words)
}

/** What may follow the words typed so far: `''` → commands, `admin` → the first words of chat commands, `admin budget` → their second. */
type Words = Map<string, string[]>

function wordsOf(program: Command): Words {
  const words: Words = new Map()
  const add = (path: string, word: string) => words.set(path, [...new Set([...(words.get(path) ?? []), word])])
  const walk = (command: Command, path: string) => {
    for (const { long } of command.options) if (long) add(path, long)
    for (const sub of command.commands) {
      add(path, sub.name())
      walk(sub, `${path} ${sub.name()}`.trim())
    }
  }
  walk(program, '')
  for (const { name, args } of commandSpecs) {
    const [first = '', second] = name.split(' ')
    add('admin', first)
    if (second !== undefined) add(`admin ${first}`, second)
    for (const { choices = [] } of args.slice(0, 1)) for (const choice of choices) add(`admin ${name}`, choice)
  }
  for (const shell of shells) add('completion', shell)
  return words
}

function bash(words: Words): string {
  const cases = [...words].map(([path, next]) => `    '${path}') words='${next.join(' ')}' ;;`)
  return `_parley() {
  local words='' path="\${COMP_WORDS[*]:1:COMP_CWORD-1}"
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _parley parley`
}

function fish(words: Words): string {
  const lines = [...words].map(([path, next]) => {
    const typed = path === '' ? 'parley' : `parley ${path}`
    return `complete -c parley -n "test (string join ' ' (commandline -opc)) = '${typed}'" -a '${next.join(' ')}'`
  })
  return lines.join('\n')
}
