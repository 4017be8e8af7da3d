// The source tree as data, for the tidy test: files, their imports, and the layer each stands in.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export const root = path.join(import.meta.dirname, '..')

export interface SourceFile {
  readonly name: string // from the root, with slashes
  readonly text: string
  readonly imports: readonly Import[]
}
export interface Import {
  readonly from: string // as written
  readonly file?: string // from the root, for our own files
  readonly typeOnly: boolean
  readonly lazy: boolean
}

export function filesUnder(folder: string, ending = '.ts'): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((item) => {
    const name = `${folder}/${item.name}`
    if (item.name === 'node_modules') return []
    return item.isDirectory() ? filesUnder(name, ending) : name.endsWith(ending) ? [name] : []
  })
}

export const readFile = (name: string): string => readFileSync(path.join(root, name), 'utf8')

export function sourceFiles(folder: string): SourceFile[] {
  return filesUnder(folder).map((name) => {
    const text = readFile(name)
    return { name, text, imports: importsOf(name, text) }
  })
}

const statement = /^(?:import|export)\s+(type\s+)?(?:[^'"()]*?\sfrom\s+)?['"]([^'"]+)['"]/gm
const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g

function importsOf(name: string, text: string): Import[] {
  const local = (from: string) => (from.startsWith('.') ? { file: path.posix.join(path.posix.dirname(name), from) } : {})
  return [
    ...[...text.matchAll(statement)].map((m) => ({ from: m[2] as string, typeOnly: m[1] !== undefined, lazy: false, ...local(m[2] as string) })),
    ...[...text.matchAll(dynamic)].map((m) => ({ from: m[1] as string, typeOnly: false, lazy: true, ...local(m[1] as string) })),
  ]
}

/** The folders of a layer in the order of what they need. What stands in the layer's own folder is a small part beside them, or puts them together. */
const floors: Readonly<Record<string, readonly string[]>> = {
  security: ['keys', 'audit', 'access', 'sealing', 'erasure'],
  session: ['input', 'logs', 'work', 'changes', 'usage', 'contexts', 'removal'],
  recall: ['text', 'kernel', 'partition', 'search'],
  context: ['prompt', 'policy', 'counting', 'packing', 'planning', 'receipts'],
}

/** Where a file stands inside its layer, or undefined if it stands in none of the layer's folders. */
export function placeOf(name: string): { readonly layer: string; readonly floor: number } | undefined {
  const [, layer = '', folder = ''] = name.split('/')
  const floor = floors[layer]?.indexOf(folder) ?? -1
  return floor < 0 ? undefined : { layer, floor }
}

/** The layer table of the design (§3): what each part may import of ours, beside itself. */
export const layers: Readonly<Record<string, readonly string[]>> = {
  core: [],
  ports: ['core'],
  stores: ['core', 'ports'],
  models: ['core', 'ports'],
  telemetry: ['core', 'ports'],
  security: ['core', 'ports'],
  recall: ['security', 'core', 'ports'],
  summary: ['security', 'core', 'ports'],
  context: ['recall', 'summary', 'security', 'core', 'ports'],
  formation: ['recall', 'security', 'core', 'ports'],
  session: ['context', 'formation', 'recall', 'summary', 'security', 'core', 'ports'],
  testing: ['core', 'ports'],
  recollect: ['session', 'context', 'formation', 'recall', 'summary', 'security', 'core', 'ports'], // the public surface by type
  'create-recollect': [
    'recollect',
    'session',
    'context',
    'formation',
    'recall',
    'summary',
    'security',
    'stores',
    'models',
    'telemetry',
    'core',
    'ports',
  ],
  config: ['create-recollect', 'recollect', 'stores', 'models', 'telemetry', 'security', 'core', 'ports'],
  index: ['create-recollect', 'recollect', 'session', 'context', 'formation', 'recall', 'summary', 'security', 'core', 'ports'],
  gateway: ['recollect', 'core', 'ports'],
  eval: ['recollect', 'recall', 'core', 'ports'], // recall: types of a search, and the version of its weights
  cli: ['eval', 'gateway', 'config', 'create-recollect', 'recollect', 'telemetry', 'security', 'stores', 'models', 'core', 'ports'],
  bin: ['cli'],
}

/** `src/session/open.ts` → `session`; `src/index.ts` → `index`. */
export const partOf = (name: string): string => (name.split('/')[1] as string).replace(/\.ts$/, '')

/** Parts that may import nothing of third parties (design §3). */
export const ownCodeOnly = [
  'core',
  'ports',
  'security',
  'recall',
  'summary',
  'context',
  'formation',
  'session',
  'recollect',
  'stores',
  'models',
  'index',
  'testing',
]
