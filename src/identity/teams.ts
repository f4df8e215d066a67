/** Teams: people and places that belong together. Implemented in src/store/teams.ts. */
import type { Changer, TeamRole } from '../core/person.ts'

export interface TeamAbout {
  id: string
  name: string
  /** By name. */
  members: { personId: string; name: string; role: TeamRole }[]
  /** Workspaces and channels, as scopes: `workspace:slack/T1`. */
  places: string[]
}

/** Every change writes its audit row in the same transaction, and tells other processes. */
export interface Teams {
  /** By name. */
  list(): Promise<TeamAbout[]>
  find(id: string): Promise<TeamAbout | null>
  ofPerson(personId: string): Promise<{ id: string; name: string; role: TeamRole }[]>
  /** Throws `request_invalid` if a team has this name. */
  create(name: string, by: Changer): Promise<TeamAbout>
  /** Only what is given changes. Throws `request_invalid` for a name or a place of another team, `team_not_found`. */
  update(
    id: string,
    changes: { name?: string | undefined; places?: readonly string[] | undefined },
    by: Changer,
  ): Promise<TeamAbout>
  /** With its settings and budgets. Throws `team_not_found`. */
  remove(id: string, by: Changer): Promise<void>
  /** Throws `team_not_found`, `person_not_found`. */
  setMember(id: string, personId: string, role: TeamRole, by: Changer): Promise<TeamAbout>
  /** Throws `team_not_found`. */
  removeMember(id: string, personId: string, by: Changer): Promise<TeamAbout>
}
