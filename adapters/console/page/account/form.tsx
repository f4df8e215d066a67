/** Parts of forms: fields with their labels and hints, the button that sends, and the sentence where it failed. */
import { type ComponentProps, type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { accountWording as words } from '../../../../src/wording/account.ts'
import { signInProblemOf } from '../../../../src/wording/sign-in-flows.ts'
import { failureMessage, ServerFailure } from '../lib/server.ts'
import { Icon } from '../parts/icon.tsx'

interface FieldProps extends ComponentProps<'input'> {
  label: string
  hint?: string | undefined
}

export function Field({ label, hint, ...input }: FieldProps) {
  const id = useId()
  return (
    <div className="field">
      <FieldLabel id={id} label={label} optional={!input.required && input.type !== 'search'} />
      <input {...input} id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`} />
      <Hint id={id} text={hint} />
    </div>
  )
}

export function TextField({ label, hint, ...area }: ComponentProps<'textarea'> & { label: string; hint?: string }) {
  const id = useId()
  return (
    <div className="field">
      <FieldLabel id={id} label={label} optional={false} />
      <textarea {...area} id={id} dir="auto" aria-describedby={hint === undefined ? undefined : `${id}-hint`} />
      <Hint id={id} text={hint} />
    </div>
  )
}

interface SelectFieldProps extends ComponentProps<'select'> {
  label: string
  hint?: string | undefined
  options: readonly { value: string; label: string }[]
}

export function SelectField({ label, hint, options, ...select }: SelectFieldProps) {
  const id = useId()
  return (
    <div className="field">
      <FieldLabel id={id} label={label} optional={false} />
      <select {...select} id={id} aria-describedby={hint === undefined ? undefined : `${id}-hint`}>
        {options.map((option) => (
          <option key={option.value} value={option.value}>
            {option.label}
          </option>
        ))}
      </select>
      <Hint id={id} text={hint} />
    </div>
  )
}

function FieldLabel({ id, label, optional }: { id: string; label: string; optional: boolean }) {
  return (
    <label htmlFor={id}>
      {label}
      {optional ? <span className="optional"> ({words.field.optional})</span> : null}
    </label>
  )
}

function Hint({ id, text }: { id: string; text: string | undefined }) {
  return text === undefined ? null : (
    <p id={`${id}-hint`} className="field-hint">
      {text.split('`').map((part, at) => (at % 2 === 0 ? part : <code key={part}>{part}</code>))}
    </p>
  )
}

export interface Submission {
  busy: boolean
  /** Why it failed, in one sentence. */
  error: string | null
  /** It succeeded, and nothing was sent since. */
  done: boolean
  /** Sends it after what is being sent already: no change that somebody made is left out. */
  run(action: () => Promise<unknown>): Promise<void>
}

export function useSubmission(): Submission {
  const [state, setState] = useState({ busy: false, error: null as string | null, done: false })
  const line = useRef({ last: Promise.resolve(), waiting: 0 })

  async function send(action: () => Promise<unknown>): Promise<void> {
    setState({ busy: true, error: null, done: false })
    const failure = await action().then(
      () => null,
      (cause: unknown) => failureMessage(cause),
    )
    line.current.waiting -= 1
    setState({ busy: line.current.waiting > 0, error: failure, done: failure === null })
  }

  return {
    ...state,
    run(action) {
      line.current.waiting += 1
      line.current.last = line.current.last.then(() => send(action))
      return line.current.last
    },
  }
}

interface FormProps {
  submit: string
  submission: Submission
  /** Shown beside the button after it worked. */
  done?: string
  className?: string
  /** Next to the button that sends. */
  actions?: ReactNode
  children: ReactNode
  onSubmit(values: (name: string) => string, form: HTMLFormElement): Promise<unknown>
}

/** A real form, so that password managers and the Enter key work; it is sent by `fetch`. */
export function Form({ submit, submission, done, className, actions, children, onSubmit }: FormProps) {
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    // Pressed twice, it is sent once.
    if (submission.busy) return
    const form = event.currentTarget
    const data = new FormData(form)
    void submission.run(() => onSubmit((name) => String(data.get(name) ?? ''), form))
  }
  return (
    <form className={className === undefined ? 'form' : `form ${className}`} onSubmit={send}>
      {children}
      <Failure text={submission.error} />
      <div className="form-actions">
        <button type="submit" className="button primary" aria-disabled={submission.busy} aria-busy={submission.busy}>
          {submit}
        </button>
        {actions}
        <span className="form-done" role="status">
          {submission.done && done !== undefined ? (
            <>
              <Icon name="check" />
              {done}
            </>
          ) : null}
        </span>
      </div>
    </form>
  )
}

/** Why a provider sent the browser back without a sign-in; the address has the code. */
export function problemHere(): string | null {
  const problem = new URLSearchParams(location.search).get('problem')
  return problem === null ? null : (signInProblemOf(problem) ?? words.problem)
}

/** Announced when it appears. */
export function Failure({ text }: { text: string | null }) {
  return (
    <div role="alert" className={text === null ? undefined : 'failure'}>
      {text === null ? null : (
        <>
          <Icon name="warn" />
          <p>{text}</p>
        </>
      )}
    </div>
  )
}

export interface Loaded<T> {
  data: T | null
  error: string | null
  /** What the server answered when it refused; 0 where it was not reached. */
  status: number | null
  reload(): Promise<void>
  set(data: T): void
}

/** What a screen shows, read when it opens. `key` is what it depends on. */
export function useLoaded<T>(load: () => Promise<T>, key = ''): Loaded<T> {
  const [state, setState] = useState<Pick<Loaded<T>, 'data' | 'error' | 'status'> & { key: string }>({
    key,
    data: null,
    error: null,
    status: null,
  })
  const asked = useRef(0)
  const read = useRef(load)
  read.current = load
  const reload = async () => {
    const turn = ++asked.current
    try {
      const data = await read.current()
      if (turn === asked.current) setState({ key, data, error: null, status: null })
    } catch (cause) {
      if (turn !== asked.current) return
      const status = cause instanceof ServerFailure ? cause.status : null
      setState((now) => ({ ...now, key, error: failureMessage(cause), status }))
    }
  }
  // biome-ignore lint/correctness/useExhaustiveDependencies: read again for another key only
  useEffect(() => {
    void reload()
    return () => {
      asked.current++
    }
  }, [key])
  return {
    data: state.key === key ? state.data : null,
    error: state.error,
    status: state.status,
    reload,
    set: (data) => {
      asked.current++
      setState({ key, data, error: null, status: null })
    },
  }
}

/** The loaded part of a screen; until then, that it is loading, or why it could not be. */
export function Shown<T>({ of, children }: { of: Loaded<T>; children: (data: T) => ReactNode }) {
  if (of.data !== null) {
    return (
      <>
        <Failure text={of.error} />
        {children(of.data)}
      </>
    )
  }
  if (of.error === null) return <p className="loading">{words.loading}</p>
  return (
    <>
      <Failure text={of.error} />
      <button type="button" className="button" onClick={() => void of.reload()}>
        {words.tryAgain}
      </button>
    </>
  )
}
