/** Topics of the channel between processes that more than one part knows. */

/** Published when servers of tools were added or removed by command. */
export const toolServersTopic = 'tool-servers'

/** Published with a key's id: its answers end at once. */
export const keyRevokedTopic = 'key-revoked'

/** Published with a person's id: their sessions may have ended, so streams that are open check theirs at once. */
export const sessionsEndedTopic = 'sessions-ended'

/** Published with a person's id when their role, name, accounts or teams changed: cached copies are dropped. */
export const peopleChangedTopic = 'people-changed'
