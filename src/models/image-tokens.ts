/**
 * The most tokens that a provider bills for one picture, by the model's name. Pictures are sent with at most 1,568 pixels a
 * side (src/media/providers/image.ts) and, where it can be said, without a wish for detail.
 */
import { undated } from './known-models.ts'

/** Pieces of 32 by 32 pixels that cover the largest picture, and the most that models with a limit count of them. */
const PATCHES = 49 * 49
const FEWER_PATCHES = 1_536
/** Pieces of 512 by 512 once the shorter side has at most 768 pixels: two rows of four. */
const TILES = 8

/**
 * As OpenAI, Anthropic, Google and the makers of open models publish it; where measurements and publications differ, the
 * dearer. The first that fits counts, also behind a proxy's prefix (`azure/gpt-4o-mini`).
 */
const families: [name: RegExp, tokens: number][] = [
  [/gpt-4o-mini/, 2_833 + TILES * 5_667],
  [/gpt-4\.1-mini/, FEWER_PATCHES * 1.62],
  [/gpt-4\.1-nano/, FEWER_PATCHES * 2.46],
  [/gpt-4\.1|gpt-4o|chatgpt-4o|gpt-4-(?:turbo|vision)|gpt-4\.5/, Math.max(FEWER_PATCHES, 85 + TILES * 170)],
  [/o4-mini/, FEWER_PATCHES * 1.72],
  [/(?:^|\/)o[13](?:$|-)/, 75 + TILES * 150],
  [/gpt-[5-9](?:\.\d+)?-nano/, PATCHES * 2.46],
  [/gpt-[5-9]/, PATCHES * 1.62],
  [/claude-3|claude-(?:opus|sonnet|haiku)-4(?:$|-[0-5](?:$|-))/, 1_700],
  [/claude/, 4_784],
  // A narrow picture is cut into squares of 256 pixels: two rows of seven.
  [/gemini/, 14 * 258],
  [/pixtral/, 98 * 99],
]

/** More than any model bills except `gpt-4o-mini`, which is not recognized under a custom name. */
const UNKNOWN = 6_000

export function mostImageTokens(model: string): number {
  const name = undated(model).toLowerCase()
  return Math.ceil(families.find(([pattern]) => pattern.test(name))?.[1] ?? UNKNOWN)
}
