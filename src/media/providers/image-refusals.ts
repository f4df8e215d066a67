/** Why a picture is not read, as its sender is told. */
import { ParleyError } from '../../core/errors.ts'

export function tooManyPixels(name: string, size: { width: number; height: number }, pixels: number): ParleyError {
  const userMessage = `${name} has ${size.width.toLocaleString('en')} × ${size.height.toLocaleString('en')} pixels: over the limit of ${Math.round(pixels / 1e6)} million. Share a smaller picture, or a part of it.`
  return new ParleyError('file_too_large', userMessage)
}

export function damaged(name: string): ParleyError {
  const userMessage = `${name} is damaged: the picture cannot be decoded. Please check that it opens for you, and share it again.`
  return new ParleyError('file_damaged', userMessage)
}
