import { describe, expect, it } from 'vitest'
import { onOwnHardware } from './own-hardware.ts'

describe('own hardware', () => {
  it.each<[string, string, string | undefined, { id: string; owner?: string }, boolean]>([
    ['Ollama on the same machine', 'ollama', 'http://127.0.0.1:11434', { id: 'llama3.1:8b' }, true],
    ['Ollama on a machine with a public name', 'ollama', 'https://gpu.example.org', { id: 'llama3.1:8b' }, true],
    ['what Ollama passes on to its company', 'ollama', 'http://127.0.0.1:11434', { id: 'gpt-oss:120b-cloud' }, false],
    ['the company itself', 'ollama', 'https://ollama.com', { id: 'gpt-oss:120b' }, false],
    ['a server on the same machine', 'openai', 'http://localhost:8000/v1', { id: 'qwen' }, true],
    ['one on IPv6', 'openai', 'http://[::1]:8000/v1', { id: 'qwen' }, true],
    ['one of the private network', 'openai', 'http://192.168.1.20:8000/v1', { id: 'qwen' }, true],
    ['one of 172.16/12', 'openai', 'http://172.31.255.1/v1', { id: 'qwen' }, true],
    ['the first address beyond 172.16/12', 'openai', 'http://172.32.0.1/v1', { id: 'qwen' }, false],
    ['one of a tailnet', 'openai', 'http://100.100.1.1/v1', { id: 'qwen' }, true],
    ['a service of the same compose file', 'openai', 'http://vllm:8000/v1', { id: 'qwen' }, true],
    ['a service of the same cluster', 'openai', 'http://vllm.models.svc.cluster.local/v1', { id: 'qwen' }, true],
    ['the machine around the container', 'openai', 'http://host.docker.internal:1234/v1', { id: 'qwen' }, true],
    ['vLLM, which says that it is its own', 'openai', 'http://localhost:8000/v1', { id: 'qwen', owner: 'vllm' }, true],
    [
      'a proxy, which says whose models it passes on',
      'openai',
      'http://localhost:4000/v1',
      { id: 'gpt-4o', owner: 'openai' },
      false,
    ],
    ['a gateway to Claude', 'anthropic', 'http://gateway:8080', { id: 'claude-haiku-4-5' }, false],
    ['another model behind the same API', 'anthropic', 'http://localhost:1234', { id: 'qwen3' }, true],
    ['OpenAI', 'openai', 'https://api.openai.com/v1', { id: 'gpt-4o' }, false],
    ['a name that only looks private', 'openai', 'https://127.0.0.1.example.org/v1', { id: 'qwen' }, false],
    ['a public address', 'openai', 'http://8.8.8.8/v1', { id: 'qwen' }, false],
    ['an address in disguise', 'openai', 'http://0x08080808/v1', { id: 'qwen' }, false],
    ['nobody knows where', 'other', undefined, { id: 'qwen' }, false],
    ['no address at all', 'other', 'nowhere', { id: 'qwen' }, false],
  ])('%s', (_name, provider, address, info, own) => {
    expect(onOwnHardware(provider, address, info)).toBe(own)
  })
})
