/** Sentences about models and their servers: what went wrong, names that match no model, prices, quotes without a model. */

const orAnother = 'or choose another model'
const tryInAMinute = `Try again in a minute, ${orAnother}.`

/** What went wrong with a model server. `server` is its name in Parley's configuration. */
export const modelErrorWording = {
  lateStart: (server: string) =>
    `The model server (${server}) did not start answering in time. Try again, ${orAnother}.`,
  stalled: (server: string) => `The model server (${server}) stopped mid-answer. Try again, ${orAnother}.`,
  tooSlow: (server: string) =>
    `The model server (${server}) took too long to answer, so Parley stopped it. Try again, ${orAnother}.`,
  noCredit: (server: string) =>
    `The account at the model server (${server}) has no credit left. Ask an admin to check its plan, ${orAnother}.`,
  unreachable: (server: string) =>
    `Parley cannot reach the model server (${server}). Check that it is running and that its address is correct, then ask again.`,
  serverError: (server: string, status: number) =>
    `The model server (${server}) returned an error (${status}). Try again in a moment, ${orAnother}.`,
  busy: (server: string) => `The model server (${server}) is busy. ${tryInAMinute}`,
  keyRejected: (server: string) =>
    `The model server (${server}) rejected Parley's API key. Ask an admin to check the key and its permissions.`,
  tooLong: (model: string | undefined) =>
    `The question and its files are too long for ${named(model)}. Send less, or choose a model with a larger context window.`,
  notOffered: (server: string, model: string | undefined) =>
    `The model server (${server}) does not offer ${named(model)}. Choose another model, or ask an admin to check the name.`,
  rejected: (server: string, status: number | undefined) =>
    `The model server (${server}) rejected the request${status === undefined ? '' : ` (${status})`}. Choose another model, or ask an admin to look at the log.`,
  filtered: (server: string) =>
    `The content filter of the model server (${server}) declined this question. Rephrase it, ${orAnother}.`,
  outOfMemory: (server: string, model: string | undefined, memory: { needs: string; has: string } | undefined) =>
    `The model server (${server}) does not have enough memory for ${named(model)}${memory === undefined ? '' : `: it needs ${memory.needs}, and ${memory.has} are free`}. Choose a smaller model, or ask an admin to free memory.`,
  /** `api`: what the address must serve, such as `the OpenAI API`. */
  notUnderstood: (server: string, api: string) =>
    `Parley does not understand the response of the model server (${server}). Ask an admin to check that its address serves ${api}.`,
  webPage:
    'The model server returned a web page. Ask an admin to check its address, which must be that of the API (OpenAI-compatible addresses often end in /v1).',
  noList: (server: string) =>
    `The model server (${server}) did not list its models. Check that its address is correct.`,
  failedRecently: (model: string) => `${model} failed a moment ago. ${tryInAMinute}`,
  keepsStopping: `The model keeps stopping mid-answer. ${tryInAMinute}`,
  failedWhileAnswering: (model: string) => `${model} failed while answering. Try again.`,
  silent: (model: string) => `${model} returned no answer. Try again.`,
  empty: (model: string) => `${model} ended its answer without any text. Try again, ${orAnother}.`,
  formBroken: (model: string, problem: string) =>
    `The answer of ${model} does not have the form that the request asks for: ${problem}. Try again, ${orAnother}.`,
  noCall: (model: string, name: string | undefined) =>
    `${model} did not call ${name === undefined ? 'a function' : `the function ${name}`}, although the request demands it. Try again, ${orAnother}.`,
}

function named(model: string | undefined): string {
  return model === undefined ? 'the model' : `the model ${model}`
}

/** Fetching a model onto a server of your own. */
export const pullWording = {
  unknown: (server: string, model: string) =>
    `The model server (${server}) finds no model called ${model}. Check the name in the server's model library.`,
  failed: (server: string, model: string) =>
    `The model server (${server}) could not fetch ${model}. Check its connection and disk, then pull again. The download continues where it stopped.`,
}

/** A typed name that is no model, or more than one. */
export const modelNameWording = {
  ambiguous: (typed: string, candidates: readonly string[], of: number) =>
    `“${typed}” could be ${eitherOf(candidates, of)}. Type more of the name.`,
  unknown: (typed: string, near: readonly string[]) =>
    `No model is called “${typed}”.${near.length === 0 ? '' : ` Did you mean ${eitherOf(near, near.length)}?`} \`/parley models list\` shows all models.`,
}

function eitherOf(names: readonly string[], of: number): string {
  const more = of - names.length
  if (more > 0) return `${names.join(', ')} or one of ${more} more`
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** Prices, and models without one. Amounts are formatted already: `$2.50`. */
export const priceWording = {
  missing: (model: string) =>
    `No price is set for ${model}, so Parley does not use it. An admin can set one (USD per million tokens): \`models price ${model} 0.25 2\`.`,
  missingForRecordings: (model: string) =>
    `Parley cannot transcribe recordings because no price is set for ${model}. Ask an admin to set its price per hour of audio (perAudioHour in parley.yaml), or to mark it as a local model there (local: true).`,
  free: 'free',
  inAndOut: (input: string, output: string) => `${input} in, ${output} out`,
  perMillion: (rates: string) => `${rates} per million tokens`,
  above: (tokens: number, rates: string) => `above ${tokens.toLocaleString('en')} tokens ${rates}`,
  perHour: (amount: string, concurrency: number) =>
    `${amount} per hour, ${concurrency === 1 ? 'charged in full to each call' : `shared by ${concurrency} calls at a time`}`,
  cached: 'cached',
  cacheWrite: 'cache write',
  audio: 'audio',
  reasoning: 'reasoning',
  request: 'per request',
  audioHour: 'per hour of audio',
}

/** For admins, of a server that counts wrongly. */
export const countAlertWording = {
  tooMany: (
    model: string,
    { input, output, told }: { input: number; output: number; told: { input: number; output: number } },
  ) => {
    const tokens = (of: { input: number; output: number }) =>
      `${of.input.toLocaleString('en')} tokens in and ${of.output.toLocaleString('en')} out`
    return `**Wrong token count:** the server of ${model} reported ${tokens(told)} for one call. Parley booked the most that was possible: ${tokens({ input, output })}. Compare your provider's bill; \`/parley budget bookings\` lists the calls.`
  },
}

/** Quotes from the shared files, where no model writes. */
export const quoteWording = {
  label: 'Quotes from the shared files',
  nothingFound: (titles: readonly string[]) =>
    `Nothing in ${filesNamed(titles)} matches your question. Without a language model, Parley can only quote. Try words that the file uses.`,
  found: (titles: readonly string[]) =>
    `Without a language model, Parley can only quote. These are the best matches in ${filesNamed(titles)}:`,
  whole: (titles: readonly string[]) =>
    `Without a language model, Parley can only quote. There is not much text, so this is all of ${filesNamed(titles)}:`,
  noFiles:
    'Without a language model, Parley can only quote shared files, and there are none here. Share a file and ask about it, ' +
    'or connect a model: set `OPENAI_API_KEY` or `ANTHROPIC_API_KEY`, or `OPENAI_BASE_URL` for a local server, or run Ollama ' +
    '(see the README).',
}

function filesNamed(titles: readonly string[]): string {
  if (titles.length > 3) return `${titles.slice(0, 2).join(', ')} and ${titles.length - 2} more files`
  return titles.length < 2 ? (titles[0] ?? 'the files') : `${titles.slice(0, -1).join(', ')} and ${titles.at(-1)}`
}
