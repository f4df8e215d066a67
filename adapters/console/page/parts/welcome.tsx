import { Icon, Mark } from './icon.tsx'

const examples = [
  { title: 'Summarise a report', prompt: 'Summarise the attached report in five points, each with its page.' },
  {
    title: 'Check a contract',
    prompt: 'Which notice periods and deadlines are in the attached contract? Quote each one.',
  },
  { title: 'Explain a table', prompt: 'What stands out in the attached spreadsheet? Name the rows that you mean.' },
]

export interface WelcomeProps {
  /** Those that can answer; `null`: not known yet. */
  models: string[] | null
  /** Puts it into the input; sending stays the person's own act. */
  onPick(prompt: string): void
}

/** Shown in a thread without messages. */
export function Welcome({ models, onPick }: WelcomeProps) {
  const command = (text: string) => (
    <button type="button" className="command-link" onClick={() => onPick(text)}>
      {text}
    </button>
  )
  return (
    <div className="welcome">
      <Mark />
      <h2>What would you like to know?</h2>
      <p>Ask in your own words, or drop a PDF here. Answers name the page they rest on, and you can look at it.</p>
      <ul>
        {examples.map((example) => (
          <li key={example.title}>
            <button type="button" onClick={() => onPick(example.prompt)}>
              <strong>{example.title}</strong>
              <span>{example.prompt}</span>
              <Icon name="right" />
            </button>
          </li>
        ))}
      </ul>
      <p className="welcome-ways">
        {command('/parley help')} lists what else can be typed here.{' '}
        {models === null ? null : models.length === 0 ? (
          <>
            To add a model, set <code>OPENAI_API_KEY</code>, <code>ANTHROPIC_API_KEY</code> or <code>OLLAMA_HOST</code>{' '}
            in <code>.env</code> and start Parley again.
          </>
        ) : (
          <>
            {command('/parley models list')} shows the models that answer; more are added in <code>.env</code> or{' '}
            <code>parley.yaml</code>.
          </>
        )}
      </p>
    </div>
  )
}
