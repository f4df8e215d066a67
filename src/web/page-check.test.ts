/** Which responses are the page that was asked for, and which only replace it. */
import { expect, it } from 'vitest'
import { cleanAddress, comparedAddress } from '../core/page-address.ts'
import { unreadWording } from '../wording/search.ts'
import { unreadable } from './page-check.ts'

const page = (text: string, title = 'Title', mediaType = 'text/html') =>
  unreadable({ mediaType, page: { title }, segments: [{ text, at: { kind: 'lines', from: 1, to: 1 }, tokens: 1 }] })
const article =
  'A heat pump moves heat from a cold place to a warm one, which takes less energy than making it. '.repeat(4)

it.each([
  ['an article', article, 'Title', undefined],
  [
    'a long article about cookies and robots',
    `We value your privacy. Are you a robot? ${article.repeat(9)}`,
    'Title',
    undefined,
  ],
  [
    'a test for robots',
    'Verifying you are human. This may take a few seconds.',
    'Just a moment...',
    unreadWording.robotTest,
  ],
  ['a German consent wall', `Wir verwenden Cookies. Alle akzeptieren. ${article}`, 'Zeitung', unreadWording.consent],
  ['a sign-in', `Sign in\nto continue reading. ${article}`, 'News', unreadWording.signIn],
  ['an empty shell', 'Loading…', 'App', unreadWording.noText],
])('%s', (_what, text, title, reason) => {
  expect(page(text, title)).toBe(reason)
})

it('short plain text is what it is', () => {
  expect(page('ok', 'Title', 'text/plain')).toBeUndefined()
})

it.each([
  ['https://www.a.example/b/?utm_source=x&b=2&a=1#top', 'http://a.example/b?a=1&b=2'],
  ['https://A.example', 'https://m.a.example/'],
])('%s is the same page as %s', (one, other) => {
  expect(comparedAddress(new URL(one))).toBe(comparedAddress(new URL(other)))
})

it('an address is shown without what only tracks its reader', () => {
  expect(cleanAddress(new URL('https://a.example/b?utm_source=x&q=1&fbclid=2#c')).href).toBe('https://a.example/b?q=1')
})
