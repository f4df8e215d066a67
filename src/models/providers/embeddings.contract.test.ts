/** Both APIs keep the contract of servers for embeddings. */
import { startEmbeddings } from '../../../test/servers/embeddings.ts'
import { silentLog } from '../../core/log.ts'
import { embeddingContract } from '../../search/embedding.contract.ts'
import { createOllamaEmbeddings } from './ollama-embeddings.ts'
import { createOpenAiEmbeddings } from './openai-embeddings.ts'

embeddingContract("OpenAI's API", async () => {
  const server = await startEmbeddings('openai', { key: 'right-key' })
  const open = (apiKey: string) =>
    createOpenAiEmbeddings({ name: 'embeddings', baseUrl: server.url, apiKey, log: silentLog })
  return { server, embeddings: open('right-key'), wrongKey: open('wrong-key') }
})

embeddingContract('Ollama', async () => {
  const server = await startEmbeddings('ollama')
  return { server, embeddings: createOllamaEmbeddings({ name: 'ollama', baseUrl: server.url, log: silentLog }) }
})
