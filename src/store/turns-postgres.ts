/** Turns as rows of PostgreSQL, one file per subject. */
import type { Database } from './database.ts'
import { createTurnIntake } from './turn-intake-postgres.ts'
import { createTurnLeases } from './turn-leases-postgres.ts'
import { createTurnProgress } from './turn-progress-postgres.ts'
import type { Turns } from './turns.ts'

export function createTurns(database: Pick<Database, 'query'>): Turns {
  return { ...createTurnIntake(database), ...createTurnLeases(database), ...createTurnProgress(database) }
}
