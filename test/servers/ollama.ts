/** A scripted Ollama server (scripted.ts): `/api/chat` in NDJSON, and the models that it keeps. */
import {
  type Dialect,
  type OtherReply,
  type ReceivedRequest,
  type Script,
  type ScriptedServer,
  startScripted,
  type Wire,
} from './scripted.ts'

export interface ScriptedOllamaOptions {
  script?: Script
  /** What it keeps, by name. A number answers with that status. Default one model, `scripted:latest`. */
  models?: Record<string, ScriptedModel> | number
  /** The lines of a pull, by model; the pause between them. */
  pulls?: Record<string, { lines: object[]; everyMs?: number }>
}

export interface ScriptedModel {
  size?: number
  digest?: string
  capabilities?: string[]
  contextLength?: number
  parameters?: string
  parameterSize?: string
}

export interface ScriptedOllama extends ScriptedServer {
  /** The models that it keeps now. */
  names(): string[]
}

export async function startScriptedOllama(options: ScriptedOllamaOptions = {}): Promise<ScriptedOllama> {
  const models = options.models ?? { 'scripted:latest': {} }
  const kept = new Map(typeof models === 'number' ? [] : Object.entries(models))

  function other(request: ReceivedRequest): OtherReply | undefined {
    const { path, method } = request
    if (typeof models === 'number') return { status: models, body: { error: `scripted ${models}` } }
    if (path === '/api/tags') return { body: { models: [...kept].map(([name, model]) => tag(name, model)) } }
    const name = nameOf(request.body)
    const model = kept.get(name) ?? kept.get(`${name}:latest`)
    const missing = { status: 404, body: { error: `model '${name}' not found` } }
    if (path === '/api/show') return model ? { body: show(model) } : missing
    if (path === '/api/delete' && method === 'DELETE') {
      return kept.delete(name) ? { body: {} } : missing
    }
    if (path === '/api/pull') {
      const pull = options.pulls?.[name]
      if (pull === undefined) return { lines: [{ error: 'pull model manifest: file does not exist' }] }
      if (pull.lines.some((line) => 'status' in line && line.status === 'success')) kept.set(name, {})
      return pull
    }
    return undefined
  }

  const dialect: Dialect = { answers: (path) => path === '/api/chat', wire: ollamaWire, other }
  const server = await startScripted(dialect, options)
  return { ...server, names: () => [...kept.keys()] }
}

function nameOf(body: unknown): string {
  if (typeof body !== 'object' || body === null) return ''
  const name = 'model' in body ? body.model : 'name' in body ? body.name : ''
  return typeof name === 'string' ? name : ''
}

function tag(
  name: string,
  { size = 4_920_753_328, digest = '46e0c10c039e', parameterSize = '8.0B' }: ScriptedModel,
): object {
  const details = {
    parent_model: '',
    format: 'gguf',
    family: 'llama',
    families: ['llama'],
    parameter_size: parameterSize,
    quantization_level: 'Q4_K_M',
  }
  return { name, model: name, modified_at: '2026-10-01T09:30:00.123456789+02:00', size, digest, details }
}

function show(model: ScriptedModel): object {
  const {
    capabilities = ['completion', 'tools'],
    contextLength = 131_072,
    parameters = '',
    parameterSize = '8.0B',
  } = model
  return {
    license: 'META LLAMA 3 COMMUNITY LICENSE AGREEMENT\n\nMeta Llama 3 Version',
    modelfile: '',
    template: '',
    parameters,
    details: {
      parent_model: '',
      format: 'gguf',
      family: 'llama',
      families: ['llama'],
      parameter_size: parameterSize,
      quantization_level: 'Q4_K_M',
    },
    model_info: { 'general.architecture': 'llama', 'llama.context_length': contextLength, 'llama.block_count': 32 },
    capabilities,
    modified_at: '2026-10-01T09:30:00.123456789+02:00',
  }
}

interface ChatRequest {
  model?: string
  stream?: boolean
  messages?: { role?: string; content?: string }[]
}

function ollamaWire(body: unknown): Wire {
  const request: ChatRequest = typeof body === 'object' && body !== null ? body : {}
  const asked = request.messages?.findLast(({ role }) => role === 'user')?.content ?? ''
  const head = { model: request.model ?? 'scripted', created_at: '2026-11-21T10:00:00.000000Z' }
  const line = (message: object, fields: object = {}) =>
    `${JSON.stringify({ ...head, message: { role: 'assistant', content: '', ...message }, done: false, ...fields })}\n`
  const last = (reply: { usage?: unknown; finish?: string | null }, output: number) => ({
    done: true,
    done_reason: reply.finish ?? 'stop',
    total_duration: 4_883_583_458,
    load_duration: 1_334_875,
    ...(reply.usage === false ? {} : { prompt_eval_count: asked.split(/\s+/).length, eval_count: output }),
    ...(typeof reply.usage === 'object' ? reply.usage : {}),
  })
  return {
    streaming: request.stream === true,
    contentType: 'application/x-ndjson',
    asked,
    deltas: ({ reasoning = [], calls = [], earlierUsage = {} }, tokens) => [
      ...reasoning.map((thinking) => line({ thinking }, earlierUsage)),
      ...tokens.map((content) => line({ content }, earlierUsage)),
      ...calls.map(({ name, arguments: json }) =>
        line({ tool_calls: [{ function: { name, arguments: JSON.parse(json.join('')) } }] }),
      ),
    ],
    ending: (reply, tokens) => (reply.done === false ? '' : line({}, last(reply, tokens.length))),
    whole: (content) => ({ ...head, message: { role: 'assistant', content }, ...last({}, content.length) }),
    failure: ({ message }) => `${JSON.stringify({ error: message })}\n`,
    refusal: (status, error) => ({ error: error?.message ?? `scripted ${status}` }),
  }
}
