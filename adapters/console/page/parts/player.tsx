/** Plays the recording that a citation names, from the cited second on. */

import { useEffect, useRef } from 'react'
import { clock } from '../../../../src/core/artifact.ts'
import { pageWording } from '../../../../src/wording/page.ts'
import { recordingUrl } from '../lib/server.ts'

export interface PlayerProps {
  kind: 'audio' | 'video'
  contentHash: string
  title: string
  fromMs: number
  /** The browser knows no such recording. */
  onUnplayable(): void
}

export function Player({ kind, contentHash, title, fromMs, onUnplayable }: PlayerProps) {
  const player = useRef<HTMLMediaElement>(null)

  useEffect(() => {
    const element = player.current
    if (element === null) return
    const jump = () => {
      element.currentTime = fromMs / 1000
    }
    if (element.readyState >= HTMLMediaElement.HAVE_METADATA) jump()
    else element.addEventListener('loadedmetadata', jump, { once: true })
    return () => element.removeEventListener('loadedmetadata', jump)
  }, [fromMs])

  const Media = kind
  return (
    <Media
      ref={player as never}
      className="player"
      controls
      preload="metadata"
      src={recordingUrl(contentHash)}
      aria-label={pageWording.source.player(title, clock(fromMs))}
      onError={onUnplayable}
    />
  )
}
