/** `parley doctor <platform>`: checks the setup of one chat platform. Needs no database. */

import { ParleyError } from '../core/errors.ts'
import type { Check } from '../ops/doctor.ts'
import { doctorWording } from '../wording/terminal.ts'
import { platforms } from './platforms.ts'

export async function examinePlatform(platform: string): Promise<Check[]> {
  const examine = platforms[platform]?.examine
  if (examine === undefined) {
    const names = Object.keys(platforms).filter((name) => platforms[name]?.examine !== undefined)
    throw new ParleyError('request_invalid', doctorWording.platformUnknown(platform, names))
  }
  return await examine()
}
