/** The process that changes an old Excel workbook before its conversion (soffice.ts): `node xls-stored-values-child.ts FILE`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { keepStoredValues } from './xls-stored-values.ts'

const [, , path = ''] = process.argv
const file = readFileSync(path)
if (keepStoredValues(file)) writeFileSync(path, file)
