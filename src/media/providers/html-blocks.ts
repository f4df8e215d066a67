/** The readable blocks of HTML whose line numbers do not matter, such as an email's body. */
import { Parser } from 'htmlparser2'
import { createHtmlText } from './html-text.ts'

export function htmlBlocks(html: string): string[] {
  const page = createHtmlText()
  const parser = new Parser(page.handler, { decodeEntities: true, lowerCaseTags: true })
  page.locate = () => parser.startIndex
  parser.write(html)
  parser.end()
  return page.finish().map(({ text }) => text)
}
