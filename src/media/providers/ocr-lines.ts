/**
 * Finds the lines of text in a picture and makes them level: the slope, convergence and bend for which the lower edges of letters fall
 * into the fewest rows.
 */
import { type Gray, quarterTurn } from './gray.ts'

export interface Lines {
  /** How far below its level place a line is at `x`, for a line at `y` in the middle of the picture. */
  shift(x: number, y: number): number
}

interface Curve {
  /** Rise per pixel, in the middle of the picture. */
  slope: number
  /** How much the slope changes from the middle to the top and bottom edge. */
  converging: number
  /** How far the lines bend, in heights of the picture at its left and right edge. */
  bend: number
}

const flat: Curve = { slope: 0, converging: 0, bend: 0 }
/** The search runs on a picture of about this size. */
const searchSide = 1_100
/** Edges of fewer letters than this say nothing about lines. */
const fewEdges = 200
/** With fewer, letters can form clear lines by chance. */
const manyEdges = 2_000
/** 15 degrees, searched in steps of half a degree. */
const steepest = 0.27
const steps = 27
/** Of the width: a full line of text has edges below this share of its letters. The edge of a sheet has more, and counts no more. */
const fullLine = 0.6
/** Lines must become this much clearer. */
const clearer = 1.08

/** Lines of text are at least this clear; a page on its side has its lines in the other direction. */
const clearLines = 6
/** The edges in a picture without text hardly form lines. */
const unclearLines = 2

export interface Found {
  sideways: boolean
  lines: Lines | undefined
  mayBeText: boolean
}

/** `lines` is undefined when they are level, or when there are none. They are those of the turned picture if it is `sideways`. */
export function findLines(picture: Gray): Found {
  const scale = Math.max(1, Math.round(Math.max(picture.width, picture.height) / searchSide))
  const ink = inkOf(picture, scale)
  const given = roughLines(ink)
  const clear = given.clearness >= clearLines && given.edges.xs.length >= manyEdges
  const turned = clear ? given : roughLines(quarterTurn(ink))
  const sideways = turned.clearness >= clearLines && turned.clearness > given.clearness * 2
  const { edges, rough, level, size, clearness } = sideways ? turned : given
  const few = edges.xs.length < fewEdges
  return {
    sideways,
    lines: few || level ? undefined : preciseLines(edges, rough, size, scale),
    mayBeText: few || clearness >= unclearLines,
  }
}

interface Rough {
  edges: Edges
  rough: Curve
  /** They need no leveling. */
  level: boolean
  /** How much clearer the lines are than those of scattered letters. */
  clearness: number
  size: { width: number; height: number }
}

function roughLines(ink: Gray): Rough {
  const { width, height } = ink
  const edges = lowerEdges(ink)
  const some = sampleOf(edges)
  const score = scorer(some, { width, height })
  const clearnessOf = (found: number) => (found * height) / Math.max(1, some.xs.length) ** 2
  let rough = flat
  let best = score(flat)
  const search = (converging: number) => {
    for (let step = -steps; step <= steps; step += 1) {
      const curve = { slope: (steepest * step) / steps, converging, bend: 0 }
      const found = score(curve)
      if (found <= best) continue
      best = found
      rough = curve
    }
  }
  search(0)
  const level = rough === flat && clearnessOf(best) >= clearLines
  for (let converging = -0.24; converging <= 0.24 && !level; converging += 0.02) search(converging)
  return { edges, rough, level, clearness: clearnessOf(best), size: { width, height } }
}

function preciseLines(edges: Edges, rough: Curve, size: Rough['size'], scale: number): Lines | undefined {
  const score = scorer(edges, size)
  const before = score(flat)
  let best = { ...rough, score: score(rough) }
  const around = (key: keyof Curve, reach: number, step: number) => {
    const from = best[key]
    for (let by = -reach; by <= reach; by += step) {
      const curve = { ...best, [key]: from + by }
      const found = score(curve)
      if (found > best.score) best = { ...curve, score: found }
    }
  }
  for (const [reach, step] of [
    [0.03, 0.003],
    [0.004, 0.001],
  ] as const) {
    around('bend', reach, step)
    around('slope', 0.01, 0.002)
    around('converging', 0.02, 0.004)
  }
  const { slope, converging, bend } = best
  const moved = Math.abs(slope) + Math.abs(converging) + Math.abs(bend) * 4
  if (best.score < before * clearer || moved < 0.004) return undefined
  const middle = { x: (size.width * scale) / 2, y: (size.height * scale) / 2 }
  return {
    shift(x, y) {
      const across = x - middle.x
      const share = across / middle.x
      return across * (slope + (converging * (y - middle.y)) / middle.y) + bend * 2 * middle.y * share * share
    },
  }
}

interface Edges {
  xs: number[]
  ys: number[]
}

/** A smaller picture with 255 where there is ink. */
function inkOf({ pixels, width, height }: Gray, scale: number): Gray {
  const columns = Math.floor(width / scale)
  const rows = Math.floor(height / scale)
  const ink = new Uint8Array(columns * rows)
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      let sum = 0
      for (let y = row * scale; y < (row + 1) * scale; y += 1)
        for (let x = column * scale; x < (column + 1) * scale; x += 1) sum += pixels[y * width + x] ?? 255
      if (sum < 140 * scale * scale) ink[row * columns + column] = 255
    }
  }
  return { pixels: ink, width: columns, height: rows }
}

/** Where ink ends below: the lower edges of letters, and nothing within dark areas. */
function lowerEdges({ pixels, width }: Gray): Edges {
  const xs: number[] = []
  const ys: number[] = []
  for (let at = width; at < pixels.length; at += 1) {
    if (pixels[at] === 255 || pixels[at - width] !== 255) continue
    xs.push(at % width)
    ys.push(Math.floor(at / width))
  }
  return { xs, ys }
}

/** Enough for a first search. */
const sampled = 4_000

function sampleOf({ xs, ys }: Edges): Edges {
  const every = Math.max(1, Math.floor(xs.length / sampled))
  const kept = (_: number, at: number) => at % every === 0
  return { xs: xs.filter(kept), ys: ys.filter(kept) }
}

function scorer({ xs, ys }: Edges, size: { width: number; height: number }): (curve: Curve) => number {
  const half = { width: size.width / 2, height: size.height / 2 }
  const margin = Math.ceil(half.width * (steepest + 0.2) + half.height * 0.1)
  const counts = new Float64Array(Math.ceil(half.height * 2) + 2 * margin + 2)
  const most = half.width * fullLine
  return ({ slope, converging, bend }) => {
    counts.fill(0)
    for (let at = 0; at < xs.length; at += 1) {
      const x = (xs[at] ?? 0) - half.width
      const y = ys[at] ?? 0
      const share = x / half.width
      const level =
        y - x * (slope + (converging * (y - half.height)) / half.height) - bend * 2 * half.height * share * share
      const row = level + margin
      const whole = Math.floor(row)
      const part = row - whole
      if (whole < 0 || whole + 1 >= counts.length) continue
      counts[whole] = (counts[whole] ?? 0) + 1 - part
      counts[whole + 1] = (counts[whole + 1] ?? 0) + part
    }
    let sum = 0
    for (const count of counts) sum += Math.min(count, most) ** 2
    return sum
  }
}

/** Moves every column up or down, so that lines become level. */
export function levelled({ pixels, width, height }: Gray, lines: Lines): Gray {
  const level = new Uint8Array(pixels.length).fill(255)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const from = y + lines.shift(x, y)
      const whole = Math.floor(from)
      if (whole < 0 || whole + 1 >= height) continue
      const part = from - whole
      const above = pixels[whole * width + x] ?? 255
      const below = pixels[(whole + 1) * width + x] ?? 255
      level[y * width + x] = above + (below - above) * part
    }
  }
  return { pixels: level, width, height }
}
