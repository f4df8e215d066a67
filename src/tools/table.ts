/** THE table of tools that Parley has itself: which of them a turn is offered. */
import type { WebSources } from '../web/gather-web.ts'
import { type FileToolsDeps, readSource, searchFiles } from './file-tools.ts'
import { now } from './time-tool.ts'
import type { OfferedTo, Tool, Toolbox } from './tool.ts'
import { openUrl, searchWeb } from './web-tools.ts'

export interface BuiltinDeps extends FileToolsDeps {
  web: WebSources | undefined
}

interface Row {
  tool(turn: OfferedTo): Tool | undefined
  /** Whether it can be of use to this turn. */
  offered(turn: OfferedTo): boolean
}

export function createBuiltinTools(deps: BuiltinDeps): Toolbox {
  const { web } = deps
  const rows: readonly Row[] = [
    { offered: ({ memory, files }) => memory || files.length > 0, tool: ({ memory }) => searchFiles(deps, memory) },
    { offered: ({ memory, files }) => memory || files.length > 0, tool: () => readSource(deps) },
    { offered: (turn) => turn.web, tool: () => web && searchWeb(web) },
    { offered: (turn) => turn.pages, tool: () => web && openUrl(web) },
    { offered: () => true, tool: () => now() },
  ]
  return {
    async offered(turn) {
      return rows.flatMap((row) => (row.offered(turn) ? (row.tool(turn) ?? []) : []))
    },
  }
}
