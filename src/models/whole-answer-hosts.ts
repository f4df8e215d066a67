/**
 * Servers that go on generating when their client hangs up, and bill the whole answer. As OpenRouter lists them, which passes
 * requests on to all of them: https://openrouter.ai/docs/api-reference/streaming (stream cancellation). OpenRouter itself is
 * among them here, because nobody can tell to whom it passes a request on. Used to book stopped answers.
 */
const hosts = [
  'openrouter.ai',
  'amazonaws.com',
  'groq.com',
  'modal.run',
  'googleapis.com',
  'minimax.io',
  'minimaxi.com',
  'huggingface.co',
  'huggingface.cloud',
  'replicate.com',
  'perplexity.ai',
  'mistral.ai',
  'ai21.com',
  'featherless.ai',
  'lambda.ai',
  'sambanova.ai',
  'inflection.ai',
  'aionlabs.ai',
  'aliyuncs.com',
  'nebius.com',
  'nebius.ai',
  'kluster.ai',
  'targon.com',
  'inference.net',
]

/** `address`: where the model is asked, `undefined` where unknown. */
export function billsWholeAnswer(address: string | undefined): boolean {
  const host = address === undefined ? undefined : URL.parse(address)?.hostname.toLowerCase()
  return host !== undefined && hosts.some((name) => host === name || host.endsWith(`.${name}`))
}
