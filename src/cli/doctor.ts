/** `parley doctor <platform>`: what one chat platform needs, looked at from outside, without a database. */
import { ParleyError } from '../core/errors.ts'
import type { Check } from '../ops/doctor.ts'
import { platforms } from './platforms.ts'

export async function examinePlatform(platform: string): Promise<Check[]> {
  const examine = platforms[platform]?.examine
  if (examine === undefined) {
    const names = Object.keys(platforms).filter((name) => platforms[name]?.examine !== undefined)
    throw new ParleyError(
      'request_invalid',
      `There is nothing to look at for ${platform}. Choose one of: ${names.join(', ')}; or none, to look at Parley itself.`,
    )
  }
  return await examine()
}
