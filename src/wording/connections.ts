/** Sentences about connections to chat platforms, for health and doctor. */
export const connectionWording = {
  connected: (since: Date) => `connected since ${since.toISOString()}`,
  connecting: (since: Date) => `connecting since ${since.toISOString()}`,
  waiting: (since: Date, failure: string, until: Date) =>
    `not connected since ${since.toISOString()}: ${failure} Parley tries again at ${until.toISOString()}.`,
  off: 'not started',
  defect: 'It did not start because of a defect. The log of this process has the cause.',
  failed: 'The connection failed. See the log of this process for the cause.',
  slow: 'The connection takes too long to open. Check the network between Parley and the platform.',
  closedAtOnce: 'The platform closes the connection as soon as it opens. See the log of this process for the cause.',
}
