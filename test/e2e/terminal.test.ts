/** A day at the terminal: what is typed, what is printed where, and how it exits. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { terminalWording } from '../../src/wording/terminal.ts'
import { type ScriptedOpenAi, startScriptedOpenAi } from '../servers/openai.ts'
import {
  ConsoleClient,
  environment,
  type ParleyProcess,
  removeHome,
  run,
  startParley,
  temporaryHome,
} from './parley.ts'

const cli = join(import.meta.dirname, '../../src/cli.ts')
let model: ScriptedOpenAi
let home: string
let folder: string
let parley: ParleyProcess

beforeAll(async () => {
  model = await startScriptedOpenAi({
    models: [{ id: 'small' }, { id: 'large' }],
    script: ({ body }) => {
      const text = JSON.stringify(body)
      if (text.includes('slowly')) return { tokens: Array.from({ length: 2000 }, (_, n) => `word${n} `), everyMs: 20 }
      if (text.includes('break')) return { status: 400, error: { message: 'I never answer this.' } }
      return { tokens: ['The **answer** ', 'is `42`.'] }
    },
  })
  home = await temporaryHome()
  folder = join(home, 'desk')
  await mkdir(join(folder, 'reports'), { recursive: true })
  await writeFile(join(folder, 'note.txt'), 'The cellar key hangs behind the boiler.')
  await writeFile(join(folder, 'tool.exe'), Buffer.from('MZ\u0090\u0000\u0003\u0000\u0000\u0000', 'latin1'))
  parley = await startParley(home, { OPENAI_BASE_URL: model.url })
})
afterAll(async () => {
  await parley?.[Symbol.asyncDispose]()
  await model?.close()
  await removeHome(home)
})

it('a reader that stops reading, such as head, ends the command without an error', async () => {
  const child = spawn(process.execPath, [cli, 'routes'], { env: environment(home), stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  expect(errors).toBe('')
  expect(code).toBe(0)
})

const type = (words: string[], input = '') => run([cli, ...words], environment(home), { cwd: folder, input })

interface Line {
  typed: string[]
  input?: string
  code: number
  /** Matches all of it; nothing by default. */
  out?: RegExp
  err?: RegExp
}

const id = '[0-9a-f-]{36}'
const day: Line[] = [
  { typed: ['--version'], code: 0, out: /^\d+\.\d+\.\d+\n$/ },
  { typed: ['--help'], code: 0, out: /Usage: parley[\s\S]* ask [\s\S]* status [\s\S]* completion / },
  { typed: ['ask', '--help'], code: 0, out: /--model <name>[\s\S]*--thread <id>[\s\S]*--timeout <seconds>/ },
  { typed: ['status'], code: 0, out: /^Parley \S+ is running at http:\S+ \(process \d+\)\.\nModels: .*small/ },
  { typed: ['status', '--json'], code: 0, out: /"running": true,[\s\S]*"ready": true/ },
  { typed: ['sttus'], code: 2, err: /unknown command 'sttus'[\s\S]*Did you mean status\?/ },
  { typed: ['ask', 'What is the answer?'], code: 0, out: /^The \*\*answer\*\* is `42`\.\n$/ },
  { typed: ['ask', 'note.txt', 'Where is the key?'], code: 0, out: /^The \*\*answer\*\*/ },
  { typed: ['ask', '-', 'What does it say?'], input: 'A piped text.', code: 0, out: /^The \*\*answer\*\*/ },
  { typed: ['ask', '-'], input: 'What is the piped question?\n', code: 0, out: /^The \*\*answer\*\*/ },
  { typed: ['ask', '--model', 'large', 'Who are you?'], code: 0, out: /^The/ },
  { typed: ['ask', '--model', 'huge', 'Who are you?'], code: 1, err: /^No model is called “huge”\..*\n$/ },
  {
    typed: ['ask', '--json', 'What is the answer?'],
    code: 0,
    out: new RegExp(`^\\{\\n  "threadId": "${id}",\\n  "text"`),
  },
  {
    typed: ['ask', 'nofile.pdf'],
    code: 2,
    err: /^There is no file nofile\.pdf\. If it is your question, type `--` before it/,
  },
  { typed: ['ask', './reports/may.docx'], code: 2, err: /^There is no file \.\/reports\/may\.docx/ },
  { typed: ['ask', '--', 'node.js'], code: 0, out: /^The/ },
  { typed: ['ask', 'lost.pdf', 'What?'], code: 2, err: /^There is no file \/.*\/lost\.pdf\. Check the path\.\n$/ },
  { typed: ['ask', 'note.txt'], code: 2, err: /^note\.txt is a file\. Add your question after it/ },
  { typed: ['ask', 'reports', 'What?'], code: 2, err: /reports is a folder\. Name the files in it/ },
  { typed: ['ask', '/dev/null', 'What?'], code: 2, err: /^\/dev\/null is not a regular file\. Pipe its content in/ },
  {
    typed: ['ask', '--json', 'nofile.pdf'],
    code: 2,
    out: /^\{\n {2}"error": \{\n {4}"code": "request_invalid",\n {4}"message": "There is no file/,
  },
  { typed: ['ask'], code: 2, err: /^Type a question/ },
  { typed: ['ask', '--timeout', 'soon', 'What?'], code: 2, err: /Enter a number of seconds/ },
  { typed: ['ask', '--thread', 'mine', 'What?'], code: 2, err: /Enter the ID of a thread/ },
  { typed: ['ask', '--thread', 'a'.repeat(36), 'What?'], code: 2, err: /Enter the ID of a thread/ },
  { typed: ['ask', '--colour', 'What?'], code: 2, err: /unknown option '--colour'/ },
  { typed: ['ask', 'Please break'], code: 1, err: /\.\n$/ },
  {
    typed: ['ask', '--json', 'Please break'],
    code: 1,
    out: /^\{\n {2}"error": \{\n {4}"code": "turn_failed",\n {4}"message": /,
  },
  { typed: ['ask', 'tool.exe', 'What is it?'], code: 0, out: /^The/, err: /^tool\.exe: .*program/ },
  { typed: ['route', '--dry-run', 'Why is the sky blue?'], code: 0, out: /^openai\/(?:small|large) was chosen/ },
  { typed: ['route', 'missing.csv'], code: 2, err: /^There is no file missing\.csv/ },
  { typed: ['admin', 'models', 'list'], code: 0, out: /small/ },
  {
    typed: ['admin', 'templates', 'save', 'sum', 'Summarize {{doc}} in five lines.'],
    code: 0,
    out: /`parley admin templates use sum doc=…`/,
  },
  { typed: ['admin', 'templates', 'use', 'sum', 'doc=the report'], code: 0, out: /^The \*\*answer\*\* is `42`\.\n$/ },
  {
    typed: ['admin', '--json', 'templates', 'use', 'sum', 'doc=the report'],
    code: 0,
    out: new RegExp(`^\\{\\n  "threadId": "${id}",\\n  "text": "The [*]{2}answer`),
  },
  { typed: ['admin', 'templates', 'use', 'sum'], code: 1, err: /`parley admin templates use sum doc="…"`/ },
  { typed: ['admin', 'templates', 'use', 'none'], code: 1, err: /none/ },
  { typed: ['admin', 'modles'], code: 1, err: /Did you mean `models`/i },
  { typed: ['admin', '--json', 'policy', 'show'], code: 0, out: /^\{\n {2}"text": "[\s\S]*"files": \[\]/ },
  { typed: ['admin', 'usage', 'today', '--out', 'new/folder'], code: 0, out: /new\/folder\/usage\.png\n$/ },
  { typed: ['compare', 'Why?', '--models', 'small,nothing'], code: 1, err: /No model is called “nothing”/ },
  { typed: ['compare', 'Why?'], code: 2, err: /--models/ },
  { typed: ['completion', 'bash'], code: 0, out: /complete -o default -F _parley parley\n$/ },
  { typed: ['completion', 'tcsh'], code: 2, err: /Choose one of: bash, zsh, fish/ },
  { typed: ['doctor', '--json'], code: 0, out: /"name": "database"/ },
]

describe('a day at the terminal', () => {
  it.each(day.map((line) => ({ ...line, name: line.typed.join(' ') })))(
    'parley $name → $code',
    async ({ typed, input, code, out = /^$/, err = /^$/ }) => {
      const ended = await type(typed, input)
      expect(ended).toEqual({ code, stdout: expect.stringMatching(out), stderr: expect.stringMatching(err) })
    },
  )

  it('writes a picture into a folder that did not exist', () => {
    expect(existsSync(join(folder, 'new/folder/usage.png'))).toBe(true)
  })

  it('goes on with a thread: the model gets what was said before', async () => {
    const { stdout } = await type(['ask', '--json', 'My name is Ada Lovelace.'])
    const { threadId } = JSON.parse(stdout)
    expect((await type(['ask', '--thread', threadId, 'What is my name?'])).code).toBe(0)
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain('Ada Lovelace')
  })

  it('nothing that was asked here is in the page’s list, nor is a thread of commands alone', async () => {
    const client = new ConsoleClient(parley.url)
    const threads = async () => {
      const response = await fetch(new URL('/console/threads', parley.url))
      return ((await response.json()) as { threads: { title: string }[] }).threads
    }
    expect(await threads()).toEqual([])
    const [commands, questions] = [crypto.randomUUID(), crypto.randomUUID()]
    await client.send(commands, '/help')
    await client.send(questions, 'What is the answer?')
    expect((await threads()).map(({ title }) => title)).toEqual(['What is the answer?'])
    await client.send(commands, 'What is the question?')
    expect((await threads()).map(({ title }) => title)).toContain('What is the question?')
  })
})

it.each([
  { name: 'Ctrl-C', args: [], signal: 'SIGINT' as const, code: 130, err: /^$/ },
  { name: '--timeout', args: ['--timeout', '1'], signal: undefined, code: 1, err: /^No answer within 1 s/ },
])('$name ends a question from standard input that never ends', async ({ args, signal, code, err }) => {
  const child = spawn(process.execPath, [cli, 'ask', ...args, '-'], { cwd: folder, env: environment(home) })
  const errors = text(child.stderr)
  child.stdin.on('error', () => {}).write('why '.repeat(100_000))
  if (signal !== undefined) {
    // This is more than a pipe holds, so the question is being read.
    await once(child.stdin, 'drain')
    child.kill(signal)
  }
  child.stdout.resume()
  expect(await once(child, 'close')).toEqual([code, null])
  expect(await errors).toMatch(err)
})

describe('an answer that nobody waits for', () => {
  it.each([
    { name: 'Ctrl-C', args: [], signal: 'SIGINT' as const, code: 130, err: /^$/ },
    { name: 'SIGTERM', args: [], signal: 'SIGTERM' as const, code: 143, err: /^$/ },
    { name: '--timeout', args: ['--timeout', '2'], signal: undefined, code: 1, err: /^No answer within 2 s/ },
  ])('$name stops it, and the model is not paid for more', async ({ args, signal, code, err }) => {
    const child = spawn(process.execPath, [cli, 'ask', ...args, 'Count slowly'], {
      cwd: folder,
      env: environment(home),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stderr = ''
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      stderr += piece
    })
    await once(child.stdout, 'data')
    if (signal !== undefined) child.kill(signal)
    child.stdout.resume()
    expect(await once(child, 'close')).toEqual([code, null])
    expect(stderr).toMatch(err)
    const asked = model.requests.findLast(({ body }) => JSON.stringify(body).includes('slowly'))
    expect(await asked?.closed).toBe('aborted')
  })
})

it('says that Parley is not running', async () => {
  const empty = await temporaryHome()
  const { code, stdout } = await run([cli, 'status'], environment(empty), { cwd: folder })
  expect([code, stdout]).toEqual([1, expect.stringMatching(/^Parley is not running on /)])
  await removeHome(empty)
  expect(terminalWording.noParley).toMatch(/npm start/)
})
