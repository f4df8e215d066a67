import { pageWording } from '../../../../src/wording/page.ts'
import { Icon, Mark } from './icon.tsx'

export interface WelcomeProps {
  /** Models that can answer; `null`: not loaded yet. */
  models: string[] | null
  /** Puts the text into the input without sending it. */
  onPick(prompt: string): void
}

/** Shown in a thread without messages. */
export function Welcome({ models, onPick }: WelcomeProps) {
  const wording = pageWording.welcome
  const command = (text: string) => (
    <button type="button" className="command-link" onClick={() => onPick(text)}>
      {text}
    </button>
  )
  return (
    <div className="welcome">
      <Mark />
      <h2>{wording.heading}</h2>
      <p>{wording.lead}</p>
      <ul>
        {wording.examples.map((example) => (
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
        {command('/help')} {wording.afterHelpCommand}{' '}
        {models === null ? null : models.length === 0 ? (
          <>
            {wording.addModel} <code>OPENAI_API_KEY</code>, <code>ANTHROPIC_API_KEY</code> {wording.or}{' '}
            <code>OLLAMA_HOST</code> {wording.in} <code>.env</code> {wording.restart}
          </>
        ) : (
          <>
            {command('/models list')} {wording.afterModelsCommand} <code>.env</code> {wording.or}{' '}
            <code>parley.yaml</code>.
          </>
        )}
      </p>
    </div>
  )
}
