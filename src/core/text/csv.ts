/** One cell of a CSV file: https://www.rfc-editor.org/rfc/rfc4180 */
export function csvCell(text: string): string {
  // Spreadsheets would run a text that starts like a formula. A signed number is none.
  const safe = /^[=+\-@\t\r]/.test(text) && !/^[-+][\d.,\s]+%?$/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
