/** OpenAI's own models in OpenAI's own dialect, Responses; everything compatible speaks Chat Completions (openai.ts). */
import type { ModelProvider } from '../model.ts'
import { readBody } from './body.ts'
import { createOpenAiClient, listOpenAiModels } from './openai-client.ts'
import { createParameterFilter } from './refused-parameters.ts'
import { createResponsesReader } from './responses-chunk.ts'
import { responsesBody, responsesParameters } from './responses-request.ts'
import { readSse } from './sse.ts'
import { createWire, type Dialect, type ProviderOptions, streamAnswer } from './stream-answer.ts'

export function createOpenAiResponsesProvider(options: ProviderOptions): ModelProvider {
  const { name, log } = options
  const wire = createWire(options, 'the OpenAI API')
  const client = createOpenAiClient(options, wire)
  const parameters = createParameterFilter(name, responsesParameters, log)

  const dialect: Dialect = {
    open: (request, watch) =>
      parameters.send(request.model, (without) =>
        client.responses.create(responsesBody(request, without), { signal: watch.signal }).asResponse(),
      ),
    read: (response, _request, watch) =>
      readBody(response, watch, { events: readSse, read: createResponsesReader(), idleMs: wire.timers.idleMs }),
  }

  return {
    name,
    stream: (request, signal) => streamAnswer(wire, dialect, request, signal),
    models: (signal) => listOpenAiModels(client, wire, signal),
  }
}
