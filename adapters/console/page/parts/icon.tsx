/** Parley's mark and the icons, drawn with the colour of the text around them. */
const paths = {
  menu: 'M3.5 6h13M3.5 10h13M3.5 14h8',
  plus: 'M10 4v12M4 10h12',
  close: 'M5 5l10 10M15 5L5 15',
  trash: 'M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5',
  attach: 'M15.5 9.2l-5.6 5.6a3.6 3.6 0 0 1-5.1-5.1l6-6a2.4 2.4 0 0 1 3.4 3.4l-5.9 5.9a1.2 1.2 0 0 1-1.7-1.7l5.2-5.2',
  send: 'M10 16V4.5M5 9.3l5-5 5 5',
  down: 'M10 4v11.5M5 10.7l5 5 5-5',
  copy: 'M7.5 7.5V4h8.5v8.5h-3.5M4 7.5h8.5V16H4z',
  check: 'M4 10.5l4 4 8-9',
  again: 'M15.8 8.2A6 6 0 1 0 16 11.5M16 4v4.4h-4.4',
  cheaper:
    'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM12 7.9c-.3-.7-1-1.1-2-1.1-1.2 0-2 .6-2 1.5 0 2.3 4.1 1.1 4.1 3.4 0 .9-.9 1.5-2.1 1.5-1 0-1.8-.4-2.1-1.2M10 5.5v1.3M10 13.2v1.3',
  better: 'M8.6 4.2l1.6 4.2 4.2 1.6-4.2 1.6-1.6 4.2L7 11.6 2.8 10 7 8.4zM15.6 3.2v3.6M13.8 5h3.6',
  why: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM8.1 8.2a1.95 1.95 0 1 1 2.8 1.8c-.6.3-.9.7-.9 1.4M10 13.6v.2',
  good: 'M6.8 9v7.5H4V9zM6.8 9l2.9-5.5c1.3 0 2.1 1 1.8 2.2L10.8 8h4.1c1 0 1.7.9 1.5 1.9l-.9 5a2 2 0 0 1-2 1.6H6.8',
  bad: 'M6.8 11V3.5H4V11zM6.8 11l2.9 5.5c1.3 0 2.1-1 1.8-2.2l-.7-2.3h4.1c1 0 1.7-.9 1.5-1.9l-.9-5a2 2 0 0 0-2-1.6H6.8',
  receipt: 'M5 3.5v13l1.7-1.2 1.7 1.2 1.6-1.2 1.6 1.2 1.7-1.2 1.7 1.2v-13zM7.8 7.5h4.4M7.8 10.5h4.4',
  left: 'M12 4.5L6.5 10l5.5 5.5',
  right: 'M8 4.5l5.5 5.5L8 15.5',
  file: 'M5 3h6.5L15 6.5V17H5zM11.5 3v3.5H15',
  warn: 'M10 3.2L17.5 16.5h-15zM10 8v4M10 14.2v.2',
  info: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM10 9.2v4.2M10 6.6v.2',
  sun: 'M10 13.2a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4zM10 2.5v1.8M10 15.7v1.8M2.5 10h1.8M15.7 10h1.8M4.7 4.7L6 6M14 14l1.3 1.3M4.7 15.3L6 14M14 6l1.3-1.3',
  moon: 'M16.5 11.6A6.8 6.8 0 0 1 8.4 3.5a6.8 6.8 0 1 0 8.1 8.1z',
  people:
    'M7.5 9.5a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5zM2.5 16c.3-2.8 2.3-4.2 5-4.2s4.7 1.4 5 4.2M13 4.3a2.6 2.6 0 0 1 0 5M14.5 12.1c1.8.5 2.8 1.9 3 3.9',
  more: 'M5 10h.01M10 10h.01M15 10h.01',
  web: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM3 10h14M10 3c4.2 4 4.2 10 0 14M10 3c-4.2 4-4.2 10 0 14',
  system: 'M3 4.5h14v9H3zM7.5 16.5h5M10 13.5v3',
} as const

export type IconName = keyof typeof paths

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  )
}

/** A voice whose tail makes it a P, with one marked line in it: talk, and the passage it rests on. */
export function Mark({ working = false }: { working?: boolean }) {
  return (
    <svg className={working ? 'mark working' : 'mark'} viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="8.5" />
      <path className="voice" d="M9.5 27V13.5a7.5 7.5 0 1 1 7.5 7.5h-2.5" />
      <path className="line" d="M14.6 13.5h4.8" />
    </svg>
  )
}
