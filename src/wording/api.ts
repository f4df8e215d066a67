/** Sentences that programs get from the OpenAI-compatible endpoint. People read them in logs and in the program itself. */

/** Requests that Parley rejects. Names in backticks are parameters. */
export const apiErrors = {
  invalidJson: 'The request body is not valid JSON. Send a JSON object.',
  notAnObject: 'The request body must be a JSON object.',
  invalidParameter: (name: string, reason: string | undefined) =>
    `\`${name}\` is invalid: ${reason ?? 'see /openapi.json for its format'}.`,
  unsupported: (name: string, instead: string) => `\`${name}\` is not supported. ${instead}`,
  nothingAsked: 'The request has no message of a user. Add one with your question.',
  idempotencyKeyReused:
    'This Idempotency-Key was used with another request. Use a new key for each request, and the same key only to repeat one.',
  keyRevoked:
    'This API key was revoked, so the answer was ended. An admin can create a new key with `/parley keys create`.',
  lastMessageEmpty: 'The last message is empty. Write a question or send a file.',
  lastMessageTooLong: (characters: number, limit: number) =>
    `The last message has ${characters} characters, more than the limit of ${limit}. Shorten it, or send the text as a file.`,
  modelUnknown: (id: string) => `There is no model named ${id}. List the models with GET /v1/models.`,
  scopeBeyondKey: (wanted: string, scopes: readonly string[]) =>
    `This key cannot give a token for the scope "${wanted}". It may do: ${scopes.join(', ')}.`,
  noEmbeddings: 'There is no server for embeddings. Ask an admin to set EMBEDDINGS_URL.',
  embeddingModelUnknown: (model: string, known: readonly string[]) =>
    `There is no model for embeddings named ${model}. Use ${['parley', ...known.slice(0, 10)].join(', ')}.`,
  transcriberUnknown: (model: string, known: string | undefined) =>
    `There is no model for transcription named ${model}. Use ${[known ?? [], 'whisper-1'].flat().join(' or ')}.`,
  noForm: 'Send the recording as multipart/form-data, with the fields `file` and `model`.',
  tooManyOpen: 'Too many requests are waiting for answers right now. Please try again in a moment.',
}

export const apiToolErrors = {
  noSuchCall: (id: string) =>
    `A message gives the result of the call ${id}, but no earlier message makes this call. Send the message with the call, too.`,
  twice: (name: string) => `Two tools are named ${name}. Give each tool a name of its own.`,
  choiceUnknown: (name: string) => `The request demands a call of ${name}, but offers no tool of this name.`,
  choiceWithoutTools: 'The request demands a call, but offers no tools. Add `tools`, or leave the choice out.',
  schemaUnusable: (reason: string) =>
    `Answers cannot be checked against this schema (${reason}). Use a simpler one, or set \`strict\` to false.`,
  itemUnsupported: (type: string) => `Items of the type ${type} are not supported. Leave them out.`,
  fileAddress: 'Files by address are not supported. Send the file itself as `file_data`.',
  hosted: (type: string) =>
    `Tools of the type ${type} are not supported. Send tools of the type function, which your program runs.`,
}

export const apiFileErrors = {
  tooMany: (count: number, limit: number) =>
    `The request has ${count} files, more than the limit of ${limit}. Send fewer.`,
  tooLarge: (name: string, limitBytes: number) =>
    `${name} is larger than the limit of ${limitBytes / 1e6} MB. Send a smaller file.`,
  recordingMissing: 'The form has no recording. Send it in the field `file`.',
  dataMissing: 'A file part needs `file_data`. Send the file itself there.',
  idsUnsupported: 'File ids are not supported. Send the file itself as `file_data`.',
  notADataUrl: (parameter: string) =>
    `\`${parameter}\` must be a data: URL such as data:image/png;base64,… Pictures may also have an https address.`,
  malformedDataUrl: (parameter: string) => `\`${parameter}\` is not a valid data: URL. Percent-encode its data.`,
  notBase64: (parameter: string) => `\`${parameter}\` is not valid base64. Encode the file's bytes as base64.`,
}

/** What to do instead of sending a parameter that Parley does not support. */
export const apiInstead = {
  functions: 'Use `tools` and `tool_choice`.',
  hostedTools: 'Send tools of the type function, which your program runs.',
  previousResponse: 'Parley keeps no conversations for programs. Send the earlier items in `input`.',
  background: 'Leave it out, and wait for the answer.',
  prompt: 'Send the prompt itself in `instructions` and `input`.',
  container: 'Parley runs no tools for programs. Leave it out.',
  mcpServers: 'Connect to the servers in your program, and send their tools in `tools`.',
  dimensions: 'Every model has its own. Leave it out.',
  tokens: 'Send the texts themselves: tokens mean something else to each model.',
  streamedTranscript: 'Leave it out, and wait for the transcript.',
  words: 'Only segments have times. Leave it out, or send segment.',
  chunks: 'Parley cuts recordings itself. Leave it out.',
  modalities: 'Parley answers in text only.',
  audio: 'Parley answers in text only.',
  logprobs: 'Use /v1/chat/completions with `logprobs`.',
}

/** Descriptions in `/openapi.json`. */
export const apiDescriptions = {
  endpoint: (refused: readonly string[]) =>
    `OpenAI's Chat Completions and Responses, Anthropic's Messages, embeddings and transcripts, with Parley's routing, files and budgets. A model asked for by name gets the messages as they are; with the model parley, Parley chooses the model and adds its rules. Send files as data: URLs in the messages, pictures also by https address. Citations appear in the text as [n]; the parley field of the answer lists sources, files and notices. Parameters without effect are listed in the x-parley-ignored header. Rejected parameters of chat completions: ${refused.join(', ')}.`,
  about: 'What Parley adds to the answer. In a stream, the last chunk has it.',
  keyReused: 'The Idempotency-Key was used with another request.',
  complete: 'Answer a conversation',
  respond: 'Answer a conversation, in the words of OpenAI’s Responses',
  message: 'Answer a conversation, in the words of Anthropic’s Messages; failures have the shape of Anthropic’s API',
  countTokens: 'Estimate the tokens of a prompt',
  tokenCount: 'About how many tokens the prompt has, without its files.',
  embed: 'Turn texts into vectors',
  vectors: 'One vector for each text, in order.',
  transcribe: 'Turn a recording into words',
  transcript: 'The transcript.',
  toolCalls: 'Functions that the model asks your program to call.',
  formBroken: 'The model broke the form that the request demands, or its server failed.',
  createToken: 'Get a token for 15 minutes in place of the key',
  token: 'The token, for all scopes of the key or those in `scope`.',
  readUsage: 'Read what the key has spent',
  keyUsage: 'Questions, costs and budgets of the current day, week or month.',
  runCommand: "Run a command with the rights of the key's owner",
  commandAnswer: 'What the command answered, and its files.',
  scopeMissing: 'The key does not have the scope for this.',
  idempotencyKey: 'A repeated request gets the same answer and costs nothing extra.',
  answer: 'The answer. With `stream`, server-sent events that end with [DONE].',
  created: 'Seconds since 1970.',
  answeredBy: 'The model that answered.',
  reasoning: 'What the model thought before it answered, as far as its server tells.',
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
