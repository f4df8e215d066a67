/** The reasons why a picture cannot be read. */
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'

export function tooManyPixels(name: string, size: { width: number; height: number }, pixels: number): ParleyError {
  return new ParleyError('file_too_large', fileWording.limit.pixels(name, size, pixels))
}

export function damaged(name: string): ParleyError {
  return new ParleyError('file_damaged', fileWording.damaged.picture(name))
}
