/** How the simulated Slack says no: `{ok: false, error}`. */
export class SlackRefusal extends Error {
  readonly more: Record<string, unknown>
  constructor(code: string, more: Record<string, unknown> = {}) {
    super(code)
    this.more = more
  }
}
