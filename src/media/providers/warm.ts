/** Loads the parsers and tables that most files need into a spare process. */

import { countTokens } from '../../core/text/count-tokens.ts'
import { loadPdfium } from './pdfium.ts'

export async function warm(): Promise<void> {
  countTokens('warm')
  await loadPdfium()
  await Promise.all([import('./pdf.ts'), import('./text.ts'), import('./csv.ts'), import('./html.ts')])
}
