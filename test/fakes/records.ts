/** Records in memory, for what is not about their keeping. */
import type { Json } from '../../src/core/json.ts'
import type { Records } from '../../src/core/records.ts'

export function memoryRecords(): Records & { peek(key: string): Json | undefined } {
  const kept = new Map<string, Json>()
  return {
    peek: (key) => kept.get(key),
    get: async (key) => structuredClone(kept.get(key)),
    async put(key, value) {
      kept.set(key, structuredClone(value))
    },
    async remove(key) {
      kept.delete(key)
    },
    list: async (prefix) =>
      [...kept]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => ({ key, value: structuredClone(value) })),
  }
}
