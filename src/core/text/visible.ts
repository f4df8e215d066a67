/** Text of strangers without what a reader cannot see: control, direction, zero-width and tag characters, and variation selectors. */

const invisible = /\p{Cf}|\p{Default_Ignorable_Code_Point}|(?![\n\t])\p{Cc}/gu

export function visible(text: string): string {
  return text.toWellFormed().replace(/\r\n?/g, '\n').replace(invisible, '')
}
