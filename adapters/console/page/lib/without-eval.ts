/** The page's security policy forbids `eval`, so zod must not try it. Imported before every file that defines a schema. */
import { config } from 'zod'

config({ jitless: true })
