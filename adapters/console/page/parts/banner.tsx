/** The server's notice above the input. Once dismissed, it stays hidden until its text changes. */

import { useState } from 'react'
import { pageWording } from '../../../../src/wording/page.ts'
import { Icon } from './icon.tsx'

const KEY = 'parley.notice-seen'

export function NoticeBanner({ notice }: { notice: string }) {
  const [seen, setSeen] = useState(() => {
    try {
      return localStorage.getItem(KEY)
    } catch {
      return null
    }
  })
  if (seen === notice) return null
  return (
    <aside className="banner" aria-label={pageWording.banner.label}>
      <Icon name="info" />
      <p>{notice}</p>
      <button
        type="button"
        className="icon-button"
        aria-label={pageWording.banner.dismissNotice}
        onClick={() => {
          setSeen(notice)
          try {
            localStorage.setItem(KEY, notice)
          } catch {
            // Dismissed for this page only.
          }
        }}
      >
        <Icon name="close" />
      </button>
    </aside>
  )
}

export function ErrorBanner({ userMessage, onDismiss }: { userMessage: string; onDismiss(): void }) {
  return (
    <div className="banner error" role="alert">
      <Icon name="warn" />
      <p>{userMessage}</p>
      <button type="button" className="icon-button" aria-label={pageWording.banner.dismiss} onClick={onDismiss}>
        <Icon name="close" />
      </button>
    </div>
  )
}
