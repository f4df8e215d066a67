/** The links of a page, for reading a whole site: found by their tags alone, in time that grows with the page. Pure. */

const tags = /<(a|area|base)\b[^<>]*?\bhref\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)'|([^\s"'<>]+))/gi
const metaTags = /<meta\b[^<>]{0,1000}>/gi
/** What is no page, by its name: nobody asks for it. */
const noPage =
  /\.(?:png|jpe?g|gif|webp|avif|svg|ico|css|m?js|map|woff2?|ttf|eot|mp[34]|m4[av]|webm|ogg|wav|zip|gz|tgz|7z|rar|dmg|exe|msi|deb|rpm|iso)$/i

export interface PageLinks {
  links: URL[]
  /** The page asks programs not to keep it. */
  unlisted: boolean
}

export function linksOf(html: string, address: URL): PageLinks {
  const said = robotsOf(html)
  const unlisted = /\b(?:noindex|none)\b/i.test(said)
  if (/\b(?:nofollow|none)\b/i.test(said)) return { links: [], unlisted }
  let base = address
  const links: URL[] = []
  for (const [, tag = '', ...written] of html.matchAll(tags)) {
    const href = (written.find((each) => each !== undefined) ?? '').replaceAll(/&(?:amp|#38|#x26);/gi, '&').trim()
    const url = URL.parse(href, base)
    if (url === null || !/^https?:$/.test(url.protocol)) continue
    if (tag.toLowerCase() === 'base') base = url
    else if (!noPage.test(url.pathname)) links.push(url)
  }
  return { links, unlisted }
}

function robotsOf(html: string): string {
  return [...html.matchAll(metaTags)]
    .map(([tag]) => tag)
    .filter((tag) => /\bname\s*=\s*["']?robots\b/i.test(tag))
    .map((tag) => /\bcontent\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]+))/i.exec(tag)?.slice(1).join(' ') ?? '')
    .join(' ')
}

const locations = /<loc>\s*(?:<!\[CDATA\[)?\s*([^<>\s\]]+)/gi

/** The addresses in a list of pages (sitemaps.org), or of more such lists. */
export function sitemapOf(xml: string): { pages: URL[]; lists: URL[] } {
  const all = [...xml.matchAll(locations)].flatMap(
    ([, written = '']) => URL.parse(written.replaceAll('&amp;', '&')) ?? [],
  )
  return /<sitemapindex\b/i.test(xml) ? { pages: [], lists: all } : { pages: all, lists: [] }
}
