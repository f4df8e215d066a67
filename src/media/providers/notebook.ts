/** Reads Jupyter notebooks: text and code of each cell with what it gave out; its pictures are read as pictures. */
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import type { Provider } from '../provider.ts'
import { decodeText } from '../text-encoding.ts'
import { htmlBlocks } from './html.ts'
import { createInner, type InnerFile } from './inner.ts'
import { createLineText } from './pieces.ts'
import { provider as plain } from './text.ts'

const Lines = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))]).catch('')
const Bundle = z.record(z.string(), z.unknown()).catch({})
const Output = z
  .object({
    output_type: z.string().catch(''),
    text: Lines,
    data: Bundle,
    ename: z.string().catch(''),
    evalue: z.string().catch(''),
  })
  .passthrough()
const Cell = z
  .object({
    cell_type: z.string().catch(''),
    source: Lines,
    input: Lines,
    execution_count: z.number().nullish().catch(undefined),
    outputs: z.array(Output).catch([]),
    attachments: z.record(z.string(), Bundle).catch({}),
  })
  .passthrough()
/** Cells stood in worksheets until version 3. */
const Notebook = z.union([
  z.object({ cells: z.array(Cell) }),
  z.object({ worksheets: z.array(z.object({ cells: z.array(Cell) })) }).transform(({ worksheets }) => ({
    cells: worksheets.flatMap(({ cells }) => cells),
  })),
])

export const provider: Provider = {
  async read(input, limits, sink) {
    const { name } = input
    const { text: source, problem } = decodeText(input.bytes, name)
    const notebook = parse(source)
    if (notebook === undefined) return plain.read(input, limits, sink)
    if (problem !== undefined) sink.problem(problem)
    const text = createLineText(sink)
    const pictures: InnerFile[] = []
    let full = false
    for (const [at, cell] of notebook.cells.entries()) {
      for (const { block, heading } of blocksOf(cell)) if (!full && !(await text.add(block, { heading }))) full = true
      pictures.push(...picturesOf(cell, at + 1))
      if (full) break
    }
    const ending = await text.finish(name, limits)
    if (ending?.truncated !== undefined) return ending
    if (ending === undefined && pictures.length === 0) return plain.read(input, limits, sink)
    const inner = createInner(input, limits, sink)
    for (const picture of pictures) if (!(await inner.read(picture))) break
    return ending ?? {}
  },
}

function parse(source: string): z.infer<typeof Notebook> | undefined {
  try {
    return Notebook.parse(JSON.parse(source))
  } catch {
    return undefined
  }
}

function* blocksOf(cell: z.infer<typeof Cell>): Generator<{ block: string; heading: boolean }> {
  const source = cell.source || cell.input
  if (cell.cell_type === 'markdown' || cell.cell_type === 'heading' || cell.cell_type === 'raw') {
    // A picture that is embedded in the text is base64.
    const lean = source.replace(/(data:[\w/+.-]+;base64,)[A-Za-z0-9+/=]{100,}/g, '$1…')
    yield { block: lean, heading: lean.startsWith('#') }
    return
  }
  const number = cell.execution_count ?? ' '
  if (source.trim() !== '') yield { block: `In [${number}]:\n${source}`, heading: true }
  for (const output of cell.outputs) {
    const shown = shownText(output).trimEnd()
    if (shown !== '') yield { block: `Out [${number}]:\n${shown}`, heading: false }
  }
}

function shownText({ output_type: type, text, data, ename, evalue, ...old }: z.infer<typeof Output>): string {
  if (type === 'error' || type === 'pyerr') return `${ename}: ${stripVTControlCharacters(evalue)}`
  const words = (mediaType: string, older: string) => Lines.parse(data[mediaType] ?? old[older])
  const html = words('text/html', 'html')
  // Tables of data have their cells only there.
  if (/<table[\s>]/i.test(html)) return htmlBlocks(html).join('\n')
  const shown = words('text/markdown', 'markdown') || words('text/plain', 'plain') || stripVTControlCharacters(text)
  return shown || htmlBlocks(html).join('\n') || words('text/latex', 'latex')
}

const endings: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/svg+xml': 'svg',
}

function picturesOf(cell: z.infer<typeof Cell>, number: number): InnerFile[] {
  const bundles = [
    ...cell.outputs.map((output) => ({ ...output.data, 'image/png': output.data['image/png'] ?? output.png })),
    ...Object.values(cell.attachments),
  ]
  const pictures = bundles.flatMap((bundle) =>
    Object.entries(endings).flatMap(([mediaType, ending]) => {
      const content = Lines.parse((bundle as Record<string, unknown>)[mediaType])
      return content === ''
        ? []
        : [{ ending, mediaType, bytes: Buffer.from(content, ending === 'svg' ? 'utf8' : 'base64') }]
    }),
  )
  return pictures.map(({ ending, ...picture }, at) => ({
    ...picture,
    name: `cell ${number}, picture ${at + 1}.${ending}`,
  }))
}
