/** Plain JSON: the only thing that may travel on a job or sit in a platform's own record. */
import { z } from 'zod'

export type Json = z.infer<typeof Json>
export const Json = z.json()
