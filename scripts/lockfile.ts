/**
 * Completes package-lock.json with the optional packages of other platforms.
 *
 * npm writes only the optional packages that your registry serves, and `npm ci` then rejects the lock elsewhere
 * ("Missing: … from lock file"). Run this after each `npm install`; `--check` fails if an entry is missing.
 */
import { readFileSync, writeFileSync } from 'node:fs'

interface LockEntry {
  version?: string
  optional?: boolean
  dev?: boolean
  devOptional?: boolean
  resolved?: string
  link?: boolean
  os?: string[]
  cpu?: string[]
  libc?: string[]
  optionalDependencies?: Record<string, string>
}
interface Lock {
  packages: Record<string, LockEntry>
}

const file = 'package-lock.json'
const lock = JSON.parse(readFileSync(file, 'utf8')) as Lock
const known = {
  os: ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32'],
}
const cpus = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'x64', 'wasm32']

/**
 * Which system, processor and C library a package name such as `@scope/tool-linux-arm64-musl` is for. Without the C library
 * npm installs the packages for both.
 */
function platformOf(name: string): Pick<LockEntry, 'os' | 'cpu' | 'libc'> {
  const words = name
    .replace('windows', 'win32')
    .replace('linuxmusl', 'linux-musl')
    .split(/[-/_.]/)
  const os = known.os.find((each) => words.includes(each))
  const cpu = cpus.find((each) => words.includes(each))
  const libc = words.includes('musl') ? 'musl' : words.some((word) => /^(?:gnu|glibc)/.test(word)) ? 'glibc' : undefined
  return {
    os: os ? [os] : undefined,
    cpu: cpu ? [cpu] : undefined,
    libc: libc && os === 'linux' ? [libc] : undefined,
  }
}

const missing: string[] = []
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const atRoot = `node_modules/${name}`
    const nested = path === '' ? atRoot : `${path}/node_modules/${name}`
    if (lock.packages[nested] || lock.packages[atRoot]?.version === version) continue
    if (!/^\d/.test(version)) {
      if (lock.packages[atRoot]) continue
      throw new Error(`${path || 'package.json'} needs ${name}@${version}. Pin it to an exact version.`)
    }
    missing.push(`${name}@${version}`)
    const place = lock.packages[atRoot] ? nested : atRoot
    lock.packages[place] = {
      version,
      dev: entry.dev ? true : undefined,
      optional: true,
      ...platformOf(name),
    }
  }
}

// An entry from an earlier version of this script, or from a registry that omits this field.
const withoutLibc = Object.entries(lock.packages).filter(
  ([path, entry]) => entry.optional && entry.os?.includes('linux') && !entry.libc && platformOf(path).libc,
)

// A lock file with the address of a mirror does not work elsewhere.
const hosts = Object.entries(lock.packages).filter(([, entry]) => entry.resolved !== undefined && !entry.link)

if (process.argv.includes('--check')) {
  if (missing.length > 0 || hosts.length > 0 || withoutLibc.length > 0) {
    console.error(
      `package-lock.json: ${missing.length} entries missing (${missing.slice(0, 3).join(', ')}), ${hosts.length} name a host, ${withoutLibc.length} name no C library.`,
    )
    console.error('Run `npm run lockfile` and commit the result.')
    process.exit(1)
  }
} else {
  for (const [, entry] of hosts) delete entry.resolved
  for (const [path, entry] of withoutLibc) Object.assign(entry, platformOf(path))
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
  console.log(missing.length === 0 ? 'package-lock.json is complete' : `added ${missing.length} entries`)
}
