/**
 * Which addresses may be links in an answer: those that people wrote to Parley, that admins set, that a search returned, and those of a page
 * that lead to its own site. What else a file, a message or a tool's result contains stays readable, as text: content must not send people anywhere.
 */

import type { Content } from '../prompt/content.ts'
import { linkKey, linkKeysIn } from '../reply/links.ts'
import type { Question } from './question.ts'

export function knownLinks(
  { work, instructions, sources }: Pick<Question, 'work' | 'instructions' | 'sources'>,
  { excerpts }: Pick<Content, 'excerpts'>,
): (key: string) => boolean {
  const written = [...work.messages, ...work.history.flatMap(({ messages }) => messages)].map(({ text }) => text)
  const known = new Set([...instructions, ...written].flatMap(linkKeysIn))
  for (const { url } of sources.all()) add(known, url)
  for (const { source, text } of excerpts) {
    const site = source.kind === 'page' ? siteOf(source.url) : undefined
    if (site !== undefined) for (const key of linkKeysIn(text)) if (siteOf(key) === site) known.add(key)
  }
  return (key) => known.has(key)
}

function add(known: Set<string>, url: string | undefined): void {
  const key = url === undefined ? undefined : linkKey(url)
  if (key !== undefined) known.add(key)
}

function siteOf(address: string | undefined): string | undefined {
  return address === undefined ? undefined : linkKey(address)?.split(/[/?#]/, 1)[0]
}
