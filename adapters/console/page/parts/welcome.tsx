import { Icon, Mark } from './icon.tsx'

const examples = [
  { title: 'Summarise a report', prompt: 'Summarise the attached report in five points, each with its page.' },
  {
    title: 'Check a contract',
    prompt: 'Which notice periods and deadlines are in the attached contract? Quote each one.',
  },
  { title: 'Explain a table', prompt: 'What stands out in the attached spreadsheet? Name the rows that you mean.' },
]

/** Shown in a thread without messages. An example goes into the input; sending stays the person's own act. */
export function Welcome({ onPick }: { onPick(prompt: string): void }) {
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
    </div>
  )
}
