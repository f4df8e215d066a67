/**
 * What models for embeddings want in front of a text, by the names that OpenAI's API, Ollama and Hugging Face give them. A model that is
 * asked without its prefix finds less. A changed prefix needs a new version, so that the passages are embedded again.
 */

interface Family {
  version: string
  question: string
  passage: string
}

const task = 'Given a question, retrieve passages that answer the question'

/** From the model cards: intfloat, nomic-ai, BAAI, mixedbread-ai, Qwen and google on Hugging Face. The first that fits counts. */
const families: [name: RegExp, family: Family][] = [
  [/\be5-mistral|e5.*-instruct/, { version: 'e5i-1', question: `Instruct: ${task}\nQuery: `, passage: '' }],
  [/(?:^|[-_/])e5(?:[-_.:]|$)/, { version: 'e5-1', question: 'query: ', passage: 'passage: ' }],
  [/nomic-embed-text/, { version: 'nomic-1', question: 'search_query: ', passage: 'search_document: ' }],
  [
    /bge-(?:small|base|large)-zh/,
    { version: 'bge-zh-1', question: '为这个句子生成表示以用于检索相关文章：', passage: '' },
  ],
  [
    /bge-(?:small|base|large)|mxbai-embed|arctic-embed(?!.*(?:v2|2))/,
    { version: 'bge-1', question: 'Represent this sentence for searching relevant passages: ', passage: '' },
  ],
  [/arctic-embed/, { version: 'arctic2-1', question: 'query: ', passage: '' }],
  [/qwen3-embedding/, { version: 'qwen3-1', question: `Instruct: ${task}\nQuery:`, passage: '' }],
  [
    /embeddinggemma/,
    { version: 'gemma-1', question: 'task: search result | query: ', passage: 'title: none | text: ' },
  ],
]

const plain: Family = { version: 'plain-1', question: '', passage: '' }

export function familyOf(model: string): Family {
  const name = model.toLowerCase()
  return families.find(([fits]) => fits.test(name))?.[1] ?? plain
}

/** Tables of word vectors: they know nothing of the order of words, so they count for less beside the search by words. */
export function isStatic(model: string): boolean {
  return /model2vec|potion|static|glove|fasttext|word2vec/i.test(model)
}

/** Whether a model of this name embeds text, as far as a name can say. */
export function embeds(model: string): boolean {
  return /embed|minilm|(?:^|[-_/])(?:bge|e5|gte)(?:[-_.:]|$)/i.test(model) && !/rerank/i.test(model)
}
