/** A small sign of where an account is from, drawn here: no picture is fetched. */
import { accountWording as words } from '../../../../src/wording/account.ts'

/** A key for what is nobody's brand, and otherwise the first letter of the provider's name. */
export function ProviderMark({ kind }: { kind: string }) {
  const keyed = kind === 'oidc'
  return (
    <span className="provider-mark" aria-hidden="true">
      {keyed ? (
        <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
          <path d="M8.6 11.4a3.6 3.6 0 1 1 2.9-2.9l4.6 4.6v3h-3v-1.9h-1.9v-1.9zM7 7h.01" />
        </svg>
      ) : (
        providerName(kind).charAt(0)
      )}
    </span>
  )
}

export const providerName = (kind: string) => words.providers[kind] ?? kind
