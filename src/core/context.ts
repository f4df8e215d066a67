/** What others said before a question, as quoted content in the same form on every platform. */

export interface SaidBefore {
  /** The name that people see. */
  author: string
  /** Markdown: words, cards, polls and names of files. */
  text: string
}

export interface QuotedContext {
  text: string
  /** How many messages did not fit. They are those after the first one, because the newest matter most. */
  leftOut: number
}

/** `undefined` where nothing was said. `maxChars`: of the whole. */
export function quoteConversation(said: readonly SaidBefore[], maxChars = 20_000): QuotedContext | undefined {
  const [first, ...rest] = said.filter(({ text }) => text.trim() !== '').map(({ author, text }) => `${author}: ${text}`)
  if (first === undefined) return undefined
  const opening = first.length <= maxChars / 2 ? first : `${first.slice(0, maxChars / 2).toWellFormed()}…`
  const kept: string[] = []
  let left = maxChars - opening.length
  for (const line of rest.toReversed()) {
    left -= line.length + 2
    if (left < 0) break
    kept.unshift(line)
  }
  const leftOut = rest.length - kept.length
  const gap = leftOut === 0 ? [] : ['…']
  return { text: [opening, ...gap, ...kept].join('\n\n'), leftOut }
}

/**
 * Whether a question in a channel is about what was said above it, so that some of that is read: it names the discussion, what is
 * above, the last messages, or what somebody missed, or asks for nothing but a summary. In the languages that teams use most.
 */
export function asksAboutDiscussion(text: string): boolean {
  return aboutDiscussion.some((pattern) => pattern.test(text))
}

const aboutDiscussion = [
  // "the discussion above", "what Bob said above", "the file above", "all of the above"
  /\b(?:discussion|conversation|chat|debate|messages?|posts?|thread|talk|files?|pictures?|images?|screenshots?|links?|polls?|questions?|answers?|points?|everything|what|said|wrote|written|posted|shared|asked|mentioned|see|the|all)\b(?:\s+[\w'’@#.-]+){0,3}?\s+above\b(?!\s+(?:\d|zero|average|all\b))/i,
  /\babove (?:discussion|conversation|chat|debate|messages?|posts?|thread|talk|files?|pictures?|images?|screenshots?|links?|polls?|questions?|answers?)\b/i,
  /\b(?:this|our|their|the (?:whole|entire|last|recent|latest|previous|current)) (?:discussion|conversation|chat|debate|exchange|back and forth)\b/i,
  /\b(?:summari[sz]e|recap|sum up|review|translate|read)\b.{0,30}\b(?:discussion|conversation|chat|debate|channel)\b/i,
  /\b(?:last|previous|preceding|recent|latest|earlier)\s+(?:\w+\s+)?(?:messages|posts|comments)\b/i,
  /\bwhat (?:did|have|has) (?:i|we|he|she|they|everyone|everybody|people) (?:just )?(?:miss|missed|say|said|decided?|agreed?|discuss|discussed|concluded?)\b/i,
  /\bwhat (?:was|were|is being|has been|just got) (?:just )?(?:said|discussed|decided|agreed|talked about)\b/i,
  /\b(?:catch|bring|get|fill) (?:me|us) (?:up|in)\b|\bup to speed\b|\bscroll up\b/i,
  /^\W*(?:please\s+)?(?:summari[sz]e|summary|recap|tl;?dr|sum (?:it|this|that) up)(?:\s+(?:please|this|it|that|so far|for me|for us))*\W*$/i,
  // German, French, Spanish and Portuguese, Italian, Dutch
  /\b(?:oben|obige[nmrs]?|weiter oben|hier drüber)\b|\b(?:diese[rs]?|der|die|das|unsere[rs]?) (?:ganze[nrs]? |bisherige[nrs]? )?(?:diskussion|unterhaltung|gespräch|chat|verlauf)\b|\bletzten (?:\w+ )?nachrichten\b|\bverpasst\b|^\W*(?:bitte\s+)?(?:zusammenfassung|zusammenfassen|fass(?:e)? (?:das |es )?zusammen)\W*$/i,
  /\bci-dessus\b|\bplus haut\b|\b(?:cette|la|notre) (?:discussion|conversation)\b|\bderniers messages\b/i,
  /\b(?:arriba|acima)\b|\b(?:esta|la|a|nuestra|nossa) (?:conversaci[oó]n|discusi[oó]n|conversa|discuss[aã]o)\b|[uú]ltim[oa]s (?:\w+ )?(?:mensajes|mensagens)\b/i,
  /\bqui sopra\b|\b(?:questa|la) (?:conversazione|discussione)\b|\bultimi messaggi\b/i,
  /\bhierboven\b|\b(?:dit|het|deze) (?:gesprek|discussie)\b|\blaatste berichten\b/i,
]
