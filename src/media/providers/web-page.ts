/**
 * Reads a page of the web as a person reads it: the article without menus, banners and footers, as Markdown, and what the page says of itself
 * (title, site, date). Readability chooses what belongs to the article; Parley's own reader of HTML writes it.
 */
import { Readability } from '@mozilla/readability'
import { parseHTML } from 'linkedom'
import type { PageFacts } from '../../core/artifact.ts'
import { ParleyError } from '../../core/errors.ts'
import { fileWording } from '../../wording/files.ts'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { htmlBlocks } from './html.ts'
import { createLineText } from './pieces.ts'

/** An article that is shorter than this, or this small a part of the page, was chosen wrongly: the whole page counts then. */
const leastArticle = 500
const leastShare = 0.25
/** Of pages with more, Readability takes too long; their whole text is read. */
const mostElements = 60_000

export const provider: Provider = {
  async read({ bytes, name }, limits, sink) {
    const { text, problem } = decodeText(bytes, name)
    if (problem !== undefined) sink.problem(problem)
    await sink.progress({ done: 0, of: 0, unit: 'line' })
    const page = htmlBlocks(text, { fences: true })
    const { article, facts } = articleOf(text)
    const chosen = article === undefined ? [] : htmlBlocks(article, { fences: true })
    const length = (blocks: string[]) => blocks.reduce((sum, block) => sum + block.length, 0)
    const isGood = length(chosen) >= leastArticle && length(chosen) >= length(page) * leastShare
    const lines = createLineText(sink)
    // Readability leaves out a heading that repeats the title.
    const heading = `# ${facts.title ?? ''}`
    if (isGood && facts.title !== undefined && chosen[0] !== heading) await lines.add(heading, { heading: true })
    for (const block of isGood ? chosen : page)
      if (!(await lines.add(block, { heading: /^#{1,6} /.test(block) }))) break
    const ending = await lines.finish(name, limits)
    if (ending === undefined) throw new ParleyError('file_empty', fileWording.empty.noTextInPage(name))
    return { ...ending, page: facts }
  },
}

function articleOf(html: string): { article: string | undefined; facts: PageFacts } {
  const { document } = parseHTML(html)
  const meta = (...names: string[]) => {
    for (const each of names) {
      const content = document.querySelector(`meta[property="${each}"], meta[name="${each}"], meta[itemprop="${each}"]`)
      const value = content?.getAttribute('content')?.trim()
      if (value) return value
    }
    return undefined
  }
  const named = document.querySelector('title')?.textContent
  const facts = {
    title: line(meta('og:title') ?? named ?? document.querySelector('h1')?.textContent, 300),
    site: line(meta('og:site_name', 'application-name'), 100),
    published: dayOf(
      meta(
        'article:published_time',
        'datePublished',
        'date',
        'dc.date',
        'DC.date.issued',
        'citation_publication_date',
      ) ?? document.querySelector('time[datetime]')?.getAttribute('datetime'),
    ),
  }
  if (document.querySelectorAll('*').length > mostElements) return { article: undefined, facts }
  const read = new Readability(document as unknown as Document).parse()
  const content = read?.content ?? undefined
  return {
    article: content,
    facts: {
      title: facts.title ?? line(read?.title, 300),
      site: facts.site ?? line(read?.siteName, 100),
      published: dayOf(read?.publishedTime) ?? facts.published,
    },
  }
}

function line(text: string | null | undefined, most: number): string | undefined {
  const flat = text?.replace(/\s+/g, ' ').trim().slice(0, most).toWellFormed()
  return flat === undefined || flat === '' ? undefined : flat
}

function dayOf(text: string | null | undefined): string | undefined {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(text ?? '')?.[0]
  if (day !== undefined) return day
  // A date without a zone would be midnight of this machine, which can be the day before in UTC.
  const at = [`${text} UTC`, text ?? ''].map((each) => Date.parse(each)).find((each) => !Number.isNaN(each))
  return at === undefined ? undefined : new Date(at).toISOString().slice(0, 10)
}
