/** Signs requests like Slack, and parses requests to Slack. */
import { createHmac } from 'node:crypto'

export function sign(secret: string, timestamp: string, body: string): string {
  return `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
}

/** In forms, values other than text are JSON. */
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
