/** What models may call while they answer. A part of the composition root. */
import { createBuiltinTools } from '../tools/table.ts'
import type { Toolbox } from '../tools/tool.ts'
import type { Running } from './services.ts'

export function openTools({
  fileSearch,
  memory,
  state,
  web,
}: Pick<Running, 'fileSearch' | 'memory' | 'state' | 'web'>): Toolbox {
  return createBuiltinTools({ retriever: fileSearch.retriever, memory, index: state.index, web: web.sources })
}
