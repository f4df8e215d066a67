/** Pages of the web that were read, what search engines found, and which turns were given something of a page. */
import { monotonic } from '../core/clock.ts'
import { type Json, storableJson } from '../core/json.ts'
import type { Database, Statement } from './database.ts'

export interface WebPage {
  /** Of its address and its content. */
  id: string
  /** Where people open it, after redirects. */
  address: string
  contentHash: string
  engine: string
  title: string
  site: string | undefined
  /** YYYY-MM-DD */
  published: string | undefined
}

export interface WebPages {
  /** Pages that were read lately, by the address that was asked for in its compared form. */
  fresh(urls: readonly string[]): Promise<Map<string, WebPage>>
  /** Keeps a page and its bytes, which must be held meanwhile. */
  save(url: string, page: WebPage, freshMs: number): Promise<void>
  /** Keeps pages as long as the turn is there. */
  use(turnId: string, ids: readonly string[]): Promise<void>
  /** What was found lately. */
  results(key: string): Promise<unknown>
  saveResults(key: string, hits: Json, freshMs: number): Promise<void>
  /** Deletes what is stale and what no turn was given. Once a minute at most. */
  sweep(): Promise<void>
}

const sweepEveryMs = 60_000

export function createWebPages({ query }: Pick<Database, 'query'>, now: () => number = monotonic): WebPages {
  let sweepAt = Number.NEGATIVE_INFINITY
  return {
    async fresh(urls) {
      if (urls.length === 0) return new Map()
      const rows = await query<Row>(fresh, [urls])
      return new Map(
        rows.map(({ url, content_hash: contentHash, site, published, ...page }) => [
          url,
          { ...page, contentHash, site: site ?? undefined, published: published ?? undefined },
        ]),
      )
    },
    async save(url, { id, address, contentHash, engine, title, site, published }, freshMs) {
      const values = [id, url, address, contentHash, engine, title, site ?? null, published ?? null, freshMs]
      await query(save, values)
    },
    async use(turnId, ids) {
      if (ids.length > 0) await query(use, [turnId, ids])
    },
    async results(key) {
      const [row] = await query<{ hits: unknown }>(results, [key])
      return row?.hits
    },
    async saveResults(key, hits, freshMs) {
      await query(saveResults, [key, storableJson(hits), freshMs])
    },
    async sweep() {
      if (now() < sweepAt) return
      sweepAt = now() + sweepEveryMs
      await query(sweepPages, [])
      await query(sweepResults, [])
    },
  }
}

interface Row {
  url: string
  id: string
  address: string
  content_hash: string
  engine: string
  title: string
  site: string | null
  published: string | null
}

const fresh: Statement = {
  name: 'web_page_fresh',
  text: `
select distinct on (url) url, id, address, content_hash, engine, title, site, published from web_page
where url = any($1::text[]) and fresh_until > now()
order by url, fresh_until desc`,
}

const save: Statement = {
  name: 'web_page_save',
  text: `
with kept as (
  insert into web_page (id, url, address, content_hash, engine, title, site, published, fresh_until)
  values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 millisecond')
  on conflict (id) do update set fresh_until = excluded.fresh_until, engine = excluded.engine, address = excluded.address,
    title = excluded.title, site = excluded.site, published = excluded.published
  returning id, content_hash
)
insert into blob_ref (hash, owner_kind, owner_id) select content_hash, 'page', id from kept on conflict do nothing`,
}

/** Rows are locked in one order, and a turn or page that is gone meanwhile is left out. */
const use: Statement = {
  name: 'web_page_use',
  text: `
with asked as (select id from turn where id = $1::uuid for key share),
  page as (select id from web_page where id = any($2::text[]) order by id for key share)
insert into turn_page (turn_id, page_id) select asked.id, page.id from asked, page on conflict do nothing`,
}

const results: Statement = {
  name: 'web_result_load',
  text: `select hits from web_result where key = $1 and fresh_until > now()`,
}

const saveResults: Statement = {
  name: 'web_result_save',
  text: `
insert into web_result (key, hits, fresh_until) values ($1, $2::jsonb, now() + $3 * interval '1 millisecond')
on conflict (key) do update set hits = excluded.hits, fresh_until = excluded.fresh_until`,
}

const sweepPages: Statement = {
  name: 'web_page_sweep',
  text: `
delete from web_page where id in (
  select id from web_page where fresh_until < now()
  and not exists (select from turn_page where turn_page.page_id = web_page.id) limit 1000
)`,
}

const sweepResults: Statement = {
  name: 'web_result_sweep',
  text: `delete from web_result where key in (select key from web_result where fresh_until < now() limit 1000)`,
}
