/**
 * One answer for all who ask the same during one piece of work, such as a search over many places, which its abort signal stands for. Nothing
 * is older than that work, and nothing is kept after it.
 */
export function createShared<T>(): (signal: AbortSignal, key: string, ask: () => Promise<T>) => Promise<T> {
  const works = new WeakMap<AbortSignal, Map<string, Promise<T>>>()
  return (signal, key, ask) => {
    const answers = works.get(signal) ?? new Map<string, Promise<T>>()
    works.set(signal, answers)
    const answer = answers.get(key) ?? ask()
    answers.set(key, answer)
    return answer
  }
}
