/**
 * Kinds of task that a question names. Small models fail at some of them however short the question is, and do others well however
 * long the text is. English words, and signs and traces of any language; words of other languages are in task-words.ts.
 */
import { foreignTasksIn } from './task-words.ts'

interface TaskRow {
  /** Added to the question's score; negative for what a small model does well. */
  points: number
  names: RegExp
}

/** THE table. */
export const tasks = {
  proof: {
    points: 4,
    names: /\b(?:dis)?prov(?:e|ing)\b(?! me\b)|\bproof (?:that|of|by)\b|\btheorem\b|\blemma\b|\bby induction\b/i,
  },
  mathematics: {
    points: 3,
    names:
      /[∫∑∏∂∇∀∃]|\\int\b|\b[a-z]\s*:\s*[RNZQCℝℕℤℚℂ]\s*(?:→|->|\\to)|\b(?:integra(?:l|te)s?|differentiate|derivative of|eigenvalues?|eigenvectors?|polynomials?|differential equations?|congruent|modulo|bayes(?:ian)?|closed form|solve for [a-z]\b)/i,
  },
  trace: {
    points: 3,
    names:
      /^\s*at .+[(:].+:\d+|Traceback \(most recent call last\)|\b\w+(?:Error|Exception): |\bpanic: |segmentation fault|\bcore dumped\b|\bORA-\d{5}\b|\bexit code (?:1[0-9]{2}|139)\b/im,
  },
  debugging: {
    points: 3,
    names:
      /\b(?:deadlocks?|race conditions?|memory leaks?|leak(?:s|ing) memory|query plan|explain analy[sz]e|optimi[sz]e|bottleneck|root cause|debug|refactor)\b|\bwhy (?:is|are|does|do|did)\b.{0,300}\b(?:slow|crash|hang|fail|leak|time out|timing out|deadlock|return|overflow)/i,
  },
  design: {
    points: 4,
    names:
      /\b(?:design|architect(?:ure)?|model)\b[^.?!]{0,300}\b(?:systems?|services?|schemas?|protocols?|apis?|pipelines?|databases?|limiters?|caches?|queues?|clusters?|platforms?|algorithms?|indexes|migrations?|microservices?|replication|sharding)\b|\b(?:implement|write) (?:a|an) [^.?!]{0,300}\b(?:algorithm|parser|compiler|scheduler|allocator|lock-free|consensus)\b/i,
  },
  law: {
    points: 2,
    names:
      /\b(?:liab(?:le|ility)|statutes?|tort|negligen(?:t|ce)|plaintiff|defendant|jurisdiction|lawsuit|sue|legally|enforceable|breach of|indemnit(?:y|ies)|force majeure|GDPR|copyright infringement|contract (?:is|be) (?:valid|binding|void)|non-compete|notice period legally)\b/i,
  },
  medicine: {
    points: 2,
    names:
      /\b(?:dosages?|dose|doses|contraindicat\w+|drug interactions?|interactions?\b.{0,300}\bdos|diagnos(?:is|e|es)|differential diagnosis|prognosis|pathophysiology|side effects? of|symptoms? of|\d+ ?mg)\b/i,
  },
  analysis: {
    points: 2,
    names:
      /\b(?:essay|critically|compare and contrast|analy[sz]e|trade-?offs?|pros and cons|business plan|strategy for|argue (?:for|against|that)|evaluate (?:the|whether|how)|implications of|root causes|forecast|valuation)\b/i,
  },
  thinking: {
    points: 2,
    names: /\bthink (?:hard|carefully|deeply|step by step)\b|\bstep by step\b|\breason carefully\b/i,
  },
  plain: {
    points: -1,
    names:
      /^\W*(?:please |can you |could you )*(?:translate|proofread|fix (?:the |my )?(?:grammar|spelling|typos|punctuation)|correct (?:the |my )?(?:grammar|spelling)|rephrase|reword|rewrite|shorten|summari[sz]e|tl;?dr|make (?:this|it) (?:shorter|friendlier|politer|more formal)|convert (?:this|it) (?:to|into)|list|format)\b/i,
  },
} as const satisfies Record<string, TaskRow>

export type Task = keyof typeof tasks

/** The part of a text in which a task is looked for: what is asked stands at its beginning or its end. */
const searched = 4_000

export function tasksIn(text: string): Task[] {
  const part = text.length <= 2 * searched ? text : `${text.slice(0, searched)}\n${text.slice(-searched)}`
  const foreign: readonly Task[] = foreignTasksIn(part)
  return (Object.keys(tasks) as Task[]).filter((task) => tasks[task].names.test(part) || foreign.includes(task))
}
