/** Gives the code colouring plugin once it has loaded; until then code is shown plain. */
import { useEffect } from 'react'
import type { highlight } from './highlight.ts'
import { createStore, useStore } from './store.ts'

type Highlight = typeof highlight
const loaded = createStore<{ plugin: Highlight | null }>({ plugin: null })
let loading = false

export function useHighlight(wanted: boolean): Highlight | null {
  const { plugin } = useStore(loaded, (state) => state)
  useEffect(() => {
    if (!wanted || loading) return
    loading = true
    import('./highlight.ts').then(
      (module) => loaded.set(() => ({ plugin: module.highlight })),
      () => {
        loading = false
      },
    )
  }, [wanted])
  return wanted ? plugin : null
}
