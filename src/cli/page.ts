/** `parley page`: a link that opens the page of the Parley that runs. */
import { linkMinutes } from '../ops/access.ts'

/** Says how to open the page, where it wants a link. */
export const openThePage = (link: string) =>
  `Open the page: ${link}\nThe link works once, for ${linkMinutes} minutes. \`npm run parley -- page\` prints another.`
