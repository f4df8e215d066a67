/**
 * `parley replay <platform> <folder>`: passes each recorded event to the platform's own ingress and prints the result. Use
 * it to find out why a message was not answered, and to check fixtures.
 */

import { randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ParleyError } from '../core/errors.ts'
import { Json } from '../core/json.ts'
import { silentLog } from '../core/log.ts'
import type { Replay, Replayed, ServeMounts } from '../core/replay.ts'
import { createAccessGate, withoutAccounts } from '../ops/access.ts'
import { serveHttp } from '../ops/http.ts'
import { terminalWording } from '../wording/terminal.ts'
import { platforms } from './platforms.ts'

export interface ReplayOptions {
  platform: string
  folder: string
  json: boolean
  print(line: string): void
}

export interface ReplayLine {
  /** File and, within it, name or place: `dm.json#mention`. */
  name: string
  kind: Replayed['kind'] | 'failed'
  summary: string
}

const maxSummaryChars = 200
/** The part of a recording that describes it and holds no events. */
const metadata = 'metadata'
/** How deep events may be nested in a file; an object of arrays of events has depth two. */
const maxDepth = 4

/** Returns the number of failed events: those that made the platform's ingress throw. */
export async function replayFolder({ platform, folder, json, print }: ReplayOptions): Promise<number> {
  const load = platforms[platform]?.replay
  if (load === undefined)
    throw new ParleyError('request_invalid', terminalWording.replayPlatformUnknown(platform, Object.keys(platforms)))
  const { replay } = await load()
  const counts = new Map<ReplayLine['kind'], number>()
  for await (const line of replayFiles(replay, platform, resolve(folder))) {
    counts.set(line.kind, (counts.get(line.kind) ?? 0) + 1)
    print(json ? JSON.stringify(line) : `${line.kind.padEnd(9)} ${line.name}  ${line.summary}`)
  }
  const summary = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ')
  if (!json) print(summary === '' ? terminalWording.replayEmpty : summary)
  return counts.get('failed') ?? 0
}

async function* replayFiles(replay: Replay, platform: string, folder: string): AsyncGenerator<ReplayLine> {
  for (const name of await jsonFiles(folder)) {
    const content = parse(await readFile(join(folder, name), 'utf8'))
    if (content === undefined) {
      yield { name, kind: 'failed', summary: terminalWording.replayInvalidJson }
      continue
    }
    const context = singleValues(content)
    for (const found of eventsIn(replay, content, name, 0)) {
      if (found.record === undefined)
        yield { name: found.name, kind: 'ignored', summary: terminalWording.replayNoEvent(platform) }
      else yield { name: found.name, ...(await replayOne(replay, found.record, context)) }
    }
  }
}

async function replayOne(
  replay: Replay,
  record: Json,
  context: Record<string, Json>,
): Promise<Pick<ReplayLine, 'kind' | 'summary'>> {
  try {
    const { kind, summary } = await replay.replay(record, context, serve)
    return { kind, summary: oneLine(summary) }
  } catch (thrown) {
    const why = thrown instanceof ParleyError ? thrown.userMessage : String(thrown)
    return { kind: 'failed', summary: oneLine(why) }
  }
}

/** The gate admits every caller; the platform's own check refuses invalid events. */
const serve: ServeMounts = (mounts) => {
  const gate = createAccessGate({
    loopback: true,
    exposed: false,
    terminalToken: randomUUID(),
    ...withoutAccounts,
    findKey: async () => null,
  })
  return serveHttp({ host: '127.0.0.1', port: 0, mounts, gate, log: silentLog })
}

interface Found {
  name: string
  /** Absent if no event was found. */
  record?: Json
}

/** A file holds one event, an array of events, or an object of named events and single values. */
function eventsIn(replay: Replay, value: Json, name: string, depth: number): Found[] {
  if (replay.recognises(value)) return [{ name, record: value }]
  if (typeof value !== 'object' || value === null || depth >= maxDepth) return []
  const found = Object.entries(value).flatMap(([key, each]) =>
    depth === 0 && key === metadata
      ? []
      : eventsIn(replay, each, depth === 0 ? `${name}#${key}` : `${name}.${key}`, depth + 1),
  )
  // A part without events is reported once; single values are context for the events.
  return found.some(({ record }) => record !== undefined) || (depth === 0 && found.length > 0) ? found : [{ name }]
}

/** Those beside the events, and those in the file's `metadata`, where vercel/chat's recordings have them. */
function singleValues(value: Json): Record<string, Json> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return {}
  const own = Object.entries(value).filter(([, each]) => typeof each !== 'object' || each === null)
  return { ...singleValues(value[metadata] ?? null), ...Object.fromEntries(own) }
}

async function jsonFiles(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith('.json'))
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
      .sort()
  } catch (cause) {
    throw new ParleyError('file_missing', terminalWording.folderMissing(folder), { cause })
  }
}

function parse(text: string): Json | undefined {
  try {
    return Json.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** Untrusted text for a terminal: one short line without control characters. */
export function oneLine(text: string, most = maxSummaryChars): string {
  const flat = text.replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ').trim()
  return flat.length <= most ? flat : `${flat.slice(0, most - 1).toWellFormed()}…`
}
