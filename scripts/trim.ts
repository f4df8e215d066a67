/**
 * Deletes files from node_modules that Parley never runs, such as code for other databases, other engines or package
 * developers. npm runs it after each install. Optional: the files are only unused.
 */
import { existsSync, globSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const modules = join(import.meta.dirname, '../node_modules')

/** Patterns within node_modules; `except` keeps the files that are loaded. */
const unused: { files: string; except?: RegExp; why: string }[] = [
  { files: '**/*.map', why: 'source maps of packages' },
  { files: 'node/node_modules/*/include', why: "Node's C headers: no package here is compiled" },
  { files: 'node/node_modules/*/share', why: "Node's manual" },
  {
    files: '@prisma/client/runtime/query_compiler_*',
    except: /fast_bg\.postgresql\.(?:mjs|wasm-base64\.mjs)$/,
    why: 'query compilers for other databases and module systems',
  },
  { files: 'prisma/build/query_compiler_*.wasm', why: 'query compilers of the database browser' },
  { files: 'tesseract.js-core/tesseract-core{,-simd,-relaxedsimd}.{js,wasm,wasm.js}', why: 'the older OCR engine' },
  { files: '**/openai/src', why: 'the sources that a client was compiled from' },
  { files: '{zod,ai,@ai-sdk/*}/src', why: 'the sources that packages were compiled from' },
  { files: 'ai/docs', why: 'a manual' },
  { files: '@openai/agents-*/dist/**/*.js', why: 'the agents again, for older imports' },
  { files: '@modelcontextprotocol/sdk/dist/cjs', why: 'a client again, for older imports' },
  { files: '**/*.d.cts', except: /(?:^|\/)zod\//, why: 'types for older imports' },
  { files: '@modelcontextprotocol/client/dist/**/*.cjs', why: 'a client again, for older imports' },
  { files: '**/@octokit/{openapi-types,types/dist-types,*/dist-types}', why: 'types of a package that only runs' },
  { files: 'jszip/{dist,vendor}', why: 'archives again, for browsers' },
  { files: '{gpt-tokenizer/cjs,hono/dist/cjs}', why: 'packages again, for older imports' },
  { files: 'js-tiktoken/dist/{ranks,index.cjs}', why: 'tables of a tokenizer, for older imports and one by one' },
  { files: 'jschardet/{dist,build/index.cjs}', why: 'the encoding detector again, for browsers and older imports' },
  { files: 'linkedom/{cjs,worker.js}', why: 'a DOM again, for older imports and in one file' },
  { files: 'tesseract.js-core/*-lstm.wasm.js', why: 'OCR engines again, as text' },
]

function sizeOf(path: string): number {
  const stats = statSync(path)
  if (!stats.isDirectory()) return stats.size
  return globSync('**/*', { cwd: path }).reduce((sum, file) => {
    const inner = statSync(join(path, file))
    return inner.isFile() ? sum + inner.size : sum
  }, 0)
}

if (existsSync(modules)) {
  let bytes = 0
  for (const { files, except } of unused) {
    for (const path of globSync(files, { cwd: modules })) {
      if (except?.test(path)) continue
      const place = join(modules, path)
      bytes += sizeOf(place)
      rmSync(place, { recursive: true })
    }
  }
  console.log(`removed ${Math.round(bytes / 1e6)} MB of unused files from node_modules`)
}
