/** The database access of an adapter with its own tables. */

/** A named statement is prepared once a connection. */
export interface Statement {
  name: string
  text: string
}

/** One round trip. The statement must be safe to send twice. */
export type Query = <Row extends object>(statement: Statement, values: unknown[]) => Promise<Row[]>
