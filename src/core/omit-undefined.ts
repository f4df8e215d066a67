/** A copy without the keys whose value is undefined: for libraries and records that tell an absent key from an undefined one. */
export function omitUndefined<T extends object>(value: T): { [Key in keyof T]: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never
}
