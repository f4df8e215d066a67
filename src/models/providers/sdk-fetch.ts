/**
 * The fetch that the SDKs are given. They collect headers from variables of the environment and from the machine; what
 * goes out is only what an API needs and what Parley's configuration says. A new vendor's own header needs a place in `needed`.
 */

const needed = /^(?:accept|content-type|user-agent|anthropic-version)$/

export interface SdkFetch {
  fetch?: typeof globalThis.fetch
  /** Such as the key's; they win. */
  headers: Record<string, string>
}

export function createSdkFetch({ fetch = globalThis.fetch, headers: own }: SdkFetch): typeof globalThis.fetch {
  return (input, init = {}) => {
    const headers = new Headers()
    for (const [name, value] of new Headers(init.headers)) if (needed.test(name)) headers.set(name, value)
    for (const [name, value] of Object.entries(own)) headers.set(name, value)
    return fetch(input, { ...init, headers })
  }
}
