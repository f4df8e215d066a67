/** Vectors as they are kept: whole numbers of one byte, and their signs. Pure. */

export interface StoredVector {
  /** Directions only: of -127 to 127. */
  vec: Int8Array
  /** A `0` or `1` for each number: the fewer differ, the nearer two vectors are. */
  sig: string
}

export function storedVector(vector: Float32Array): StoredVector {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const vec = Int8Array.from(vector, (value) => Math.round((value / largest) * 127))
  return { vec, sig: Array.from(vector, (value) => (value > 0 ? '1' : '0')).join('') }
}

/** From -1 to 1. Both have the same width. */
export function similarity(a: Float32Array | Int8Array, b: Int8Array): number {
  let dot = 0
  let ofA = 0
  let ofB = 0
  for (let at = 0; at < a.length; at += 1) {
    const [x = 0, y = 0] = [a[at], b[at]]
    dot += x * y
    ofA += x * x
    ofB += y * y
  }
  return ofA === 0 || ofB === 0 ? 0 : dot / Math.sqrt(ofA * ofB)
}

export interface Background {
  mean: number
  deviation: number
}

/** How similar vectors of different files are, which mostly have nothing to do with each other. */
export function backgroundOf(sample: readonly { contentHash: string; vec: Int8Array }[]): Background | undefined {
  const pairs = sample.flatMap((a, at) =>
    sample.slice(at + 1).map((b) => ({ others: a.contentHash !== b.contentHash, a: a.vec, b: b.vec })),
  )
  const others = pairs.filter((pair) => pair.others)
  const similarities = (others.length >= leastPairs ? others : pairs).map(({ a, b }) => similarity(a, b))
  if (similarities.length < leastPairs) return undefined
  const mean = similarities.reduce((sum, each) => sum + each, 0) / similarities.length
  const squares = similarities.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / similarities.length) }
}

const leastPairs = 100
