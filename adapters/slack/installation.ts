/** What Parley keeps of an installed workspace; always a secret record. */
import { z } from 'zod'

export type Installation = z.infer<typeof Installation>
export const Installation = z.object({
  token: z.string().min(1),
  botId: z.string().optional(),
  botUserId: z.string().optional(),
  teamId: z.string().optional(),
  enterpriseId: z.string().optional(),
  name: z.string().optional(),
  /** Granted when the app was installed. */
  scopes: z.array(z.string()).default([]),
  /** Of an app with token rotation: exchanged for a new token and a new refresh token. */
  refreshToken: z.string().optional(),
  /** Seconds since 1970. */
  expiresAt: z.number().optional(),
  /** A process renews the token; milliseconds since 1970. */
  renewingUntil: z.number().optional(),
})
