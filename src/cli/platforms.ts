/** THE table of chat platforms at the command line: what each has beside the server. A part is loaded when it is asked for. */
import type { Command } from 'commander'
import type { Replay } from '../core/replay.ts'
import type { Check } from '../ops/doctor.ts'
import { addDiscordCommands, examineDiscord } from './discord.ts'
import { addSlackCommands, examineSlack } from './slack.ts'
import { addTeamsCommands, examineTeams } from './teams.ts'

export interface PlatformAtTheCommandLine {
  /** `parley replay <platform>`. */
  replay(): Promise<{ replay: Replay }>
  /** `parley doctor <platform>`: what it needs, looked at from outside. Absent where nothing is to be set up. */
  examine?(): Promise<Check[]>
  /** `parley <platform> …`: its set-up. */
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
