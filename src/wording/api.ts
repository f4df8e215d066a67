/** Sentences that programs get from the OpenAI-compatible endpoint. People read them in logs and in the program itself. */

/** Requests that Parley rejects. Names in backticks are parameters. */
export const apiErrors = {
  invalidJson: 'The request body is not valid JSON. Send a JSON object.',
  notAnObject: 'The request body must be a JSON object.',
  invalidParameter: (name: string, reason: string | undefined) =>
    `\`${name}\` is invalid: ${reason ?? 'see /openapi.json for its format'}.`,
  unsupported: (name: string, instead: string) => `\`${name}\` is not supported. ${instead}`,
  lastMessageNotUser: 'The last message must have the role `user`.',
  lastMessageEmpty: 'The last message is empty. Write a question or send a file.',
  lastMessageTooLong: (characters: number, limit: number) =>
    `The last message has ${characters} characters, more than the limit of ${limit}. Shorten it, or send the text as a file.`,
  toolMessages: 'Tools are not supported. Send only system, user and assistant messages.',
  toolCalls: 'Tools are not supported. Remove messages with `tool_calls`.',
  modelUnknown: (id: string) => `There is no model named ${id}. List the models with GET /v1/models.`,
  tooManyOpen: 'Too many requests are waiting for answers right now. Please try again in a moment.',
}

export const apiFileErrors = {
  tooMany: (count: number, limit: number) =>
    `The request has ${count} files, more than the limit of ${limit}. Send fewer.`,
  tooLarge: (name: string, limitBytes: number) =>
    `${name} is larger than the limit of ${limitBytes / 1e6} MB. Send a smaller file.`,
  dataMissing: 'A file part needs `file_data`. Send the file itself there.',
  idsUnsupported: 'File ids are not supported. Send the file itself as `file_data`.',
  notADataUrl: (parameter: string) =>
    `\`${parameter}\` must be a data: URL such as data:image/png;base64,… Parley does not download files from the web here.`,
  malformedDataUrl: (parameter: string) => `\`${parameter}\` is not a valid data: URL. Percent-encode its data.`,
  notBase64: (parameter: string) => `\`${parameter}\` is not valid base64. Encode the file's bytes as base64.`,
}

/** What to do instead of sending a parameter that Parley does not support. */
export const apiInstead = {
  n: 'Send the request again for another answer.',
  tools: 'Remove `tools`. Parley answers in text.',
  functions: 'Remove `functions`. Parley answers in text.',
  tool_choice: 'Remove `tool_choice`.',
  response_format: 'Remove it, and describe the format you want in the instructions.',
  modalities: 'Parley answers in text only.',
  audio: 'Parley answers in text only.',
  logprobs: 'Remove `logprobs`.',
  stop: 'Remove `stop` and cut the text yourself.',
}

/** Text that Parley adds to an answer. */
export const apiAnswer = {
  /** A stream cannot take text back, so the new answer follows. */
  restarted: '_The model stopped partway. Here is the full answer:_',
  moreSources: (count: number) => `(and ${count} more)`,
}

/** Descriptions in `/openapi.json`. */
export const apiDescriptions = {
  endpoint: (ignored: readonly string[], refused: readonly string[]) =>
    `OpenAI's Chat Completions with Parley's routing, files and budgets. Send files as data: URLs in the messages. Citations appear in the text as [n], with the sources below it. Ignored parameters are listed in the x-parley-ignored header: ${ignored.join(', ')}. Rejected parameters: ${refused.join(', ')}.`,
  complete: 'Answer a conversation',
  idempotencyKey: 'A repeated request gets the same answer and costs nothing extra.',
  answer: 'The answer. With `stream`, server-sent events that end with [DONE].',
  created: 'Seconds since 1970.',
  answeredBy: 'The model that answered.',
  listModels: 'List the models you can choose; `parley` picks one for you',
  models: 'The models.',
  showModel: 'Get one model',
  model: 'The model.',
  invalid: 'The request is invalid or asks for something that Parley does not support.',
  keyInvalid: 'The API key is missing or invalid.',
  modelForbidden: 'The policy does not allow this model.',
  modelUnknown: 'There is no such model.',
  tooLarge: 'A file or the request is too large.',
  limitReached: 'A budget or limit is reached. The message says which one and when it resets.',
  unavailable: 'No model is available right now, or the database is not responding.',
}
