/** Follows growing content at the bottom of a scroller until you scroll up. */
import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'

const NEAR_PX = 56

export function usePinnedScroll(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
): { away: boolean; pin(smooth?: boolean): void } {
  const pinned = useRef(true)
  const [away, setAway] = useState(false)

  const pin = useCallback(
    (smooth = false) => {
      pinned.current = true
      setAway(false)
      const element = scroller.current
      if (element === null) return
      const calm = matchMedia('(prefers-reduced-motion: reduce)').matches
      element.scrollTo({ top: element.scrollHeight, behavior: smooth && !calm ? 'smooth' : 'instant' })
    },
    [scroller],
  )

  useEffect(() => {
    const element = scroller.current
    const inner = content.current
    if (element === null || inner === null) return
    let last = element.scrollTop
    const onScroll = () => {
      const left = element.scrollHeight - element.clientHeight - element.scrollTop
      if (left < NEAR_PX) pinned.current = true
      else if (element.scrollTop < last - 1) pinned.current = false
      last = element.scrollTop
      setAway(!pinned.current)
    }
    const grown = new ResizeObserver(() => {
      if (pinned.current) element.scrollTop = element.scrollHeight
      last = element.scrollTop
    })
    grown.observe(inner)
    grown.observe(element)
    element.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      grown.disconnect()
      element.removeEventListener('scroll', onScroll)
    }
  }, [scroller, content])

  return { away, pin }
}
