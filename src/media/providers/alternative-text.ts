/** What authors wrote about a picture for those who cannot see it. It is read as `[…]` where the picture stands. */

/** Programs put the file's name there, or a sentence of their own behind a guess. */
const fileName = /^\S.{0,200}\.(?:png|jpe?g|gif|bmp|emf|wmf|tiff?|svg|webp)$/i
const byProgram =
  /\s*(?:Description|Image) (?:automatically|AI[- ]?) ?generated\.?$|\s*AI-generated content may be incorrect\.?$/i
/** Longer ones are no alternative but a text, which is cut. */
const longest = 2_000

/** Undefined when it says nothing. */
export function alternativeText(text: string | undefined): string | undefined {
  const words = (text ?? '').replace(/\s+/g, ' ').trim().replace(byProgram, '').replace(byProgram, '').slice(0, longest)
  return words === '' || fileName.test(words) ? undefined : `[${words.toWellFormed()}]`
}
