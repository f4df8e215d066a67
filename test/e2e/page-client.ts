/** A browser as the page's routes see one: it keeps its cookies and says which page its requests come from. */
import type { ConsoleEvent } from '../../adapters/console/api.ts'

export interface PageAnswer {
  status: number
  body: Record<string, unknown>
  headers: Headers
}

export interface PageClient {
  call(method: string, path: string, body?: unknown): Promise<PageAnswer>
  /** The same, where it must succeed. */
  get(path: string): Promise<Record<string, unknown>>
  send(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  upload(path: string, content: string): Promise<PageAnswer>
  /** The events of a stream as they come; `ended` when the server closes it. */
  follow(path: string): Promise<{ events: ConsoleEvent[]; ended: Promise<void>; leave(): void }>
  /** The value of its `Cookie` header. */
  cookie(): string
}

/** `headers`: what a proxy adds. */
export function createPageClient(
  url: string,
  { origin = url, headers = {} }: { origin?: string; headers?: Record<string, string> } = {},
): PageClient {
  const cookies = new Map<string, string>()
  const cookie = () => [...cookies].map((each) => each.join('=')).join('; ')

  async function request(method: string, path: string, type: string | undefined, body?: string, signal?: AbortSignal) {
    const own = { origin, 'sec-fetch-site': 'same-origin', 'user-agent': 'Firefox', cookie: cookie(), ...headers }
    const answer = await fetch(url + path, {
      method,
      headers: type === undefined ? own : { ...own, 'content-type': type },
      redirect: 'manual',
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (set.includes('Max-Age=0')) cookies.delete(name)
      else cookies.set(name, value)
    }
    return answer
  }

  async function read(answer: Response): Promise<PageAnswer> {
    const text = await answer.text()
    const { status, headers } = answer
    return { status, body: text.startsWith('{') ? JSON.parse(text) : {}, headers }
  }

  async function call(method: string, path: string, body?: unknown): Promise<PageAnswer> {
    const json = body === undefined ? undefined : JSON.stringify(body)
    return await read(await request(method, path, json === undefined ? undefined : 'application/json', json))
  }

  async function send(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const answer = await call(method, path, body)
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body
  }

  return {
    call,
    send,
    cookie,
    get: (path) => send('GET', path),
    upload: async (path, content) => await read(await request('PUT', path, 'text/plain', content)),
    async follow(path) {
      const leave = new AbortController()
      const answer = await request('GET', path, undefined, undefined, leave.signal)
      if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
      const events: ConsoleEvent[] = []
      const readAll = async () => {
        let text = ''
        for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
          const frames = `${text}${piece}`.split('\n\n')
          text = frames.pop() ?? ''
          for (const frame of frames) if (frame.startsWith('data: ')) events.push(JSON.parse(frame.slice(6)))
        }
      }
      return { events, ended: readAll().catch(() => {}), leave: () => leave.abort() }
    },
  }
}
