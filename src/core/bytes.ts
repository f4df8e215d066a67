/** Sizes of files, as people read them. */

import { attachmentWording } from '../wording/answers.ts'
import { ParleyError } from './errors.ts'

export function tooLarge(maxBytes: number): ParleyError {
  return new ParleyError('file_too_large', attachmentWording.tooLarge(formatBytes(maxBytes)))
}

/** `31 MB`, `1.5 KB`: powers of 1000, as file managers print them. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`
}
