/**
 * A scripted Chat Completions server (scripted.ts). Also a process of its own:
 * `node test/servers/openai.ts --port 0 [--every-ms 20] [--script replies.json]` prints its base URL.
 */
import { readFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { openAiDialect } from './openai-wire.ts'
import { type Script, type ScriptedReply, type ScriptedServer, startScripted } from './scripted.ts'

export type { ReceivedRequest, Script, ScriptedReply } from './scripted.ts'

export interface ScriptedOpenAi extends ScriptedServer {
  /** Ends in `/v1`. */
  url: string
}

export interface ScriptedOpenAiOptions {
  /** One reply for each chat request, the last one for all that follow. Default: echo. */
  script?: Script
  /** What /models lists; a number answers with that status. Default one model, `scripted`. */
  models?: { id: string; [more: string]: unknown }[] | number
  port?: number
}

export async function startScriptedOpenAi(options: ScriptedOpenAiOptions = {}): Promise<ScriptedOpenAi> {
  const server = await startScripted(openAiDialect(options.models ?? [{ id: 'scripted' }]), options)
  return { ...server, url: `${server.origin}/v1` }
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      'every-ms': { type: 'string', default: '0' },
      script: { type: 'string' },
    },
  })
  const pace = { everyMs: Number(values['every-ms']) }
  const script: ScriptedReply[] = values.script ? JSON.parse(await readFile(values.script, 'utf8')) : [pace]
  const { url } = await startScriptedOpenAi({ script, port: Number(values.port) })
  console.log(url)
}
