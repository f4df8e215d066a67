/** Records in memory, for what is not about their keeping. */
import type { Json } from '../../src/core/json.ts'
import type { Records } from '../../src/core/platform-state.ts'

export function memoryRecords(): Records & { peek(key: string): Json | undefined } {
  const kept = new Map<string, Json>()
  const putAt = new Map<string, number>()
  return {
    peek: (key) => kept.get(key),
    get: async (key) => structuredClone(kept.get(key)),
    async put(key, value) {
      kept.set(key, structuredClone(value))
      putAt.set(key, Date.now())
    },
    async claim(key, value) {
      if (kept.has(key)) return false
      kept.set(key, structuredClone(value))
      putAt.set(key, Date.now())
      return true
    },
    async remove(key) {
      kept.delete(key)
    },
    async assign() {},
    list: async (prefix) =>
      [...kept]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => ({ key, value: structuredClone(value) })),
    async removeOlder(prefix, before) {
      for (const key of [...kept.keys()])
        if (key.startsWith(prefix) && (putAt.get(key) ?? 0) < before.getTime()) kept.delete(key)
    },
  }
}

/** For turns and blobs that are in no database: records are kept although what they belong to is not there. */
export function apart(records: Records): Records {
  return {
    ...records,
    put: (key, value, { turn: _turn, blobs: _blobs, ...options } = {}) => records.put(key, value, options),
  }
}
