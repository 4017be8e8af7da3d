// The package as it would be published: packed, laid in an empty folder beside its dependencies, and run there by the oldest Node and this one.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { existsSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { olderNode, root, tooOldNode } from '../older-node.ts'

const runFile = promisify(execFile)
const oldest = olderNode('22.13')
const nodes: readonly (readonly [string, string])[] = [
  ['Node 22.13', oldest],
  ['this Node', process.execPath],
]
let place: string
let unpacked: string

beforeAll(async () => {
  place = await mkdtemp(path.join(os.tmpdir(), 'recollect-package-'))
  unpacked = path.join(place, 'node_modules/recollect')
  await mkdir(unpacked, { recursive: true })
  await runFile('npm', ['pack', '--ignore-scripts', '--offline', '--pack-destination', place], { cwd: root })
  const [tarball] = (await readdir(place)).filter((name) => name.endsWith('.tgz'))
  await runFile('tar', ['-xzf', path.join(place, tarball as string), '-C', unpacked, '--strip-components=1'])
  for (const folder of dependencies()) {
    const at = path.join(place, 'node_modules', folder.replace(/^.*node_modules\//, ''))
    await mkdir(path.dirname(at), { recursive: true })
    await symlink(path.join(root, folder), at)
  }
  await writeFile(path.join(place, 'package.json'), '{}')
  await cp(path.join(root, 'examples'), path.join(place, 'examples'), { recursive: true })
})
afterAll(() => rm(place, { recursive: true, force: true }))

const run = (node: string, args: readonly string[]) =>
  runFile(node, ['--no-warnings', ...args], { cwd: place, env: { PATH: process.env['PATH'] ?? '', HOME: place } })

describe.each(nodes)('the packed package on %s', (_name, node) => {
  const missing = existsSync(node) ? '' : ' (not covered: node-22.13)'

  test.skipIf(missing !== '')(`it is imported, and required${missing} [REL-5]`, async () => {
    const names = ['recollect', 'recollect/security', 'recollect/gateway', 'recollect/testing', 'recollect/stores/memory', 'recollect/stores/sqlite']
    const imported = `const all = await Promise.all(${JSON.stringify(names)}.map((name) => import(name))); console.log(all.every((one) => Object.keys(one).length > 0))`
    const required = `console.log(${JSON.stringify(names)}.every((name) => Object.keys(require(name)).length > 0))`
    expect((await run(node, ['--input-type=module', '-e', imported])).stdout).toBe('true\n')
    expect((await run(node, ['--input-type=commonjs', '-e', required])).stdout).toBe('true\n')
  })

  test.skipIf(missing !== '')(`its command starts, and the quick start ends well${missing} [RUN-1, REL-5]`, async () => {
    const help = await run(node, [path.join(unpacked, 'dist/bin.js'), '--help'])
    expect(help.stdout).toContain('serve')
    const { stdout } = await run(node, ['--experimental-strip-types', path.join(place, 'examples/quick-start/main.ts')])
    expect(stdout).not.toContain('FAIL')
    expect(stdout).toContain('ok   everything is gone, and probed')
  })
})

const oldNode = await tooOldNode()

test.skipIf(oldNode === undefined)(
  `on a Node that is too old it says what is wanted, and makes nothing${oldNode === undefined ? ' (not covered: old-node)' : ''} [RUN-1]`,
  async () => {
    const text = `
      const { createRecollect, isRecollectError } = await import('recollect')
      const { sqliteStore } = await import('recollect/stores/sqlite')
      for (const open of [createRecollect, () => sqliteStore({ path: 'old/file.db', clock: Date })])
        await open().catch((error) => console.log(isRecollectError(error, 'invalid_input'), error.message, error.nextStep))`
    const { stdout } = await run(oldNode as string, ['--input-type=module', '-e', text])
    const said = /^true Recollect needs Node 22\.13 or newer; this is Node \d+\.\d+\.\d+ Run it on a newer Node\.$/
    expect(stdout.trimEnd().split('\n')).toEqual([expect.stringMatching(said), expect.stringMatching(said)])
    expect((await readdir(place)).filter((name) => /^old|^\.recollect/.test(name))).toEqual([])
  },
)

describe('what is published', () => {
  test('an application can name the type of all that it brings and gets, and no other name looks like a value [REL-3]', async () => {
    const named = [
      'Action, Actor, AppendedMessages, Authority, Clock, Context, ContextOptions, Course, DeletionReceipt, Embedder, ErasureReceipt, Explanation, Fence',
      'GivenStore, Grant, Head, Health, Hit, KeyProvider, Lease, LogFields, LogRef, LogStore, Memories, MemoryRecord, MessageInput, MessagePage',
      'PageRequest, Plan, PlanInput, Policy, Random, Receipt, ReceiptDiff, ReceiptPart, Recollect, RecollectOptions, RememberOptions, Role, SearchResult',
      'Session, SessionInfo, SessionOptions, Strategy, Target, Telemetry, Tokenizer, Turn, TurnOptions, TurnView, UsageFigures, User, WrappedKey',
    ].join(', ')
    const text = [
      `import type { ${named} } from 'recollect'`,
      `import * as all from 'recollect'`,
      `import { manualClock, storeContract, type StoreContract, type StrategyContract } from 'recollect/testing'`,
      `import { memoryStore } from 'recollect/stores/memory'`,
      `import { sqliteStore, type SqliteStore } from 'recollect/stores/sqlite'`,
      `import { memoryKeyProvider } from 'recollect/security'`,
      `import { createGateway, type GatewayOptions } from 'recollect/gateway'`,
      `const clock: Clock = manualClock(0)`,
      `const store: LogStore = memoryStore({ clock })`,
      `const options: RecollectOptions = { stores: { sessions: store }, clock, keyProvider: memoryKeyProvider() }`,
      `const opened: Promise<Recollect> = all.createRecollect(options)`,
      `export type Of = [${named}, StoreContract, StrategyContract, SqliteStore, GatewayOptions]`,
      `export const values: 'createRecollect' | 'errorCodes' | 'hybrid' | 'isRecollectError' | 'RecollectError' | 'slidingWindow' | 'summary' = '' as keyof typeof all`,
      `export { createGateway, opened, sqliteStore, storeContract }`,
    ]
    await writeFile(path.join(place, 'application.mts'), text.join('\n'))
    const settings = {
      extends: path.join(root, 'tsconfig.json'),
      compilerOptions: { skipLibCheck: false, typeRoots: [path.join(root, 'node_modules/@types')] },
      include: ['application.mts'],
    }
    await writeFile(path.join(place, 'tsconfig.json'), JSON.stringify(settings))
    const compiled = runFile(process.execPath, [path.join(root, 'node_modules/typescript/bin/tsc'), '-p', place, '--pretty', 'false'])
    expect((await compiled.catch((failed: { stdout: string }) => failed)).stdout).toBe('')
  })

  test('a deep path is out of reach, and the root loads nothing of others [REL-1, REL-2]', async () => {
    await expect(run(process.execPath, ['-e', `require('recollect/dist/core/ids.js')`])).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED')
    expect((await run(process.execPath, ['-p', `require('recollect/schema.json').title`])).stdout).toBe('Recollect settings\n')
    for (const folder of dependencies()) await rm(path.join(place, 'node_modules', folder.replace(/^.*node_modules\//, '')))
    const text = `await Promise.all(['recollect', 'recollect/security', 'recollect/testing', 'recollect/stores/memory'].map((name) => import(name)))`
    await run(process.execPath, ['--input-type=module', '-e', text])
  })

  test('no tests, no data, no source maps, at most 3 MB [REL-5]', async () => {
    const names = await readdir(unpacked, { recursive: true })
    expect(names.filter((name) => /\.test\.|\.map$|^(test|eval|bench)\/|stamp/.test(name))).toEqual([])
    expect(await bytesIn(unpacked)).toBeLessThanOrEqual(3e6)
  })

  test('it brings at most 25 packages and 60 MB [DEP-1]', async () => {
    const folders = dependencies()
    const bytes = await Promise.all(folders.map((folder) => bytesIn(path.join(root, folder))))
    expect(folders.length).toBeGreaterThan(5)
    expect(folders.length).toBeLessThanOrEqual(25)
    expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(60e6)
  })
})

/** The folders of all that the package depends on, by the lock file. */
function dependencies(): readonly string[] {
  type Locked = { dependencies?: Record<string, string>; link?: boolean; resolved?: string }
  const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages as Record<string, Locked>
  const seen = new Set<string>()
  const visit = (folder: string): void => {
    for (const name of Object.keys(lock[folder]?.dependencies ?? {})) {
      const at = [`${folder}/node_modules/${name}`, `node_modules/${name}`].find((one) => lock[one] !== undefined) as string
      if (seen.has(at)) continue
      seen.add(at)
      visit(lock[at]?.link === true ? (lock[at]?.resolved as string) : at)
    }
  }
  visit('')
  return [...seen]
}

async function bytesIn(folder: string): Promise<number> {
  const items = await readdir(folder, { recursive: true, withFileTypes: true })
  const sizes = await Promise.all(items.filter((item) => item.isFile()).map((item) => stat(path.join(item.parentPath, item.name))))
  return sizes.reduce((sum, { size }) => sum + size, 0)
}
