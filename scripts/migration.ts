/**
 * `node scripts/migration.ts <name>` compares the committed migrations with prisma/schema.prisma and writes the difference to
 * `prisma/migrations/<number>_<name>/migration.sql`. Review it before you commit it.
 *
 * What Prisma cannot express (partial and expression indexes, triggers) is added to that file by hand, with a line
 * `-- prisma-ignore: <name>` for each index, so that the next diff does not drop it again. Functions are in prisma/functions.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PrismaPg } from '@prisma/adapter-pg'
import {
  bindMigrationAwareSqlAdapterFactory,
  ColumnTypeEnum,
  type SqlDriverAdapter,
} from '@prisma/driver-adapter-utils'
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'
import { migrationsFolder, readMigrations } from '../src/store/postgres/migrate.ts'
import { startTestDatabase, type TestServer } from '../test/database.ts'

const schemaFile = fileURLToPath(new URL('../prisma/schema.prisma', import.meta.url))

export interface DiffOptions {
  server: TestServer
  schema?: string
  migrations?: string
}

/** The SQL from the migrations to the schema, without statements about ignored names. Empty if they agree. */
export async function diffMigrations(options: DiffOptions): Promise<string> {
  const { server, schema = schemaFile, migrations: folder = migrationsFolder } = options
  const migrations = await readMigrations(folder)
  const shadow = await server.createDatabase({ empty: true })
  const content = await readFile(schema, 'utf8')
  const files = [{ path: schema, content }]
  await loadEngine()
  const pool = new pg.Pool(shadow.connection)
  const { provider, adapterName } = new PrismaPg(pool)
  const connect = () => connectForCatalogues(pool)
  // The adapter's own shadow database keeps its pool open and breaks when the server stops.
  const factory = bindMigrationAwareSqlAdapterFactory({ provider, adapterName, connect, connectToShadowDb: connect })
  const engine = await engineModule.SchemaEngine.new({ datamodels: [[schema, content]] }, () => {}, factory)
  try {
    const result = await engine.diff({
      from: {
        tag: 'migrations',
        baseDir: folder,
        lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
        shadowDbInitScript: '',
        migrationDirectories: migrations.map(({ name, sql }) => ({
          path: name,
          migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
        })),
      },
      to: { tag: 'schemaDatamodel', files },
      script: true,
      exitCode: null,
      filters: { externalTables: [], externalEnums: [] },
    })
    return withoutIgnored(result.stdout ?? '', ignoredNames(migrations.map(({ sql }) => sql)))
  } finally {
    engine.free()
    await pool.end()
  }
}

const oidOfInternalChar = 18
const oidOfText = 25

/**
 * The engine reads PostgreSQL's catalogs, whose type `"char"` the adapter does not know. The adapter sees it as text, and the
 * engine sees the real column types.
 */
async function connectForCatalogues(pool: pg.Pool): Promise<SqlDriverAdapter> {
  const charColumns = new WeakMap<object, Set<number>>()
  const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<pg.QueryResult>
  const asText = async (...args: unknown[]) => {
    const result = await query(...args)
    const columns = new Set<number>()
    for (const [index, field] of (result.fields ?? []).entries()) {
      if (field.dataTypeID !== oidOfInternalChar) continue
      field.dataTypeID = oidOfText
      columns.add(index)
    }
    charColumns.set(result.rows, columns)
    return result
  }
  const shown = new Proxy(pool, { get: (target, key) => (key === 'query' ? asText : Reflect.get(target, key, target)) })
  const adapter = await new PrismaPg(shown, { disposeExternalPool: false }).connect()
  const queryRaw = adapter.queryRaw.bind(adapter)
  adapter.queryRaw = async (params) => {
    const result = await queryRaw(params)
    const chars = charColumns.get(result.rows)
    const columnTypes = result.columnTypes.map((type, at) => (chars?.has(at) ? ColumnTypeEnum.Character : type))
    return { ...result, columnTypes }
  }
  // The adapter's own version splits a script at every semicolon, even inside functions.
  adapter.executeScript = async (script) => {
    await pool.query(script)
  }
  return adapter
}

let loaded: Promise<void> | undefined

/** Loaded once, because the module holds the engine's memory. Loading the bytes avoids Node's warning about wasm imports. */
function loadEngine(): Promise<void> {
  loaded ??= instantiateEngine()
  return loaded
}

async function instantiateEngine(): Promise<void> {
  // The engine reports the details of a panic only here.
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: (text: string) => console.error(text) } })
  const require = createRequire(import.meta.url)
  const path = join(require.resolve('@prisma/schema-engine-wasm'), '..', 'schema_engine_bg.wasm')
  const { instance } = await WebAssembly.instantiate(await readFile(path), {
    './schema_engine_bg.js': engineModule as unknown as WebAssembly.ModuleImports,
  })
  const { exports } = instance
  const { __wbg_set_wasm: setWasm } = engineModule as unknown as { __wbg_set_wasm(exports: unknown): void }
  setWasm(exports)
  const start = exports.__wbindgen_start
  if (typeof start === 'function') start()
}

export function ignoredNames(sqls: string[]): string[] {
  return sqls.flatMap((sql) => [...sql.matchAll(/^-- prisma-ignore: (\S+)\s*$/gm)].map((match) => match[1] ?? ''))
}

/** The engine separates statements, each with a comment such as `-- DropIndex`, by empty lines. */
export function withoutIgnored(script: string, names: string[]): string {
  if (/^-- This is an empty migration/.test(script.trim())) return ''
  const statements = script.trim().split(/\n\n+/)
  return statements.filter((text) => !names.some((name) => text.includes(`"${name}"`))).join('\n\n')
}

async function author(name: string): Promise<void> {
  await using server = await startTestDatabase()
  const sql = await diffMigrations({ server })
  if (sql === '') {
    console.log('The migrations already lead to prisma/schema.prisma; nothing written.')
    return
  }
  const last = (await readMigrations()).at(-1)?.name ?? '0'
  const number = String(Number.parseInt(last, 10) + 1).padStart(4, '0')
  const folder = join(migrationsFolder, `${number}_${name}`)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'migration.sql'), `${sql}\n`)
  console.log(`wrote ${join(folder, 'migration.sql')}`)
}

if (import.meta.main) {
  const name = process.argv[2]
  if (name === undefined || !/^[a-z0-9_]+$/.test(name)) {
    console.error('Usage: node scripts/migration.ts <name>, with a name such as add_ledger')
    process.exitCode = 1
  } else {
    await author(name)
  }
}
