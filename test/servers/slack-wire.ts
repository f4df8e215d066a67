/** How Slack signs what it sends, and reads what it is sent. */
import { createHmac } from 'node:crypto'

export function sign(secret: string, timestamp: string, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
}

/** Forms carry what is not text as JSON. */
export function argsOf(body: string, type: string): Record<string, unknown> {
  if (type.includes('json')) return JSON.parse(body || '{}')
  return Object.fromEntries(
    [...new URLSearchParams(body)].map(([name, value]) => [name, /^[[{]/.test(value) ? parsed(value) : value]),
  )
}

function parsed(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}
