import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { diffMigrations } from '../../../scripts/migration.ts'
import { startTestDatabase, type TestServer } from '../../../test/database.ts'

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'parley-drift-'))
})
afterAll(async () => {
  await server.dispose()
  await rm(folder, { recursive: true, force: true })
})

describe('migrations and prisma/schema.prisma', () => {
  it('the committed migrations lead exactly to the schema', async () => {
    expect(await diffMigrations({ server })).toBe('')
  })

  it('a change of the schema shows as SQL, and by-hand indexes that are named so do not', async () => {
    const model = (field: string) => `datasource db {
  provider = "postgresql"
}
model note {
  id   Int    @id
  text String
${field}
}
`
    const schema = join(folder, 'schema.prisma')
    const migrations = join(folder, 'migrations')
    await writeFile(schema, model(''))
    const first = await diffMigrations({ server, schema, migrations })
    expect(first).toContain('CREATE TABLE "note"')

    await mkdir(join(migrations, '20260101000000_init'), { recursive: true })
    const byHand = `create index note_words on note using gin (to_tsvector('simple', text));
create index note_text on note (text);
create index note_some on note (id) where text <> '';
`
    const file = join(migrations, '20260101000000_init', 'migration.sql')
    await writeFile(file, `${first}\n${byHand}`)
    expect(await diffMigrations({ server, schema, migrations })).toContain('DROP INDEX "note_text"')

    const ignored = ['note_words', 'note_text', 'note_some'].map((name) => `-- prisma-ignore: ${name}\n`).join('')
    await writeFile(file, `${first}\n${ignored}${byHand}`)
    expect(await diffMigrations({ server, schema, migrations })).toBe('')

    await writeFile(schema, model('  by String?'))
    expect(await diffMigrations({ server, schema, migrations })).toBe(
      '-- AlterTable\nALTER TABLE "note" ADD COLUMN     "by" TEXT;',
    )
  })
})
