/**
 * Whether a question is searched for on the web, by rules that people can read: what it asks for in words, what the place allows, and for
 * `auto` what it is about. Pure; each decision has a reason. In doubt nothing is searched, because a search costs time and
 * tells the question to others.
 */
import type { WebMode } from '../core/message.ts'
import { webReason } from '../wording/search.ts'

export interface AskedOfWeb {
  text: string
  /** What the message sets beside its words. */
  wish: WebMode | undefined
  /** What holds in this place. */
  policy: WebMode
  /** Only local models may answer here, so that questions do not leave the network. */
  localOnly: boolean
  /** Files that came with the question. */
  files: boolean
  /** A program composes its own prompt: nothing is added to it unless it asks. */
  program: boolean
  /** A search engine is configured. */
  engine: boolean
  today: Date
}

export interface WebDecision {
  search: boolean
  /** Addresses in the question that are read. */
  links: string[]
  /** Why, as a sentence; absent where the web is of no concern. */
  because?: string
  /** The question asked for something that cannot be done here; its answer says so. */
  refused?: boolean
}

const none: WebDecision = { search: false, links: [] }

export function whenWeb(asked: AskedOfWeb): WebDecision {
  const { text, policy, engine, localOnly } = asked
  const said = wishIn(text)
  const wish = asked.wish === undefined || asked.wish === 'auto' ? (said ?? 'auto') : asked.wish
  const named = asked.program && asked.wish === undefined ? [] : linksIn(text)
  if (policy === 'off') {
    if (wish === 'on' || named.length > 0) return { ...none, because: webReason.off, refused: true }
    return none
  }
  if (wish === 'off') return { ...none, because: webReason.notWished }
  const links = named.slice(0, mostLinks)
  const read: WebDecision = links.length === 0 ? none : { search: false, links, because: webReason.links(links.length) }
  if (asked.program && wish !== 'on') return read
  const reason = reasonOf(asked, wish)
  if (reason === undefined || withoutWish(text).trim() === '') return read
  if (localOnly) return wish === 'on' ? { ...read, because: webReason.localOnly, refused: true } : read
  if (!engine) return wish === 'on' ? { ...read, because: webReason.noEngine, refused: true } : read
  return { search: true, links, because: reason }
}

function reasonOf({ policy, files, text, today }: AskedOfWeb, wish: WebMode): string | undefined {
  if (wish === 'on') return webReason.wished
  if (policy === 'on') return webReason.always
  return files ? undefined : aboutTheWorld(text, today)
}

const mostLinks = 3

// What people write to have the web searched, or left alone, in the languages that Parley is asked in most.
const on = [
  /\b(?:search|check|browse|look(?:\s+(?:it|this|that|them))?\s+up|look|find|research)\b[^.!?\n]{0,40}?\b(?:the\s+(?:web|internet|net)|online|on\s+google)\b(?:\s+for)?/iu,
  /^\s*(?:please\s+)?(?:google|web\s*search)\b(?!\s+(?:drive|docs?|sheets?|cloud|calendar|meet|maps|workspace|chrome|gemini))(?:\s+for)?[:\s]/iu,
  /(?<!\p{L})(?:such\w*|schau\w*|recherchier\w*|find\w*|google)(?!\p{L})[^.!?\n]{0,40}?(?<!\p{L})(?:im\s+(?:web|internet|netz)|online)(?!\p{L})(?:\s+nach)?/iu,
  /(?<!\p{L})(?:im\s+(?:web|internet|netz)|online)\s+(?:such\w*|nachsehen|nachschauen|recherchier\w*)/iu,
  /(?<!\p{L})(?:cherche[rz]?|recherche[rz]?|regarde[rz]?)(?!\p{L})[^.!?\n]{0,40}?(?:sur\s+(?:le\s+)?(?:web|net|internet)|en\s+ligne)/iu,
  /(?<!\p{L})(?:busca\w*|búsca\w*|consulta\w*)(?!\p{L})[^.!?\n]{0,40}?(?:en\s+(?:la\s+)?(?:web|internet|red)|en\s+línea)/iu,
  /(?<!\p{L})(?:cerca\w*|pesquis\w*|procur\w*)(?!\p{L})[^.!?\n]{0,40}?(?:su\s+internet|sul\s+web|online|na\s+(?:web|internet))/iu,
  /(?:上网|在网上|网上|网络|联网)(?:搜索|搜一下|搜|查询|查一下|查)|搜索网络/u,
  /(?:ウェブ|ネット|インターネット)で(?:検索|調べ)\S{0,4}/u,
]
const off = [
  /\b(?:do\s*n[o']t|don’t|without|no|never)\s+(?:any\s+|a\s+|use\s+|using\s+)?(?:search\w*|brows\w*|look\w*|web\s*search|google)?\s*(?:on\s+|in\s+)?(?:the\s+)?(?:web|internet|online)\b(?:\s+search)?/iu,
  /\b(?:offline\s+only|no\s+web\s*search)\b/iu,
  /(?<!\p{L})(?:ohne|kein\w*|nicht)\s+(?:im\s+|das\s+|in\s+das\s+)?(?:web|internet|netz)(?:suche)?/iu,
  /(?<!\p{L})sans\s+(?:chercher\s+sur\s+)?(?:le\s+)?(?:web|internet)|(?<!\p{L})sin\s+(?:buscar\s+en\s+)?(?:la\s+)?(?:web|internet)/iu,
  /不要(?:上网|联网|搜索)/u,
]

export function wishIn(text: string): 'on' | 'off' | undefined {
  const plain = withoutCode(text)
  if (off.some((pattern) => pattern.test(plain))) return 'off'
  return on.some((pattern) => pattern.test(plain)) ? 'on' : undefined
}

/** The question without the words that ask for a search. */
export function withoutWish(text: string): string {
  return on.reduce((rest, pattern) => rest.replace(pattern, ' '), withoutCode(text))
}

function withoutCode(text: string): string {
  return text.replace(/```[\s\S]*?(?:```|$)/g, ' ').replace(/`[^`\n]*`/g, ' ')
}

const address = /https?:\/\/[^\s<>"'`|\\^{}[\]]+/giu

/** Web addresses that a person wrote, each once, without what a sentence puts behind them. */
export function linksIn(text: string): string[] {
  const found = [...withoutCode(text).matchAll(address)].flatMap(([match]) => {
    const bare = withoutTail(match)
    const url = URL.parse(bare)
    return url === null || !url.hostname.includes('.') ? [] : [url.href]
  })
  return [...new Set(found)]
}

/** A closing bracket belongs to the address only if it was opened there. */
function withoutTail(match: string): string {
  let bare = match
  for (;;) {
    const next = bare.replace(/[.,;:!?…*_~]+$/u, '')
    const isClosed = next.endsWith(')') && next.split(')').length > next.split('(').length
    const shorter = isClosed ? next.slice(0, -1) : next
    if (shorter === bare) return bare
    bare = shorter
  }
}

/** Words of recency. */
const recent =
  /(?<!\p{L})(?:latest|newest|current(?:ly)?|today|tonight|yesterday|tomorrow|right\s+now|this\s+(?:week|month|year|weekend)|last\s+(?:week|night)|recent(?:ly)?|breaking|up[- ]to[- ]date|as\s+of\s+now|aktuell\w*|heute|gestern|morgen\s+früh|derzeit|neueste[nrs]?|diese\s+woche|dieses\s+jahr|aujourd['’]hui|actuel(?:le)?s?|actuellement|dernière?s?\s+(?:version|nouvelles?)|cette\s+semaine|hoy|ayer|actual(?:es|mente)?|últim[ao]s?\s+(?:versi|noticia)|esta\s+semana|oggi|attuale|hoje|atual)(?!\p{L})|最新|今天|昨天|目前|现在|今日|昨日|現在|최신|오늘/iu
/** What changes from day to day. */
const changing =
  /(?<!\p{L})(?:news|headlines?|weather|forecast|stock\s+price|share\s+price|exchange\s+rate|opening\s+hours|release\s+date|score|standings|nachrichten|wetter\w*|aktienkurs|wechselkurs|öffnungszeiten|météo|actualités?|cours\s+de\s+l['’]action|noticias|clima|tiempo\s+hace)(?!\p{L})|新闻|天气|股价|汇率|ニュース|天気|株価/iu
/** What a person has here: the question is about that, not about the world. */
const own =
  /(?<!\p{L})(?:my|our|ours|we|us|this\s+(?:file|document|thread|channel|conversation|message|pdf|table|sheet)|the\s+(?:file|document|attachment|attached|thread|channel|pdf|above)|attached|mein\w*|unser\w*|wir|uns|die\s+datei|das\s+dokument|anhang|notre|nos|mon|ma|mes|nous|le\s+fichier|le\s+document|nuestr\w*|mis?|el\s+archivo|el\s+documento)(?!\p{L})|我们|我的|附件|文件|この(?:ファイル|文書)/iu
/** Work on a text or on code, not a question about the world. */
const task =
  /^\s*(?:please\s+)?(?:write|draft|translate|summari[sz]e|rewrite|rephrase|proofread|explain\s+this|fix|refactor|convert|calculate|compute|solve|prove|brainstorm|imagine|act\s+as|schreib\w*|übersetz\w*|fass\w*|korrigier\w*|berechne|traduis|traduire|résume[rz]?|écris|traduce|resume|escribe|corrige|翻译|总结|写)(?!\p{L})/iu
const asks =
  /^\s*(?:(?:hi|hello|hey|please)[,!\s]+)?(?:who|what|when|where|which|how\s+(?:much|many|old|tall|far|long|big)|is|are|was|did|does|has|have|wer|was|wann|wo|welche\w*|wie\s+(?:viel\w*|alt|hoch|weit|lang)|qui|quand|où|quel(?:le)?s?|combien|quién|cuándo|dónde|cuál(?:es)?|cuánt\w*|chi|quando|dove|quanto)(?!\p{L})/iu
/** A name within the sentence: capitalized, or with digits. German nouns are capitalized too, so there it takes two in a row. */
const name = /(?<=\p{Ll}[\p{L}\p{N}]*[ ,]+)\p{Lu}[\p{L}\p{N}’'-]+/u
const twoNames = /\p{Lu}[\p{L}\p{N}’'-]+\s+\p{Lu}[\p{L}\p{N}’'-]+/u
const german = /(?<!\p{L})(?:der|die|das|ist|wer|wann|wie|wo|welche\w*|und|von|ein\w*)(?!\p{L})/iu
const host =
  /(?<![\p{L}\p{N}@/.])(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|gov|edu|eu|de|fr|es|it|uk|ch|at|jp|cn|ai|app|info)(?![\p{L}\p{N}])/iu
const longest = 400

/** Why a question without files is about the world as it is now; `undefined` where nothing says so. */
function aboutTheWorld(text: string, today: Date): string | undefined {
  const plain = withoutCode(text).trim()
  if (plain === '' || plain.length > longest || text.includes('```') || own.test(plain) || task.test(plain))
    return undefined
  const word = recent.exec(plain)?.[0] ?? changing.exec(plain)?.[0]
  if (word !== undefined) return webReason.recent(word.trim())
  const year = [...plain.matchAll(/(?<!\d)20\d\d(?!\d)/g)]
    .map(([digits]) => Number(digits))
    .find((each) => each >= today.getUTCFullYear() - 1 && each <= today.getUTCFullYear() + 1)
  if (year !== undefined) return webReason.year(year)
  const site = host.exec(plain.replace(address, ' '))?.[0]
  if (site !== undefined) return webReason.site(site)
  if (!asks.test(plain)) return undefined
  const found = german.test(plain) ? twoNames.exec(plain.replace(/^\S+\s/, '')) : name.exec(plain)
  return found === null ? undefined : webReason.world(found[0])
}
