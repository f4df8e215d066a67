/** The table of chat platforms at the command line. Each part is loaded when it is needed. */
import type { Command } from 'commander'
import { ParleyError } from '../core/errors.ts'
import type { Replay } from '../core/replay.ts'
import type { Check } from '../ops/doctor.ts'
import { doctorWording } from '../wording/terminal.ts'
import { addDiscordCommands, examineDiscord } from './discord.ts'
import { addSlackCommands, examineSlack } from './slack.ts'
import { addTeamsCommands, examineTeams } from './teams.ts'

export interface PlatformAtTheCommandLine {
  /** `parley replay <platform>`. */
  replay(): Promise<{ replay: Replay }>
  /** `parley doctor <platform>`. Absent if the platform needs no setup. */
  examine?(): Promise<Check[]>
  /** `parley <platform> …`: its setup commands. */
  addCommands?(program: Command): void
}

export const platforms: Record<string, PlatformAtTheCommandLine> = {
  console: { replay: () => import('../../adapters/console/replay.ts') },
  slack: {
    replay: () => import('../../adapters/slack/replay.ts'),
    examine: examineSlack,
    addCommands: addSlackCommands,
  },
  discord: {
    replay: () => import('../../adapters/discord/replay.ts'),
    examine: examineDiscord,
    addCommands: addDiscordCommands,
  },
  teams: {
    replay: () => import('../../adapters/teams/replay.ts'),
    examine: examineTeams,
    addCommands: addTeamsCommands,
  },
}

export async function examinePlatform(platform: string): Promise<Check[]> {
  const examine = platforms[platform]?.examine
  if (examine === undefined) {
    const names = Object.keys(platforms).filter((name) => platforms[name]?.examine !== undefined)
    throw new ParleyError('request_invalid', doctorWording.platformUnknown(platform, names))
  }
  return await examine()
}
