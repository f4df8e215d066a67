/** What reading a file gave: text in segments, each with the position that a citation points to. */
import { z } from 'zod'

/** The file within a mail or an archive, by its path there; absent for the file itself. */
const inner = z.string().optional()

export type Position = z.infer<typeof Position>
export const Position = z.discriminatedUnion('kind', [
  /** 1-based, as printed by a viewer's page counter. */
  z.object({ kind: z.literal('page'), page: z.number().int().positive(), inner }),
  z.object({ kind: z.literal('slide'), slide: z.number().int().positive(), inner }),
  /** `sheet` absent for a format without sheets; rows are 1-based and inclusive. */
  z.object({
    kind: z.literal('rows'),
    sheet: z.string().optional(),
    from: z.number().int(),
    to: z.number().int(),
    inner,
  }),
  /** 1-based, inclusive. */
  z.object({ kind: z.literal('lines'), from: z.number().int(), to: z.number().int(), inner }),
  /** Milliseconds from the start. */
  z.object({ kind: z.literal('time'), fromMs: z.number(), toMs: z.number(), inner }),
])

export type Segment = z.infer<typeof Segment>
export const Segment = z.object({ text: z.string(), at: Position, tokens: z.number().int().nonnegative() })

/** Something reading could not do; `userMessage` is a sentence for the person who sent the file. */
export type Problem = z.infer<typeof Problem>
export const Problem = z.object({ code: z.string(), userMessage: z.string() })

/** A picture as models are given it: upright, of a bounded size, without metadata. Its bytes are a blob. */
export type Picture = z.infer<typeof Picture>
export const Picture = z.object({
  /** SHA-256 of the picture's own bytes, hex. */
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  mediaType: z.string(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  /** Where in the file it stands, where the file has places. */
  at: Position.optional(),
})

/** What a page of the web says of itself: untrusted text. */
export type PageFacts = z.infer<typeof PageFacts>
export const PageFacts = z.object({
  title: z.string().max(300).optional(),
  site: z.string().max(100).optional(),
  /** YYYY-MM-DD */
  published: z.string().max(10).optional(),
})

export type Artifact = z.infer<typeof Artifact>
export const Artifact = z.object({
  /** SHA-256 of the file's bytes, hex. */
  contentHash: z.string().regex(/^[0-9a-f]{64}$/),
  /** Name and version of the reader, e.g. `pdf-1`: with the hash, the cache key. */
  engine: z.string(),
  /** What the bytes are, whatever the name says. */
  mediaType: z.string(),
  language: z.string().optional(),
  segments: z.array(Segment),
  images: z.array(Picture).optional(),
  /** Pages, slides or sheets in the file; `segments` may cover fewer. */
  pages: z.number().int().nonnegative().optional(),
  durationMs: z.number().optional(),
  page: PageFacts.optional(),
  tokens: z.number().int().nonnegative(),
  /** Set when a limit ended the reading early: what was left out, as a sentence. */
  truncated: z.string().optional(),
  problems: z.array(Problem),
})

/** "p. 137", "lines 10–24", "rows 2–9 of Budget", "slide 3", "1:05", "picture": how people read a position in the file `title`. */
export function describePosition(at: Position, title = ''): string {
  return at.inner === undefined ? describePlace(at, title) : `${at.inner}, ${describePlace(at, at.inner)}`
}

/** A picture has no pages. By its name, which is what people see beside the place. */
export const isPicture = (title: string) => /\.(?:jpe?g|jfif|png|gif|webp|avif|hei[cf]|svg|bmp)$/i.test(title)

function describePlace(at: Position, file: string): string {
  switch (at.kind) {
    case 'page':
      return at.page === 1 && isPicture(file) ? 'picture' : `p. ${at.page}`
    case 'slide':
      return `slide ${at.slide}`
    case 'rows':
      return `${range('row', at.from, at.to)}${at.sheet === undefined ? '' : ` of ${at.sheet}`}`
    case 'lines':
      return range('line', at.from, at.to)
    case 'time':
      return clock(at.fromMs)
  }
}

function range(word: string, from: number, to: number): string {
  return from === to ? `${word} ${from}` : `${word}s ${from}–${to}`
}

/** Milliseconds as `1:05` or `2:03:09`. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  const tail = `${String(Math.floor(seconds / 60) % 60).padStart(seconds >= 3600 ? 2 : 1, '0')}:${String(seconds % 60).padStart(2, '0')}`
  return seconds >= 3600 ? `${Math.floor(seconds / 3600)}:${tail}` : tail
}
