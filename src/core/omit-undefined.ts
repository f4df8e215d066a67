/** For options that are absent rather than undefined. A part of the composition root. */

/** Without the keys whose value is not set. */
export function omitUndefined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never
}
