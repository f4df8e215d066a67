/** Sentences about searching by meaning: servers for embeddings and reranking, what they answered, and what doctor says of them. */

export const embeddingWording = {
  unusable: (server: string, why: string) =>
    `The server for embeddings (${server}) ${why}. Ask an admin to check EMBEDDINGS_URL and EMBEDDINGS_MODEL.`,
  wrongCount: (came: number, asked: number) => `answered with ${came} vectors for ${asked} texts`,
  wrongWidth: 'answered with vectors of different lengths',
  notNumbers: 'answered with vectors that cannot be compared',
  notJson: 'answered with something other than vectors',
  priceUnknown: (model: string) =>
    `The price of ${model} is not known. Set it with \`/parley models price ${model}\`, or under models.list in parley.yaml.`,
  notAllowed: (model: string, off: boolean) =>
    off
      ? `${model} is disabled. Ask an admin to enable it, or use another model.`
      : `Only local models are allowed for this key, and ${model} is not one. Ask an admin to connect one.`,
  late: 'The server for embeddings did not answer in time, so files were searched by words only.',
  reranker: 'The server for reranking',
  rerankLate: 'The server for reranking did not answer in time, so passages kept their order.',
  rerankFailed: 'The server for reranking could not be used, so passages kept their order.',
  rerankPriceUnknown:
    'The price of the server for reranking is not known, so it is off. Set rerank.pricePerThousand in parley.yaml, or 0 if it is free.',
  failed: 'The server for embeddings could not be used, so files were searched by words only.',
}

export const embeddingProblem = {
  serverMissing: 'EMBEDDINGS_MODEL is set, but no server. Set EMBEDDINGS_URL, or OLLAMA_HOST for a model of Ollama.',
  urlMissing:
    'EMBEDDINGS_API_KEY is set, but not EMBEDDINGS_URL. Set EMBEDDINGS_URL to the address of the server, with /v1.',
  rerankUrlMissing:
    'RERANK_MODEL or RERANK_API_KEY is set, but not RERANK_URL. Set RERANK_URL to the address of the server.',
}

/** What doctor says. */
export const fileSearchWording = {
  off: 'by words only. For search by meaning, set EMBEDDINGS_URL, or connect an Ollama with a model for embeddings.',
  noModel: (server: string) =>
    `by words only, because ${server} has no model for embeddings. Pull one, such as nomic-embed-text, or set EMBEDDINGS_MODEL.`,
  unusable: (reason: string) => `by words only. ${reason}`,
  notYet: (model: string) => `by words; ${model} starts as soon as a worker has asked it.`,
  model: (model: string, active: boolean, { passages, embedded }: { passages: number; embedded: number }) => {
    const share = passages === 0 ? 100 : Math.floor((100 * embedded) / passages)
    const filled = `${share} % of ${passages} passages embedded`
    return active ? `by words and meaning: ${model}, ${filled}.` : `${model} is being prepared: ${filled}.`
  },
  reranked: (url: string) => `Reranked by ${new URL(url).host}.`,
}
