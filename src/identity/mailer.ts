/** Sends the few letters that Parley writes. Implemented in providers/smtp.ts. */
export interface Letter {
  /** One address, already checked. */
  to: string
  subject: string
  /** Plain text. */
  text: string
}

export interface Mailer {
  /** Returns when the mail server has taken it. Throws `mail_failed`. */
  send(letter: Letter): Promise<void>
  /** Whether the server takes mail from Parley now, without sending any. Throws `mail_failed`. */
  check(): Promise<void>
}

export interface MailSettings {
  host: string
  port: number
  /** `required`: by STARTTLS, or nothing is sent. `ifOffered`: for a server on this machine. */
  encryption: 'fromStart' | 'required' | 'ifOffered'
  login: { user: string; pass: string } | undefined
  /** `Parley <parley@example.com>` */
  from: string
}
