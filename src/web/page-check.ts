/** Pages that are not what was asked for: tests for robots, consent walls, sign-ins, pages without text. Pure. */
import type { Artifact } from '../core/artifact.ts'
import { unreadWording } from '../wording/search.ts'

/** A page with more text than this has an article, whatever else is on it. */
const mostOfWall = 2_500
const leastText = 120

const robotTest =
  /just a moment\b|checking (?:if the site connection is secure|your browser)|verif(?:y|ying) (?:that )?you are (?:a )?human|are you a robot|i['’]?m not a robot|robot challenge|captcha|attention required|enable javascript and cookies to continue|unusual traffic|access denied|request unsuccessful|pardon our interruption|ddos protection/i
const consentWall =
  /before you continue to|we (?:and our (?:\d+ )?partners|value your privacy)|(?:accept|reject) all(?: cookies)?\b|your privacy choices|manage (?:consent|preferences|cookies)|wir (?:verwenden|nutzen) cookies|cookies? (?:akzeptieren|zustimmen)|alle akzeptieren|nous utilisons des cookies|tout accepter|utilizamos cookies|aceptar todas/i
const signIn =
  /^(?:#\s*)?(?:sign in|log ?in|anmelden|einloggen|se connecter|iniciar sesión)\b|subscribe to (?:continue|read)|to continue reading|please (?:sign|log) in/im

/** Why the text is not the page, as a sentence; `undefined` for a page that can be read. */
export function unreadable({
  segments,
  mediaType,
  page,
}: Pick<Artifact, 'segments' | 'mediaType' | 'page'>): string | undefined {
  if (mediaType !== 'text/html') return segments.length === 0 ? unreadWording.noText : undefined
  const text = segments.map((segment) => segment.text).join('\n')
  const all = `${page?.title ?? ''}\n${text}`
  if (text.length > mostOfWall) return undefined
  if (robotTest.test(all)) return unreadWording.robotTest
  if (consentWall.test(all)) return unreadWording.consent
  if (signIn.test(all)) return unreadWording.signIn
  return text.length < leastText ? unreadWording.noText : undefined
}
