// The house, held by a test: layers, cycles, sizes, names, requirement ids, documents in step.
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { errorCodes } from '../src/core/errors.ts'
import { limits } from '../src/core/limits.ts'
import { longFunctions } from './function-sizes.ts'
import { requirements } from './requirements.ts'
import { filesUnder, layers, ownCodeOnly, partOf, placeOf, readFile, root, sourceFiles, type SourceFile } from './source-tree.ts'

const all = sourceFiles('src')
const source = all.filter((file) => !file.name.endsWith('.test.ts'))
const testFiles = [...all.filter((file) => file.name.endsWith('.test.ts')), ...sourceFiles('test')]
const prose = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md']

test('what a public type says of a field stands before it, where the published declarations keep it [REL-3]', () => {
  const roots = source.filter(({ name }) => name === 'src/index.ts' || name === 'src/recollect.ts')
  const named = new Set(roots.flatMap(({ name, imports }) => [name, ...imports.map(({ file }) => file)]))
  const lost = source
    .filter(({ name }) => named.has(name))
    .flatMap(({ name, text }) =>
      (text.match(/^export interface .*\{\n[^]*?^\}/gm) ?? [])
        .flatMap((one) => one.match(/^ .*\S +\/\/ .*$/gm) ?? [])
        .map((line) => `${name}: ${line}`),
    )
  expect(named.size).toBeGreaterThan(20)
  expect(lost).toEqual([])
})

describe('layers', () => {
  test('every import goes down the layer table of the design [DESIGN-3]', () => {
    const wrong = source.flatMap((file) =>
      file.imports.flatMap((one) => {
        if (one.file === undefined) return []
        const [from, to] = [partOf(file.name), partOf(one.file)]
        return from === to || layers[from]?.includes(to) === true ? [] : [`${file.name} → ${one.file}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  test('inside the engine no folder imports one that stands after it [DESIGN-3]', () => {
    const wrong = source.flatMap((file) =>
      file.imports.flatMap((one) => {
        const [from, to] = [placeOf(file.name), placeOf(one.file ?? '')]
        return from !== undefined && to !== undefined && from.layer === to.layer && from.floor < to.floor ? [`${file.name} → ${one.file}`] : []
      }),
    )
    expect(wrong).toEqual([])
  })

  test('core, ports, engine and stores import no third party [DESIGN-3]', () => {
    const wrong = source
      .filter((file) => ownCodeOnly.includes(partOf(file.name)))
      .flatMap((file) =>
        file.imports.filter((one) => one.file === undefined && !one.from.startsWith('node:')).map((one) => `${file.name} → ${one.from}`),
      )
    expect(wrong).toEqual([])
  })

  test('no file imports itself by a way round [DESIGN-3]', () => {
    expect(cycles(source)).toEqual([])
  })

  test('the root entry loads no third party and no database [REL-2]', () => {
    const loaded = closure(source, ['src/index.ts', 'src/security/index.ts', 'src/testing/index.ts', 'src/stores/memory/index.ts'])
    expect(loaded.filter((from) => !from.startsWith('node:') && !from.startsWith('src/'))).toEqual([])
    expect(loaded.filter((from) => from.startsWith('src/stores/sqlite/'))).toEqual([])
  })

  test('scopes are minted in one place, and the mint has one importer [ISO-2]', () => {
    const importers = (name: string) =>
      source.filter((file) => file.imports.some((one) => !one.typeOnly && one.file === name && namesMint(file.text))).map((file) => file.name)
    const namesMint = (text: string) => /\bmintScope\b/.test(text) || /mint\.ts/.test(text)
    expect(
      source
        .filter((file) => /\bmintScope\b/.test(file.text))
        .map((file) => file.name)
        .toSorted(),
    ).toEqual(['src/core/scope.ts', 'src/security/mint.ts'])
    expect(importers('src/security/mint.ts')).toEqual(['src/create-recollect.ts'])
    // In the gateway one file turns a credential into a scope.
    const calls = (file: (typeof source)[number]) => file.name.startsWith('src/gateway/') && /\.(tenant|user)\([^)]/.test(file.text)
    expect(source.filter(calls).map((file) => file.name)).toEqual(['src/gateway/authenticate.ts'])
  })

  test('only the configuration reads the environment [CFG-2]', () => {
    const readers = source.filter((file) => /\bprocess\.env\b/.test(file.text)).map((file) => file.name)
    expect(readers).toEqual(['src/config/environment.ts'])
  })
})

describe('sizes', () => {
  test('a file is a short read: at most 400 lines [DESIGN-8.6]', () => {
    const long = [...source, ...testFiles]
      .map((file) => ({ name: file.name, lines: file.text.split('\n').length - 1 }))
      .filter(({ lines }) => lines > 400)
    expect(long).toEqual([])
  })

  test('a function fits a screen: at most 70 lines of its own [DESIGN-8.6]', () => {
    expect(source.flatMap((file) => longFunctions(file.name, file.text, 70))).toEqual([])
  })

  test('each file opens by saying what it is for [DESIGN-8.10]', () => {
    expect(source.filter((file) => !/^(#!.*\n)?(\/\/|\/\*)/.test(file.text)).map((file) => file.name)).toEqual([])
  })
})

describe('names', () => {
  test('every error code and every limit is used, and none is left over [DESIGN-8.9]', () => {
    const text = source
      .filter((file) => file.name !== 'src/core/limits.ts' && file.name !== 'src/core/errors.ts')
      .map((file) => file.text)
      .join('\n')
    expect(Object.keys(limits).filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([])
    expect(Object.keys(errorCodes).filter((code) => code !== 'internal' && !text.includes(`'${code}'`))).toEqual([])
  })

  test('no file is a bag of everything, and nothing is left for later [DESIGN-8.1]', () => {
    const bags = source.filter((file) => /\/(utils?|helpers?|misc|common|manager)\.ts$/.test(file.name)).map((file) => file.name)
    const later = [...source, ...testFiles]
      .filter((file) => file.name !== 'test/tidy.test.ts' && /\b(TODO|FIXME|XXX)\b/.test(file.text))
      .map((file) => file.name)
    expect([bags, later]).toEqual([[], []])
  })
})

describe('requirements', () => {
  const cited = new Map<string, string[]>()
  for (const file of testFiles) for (const id of idsIn(file.text)) cited.set(id, [...(cited.get(id) ?? []), file.name])

  test('every id that a test cites is in the table [DESIGN-8.11]', () => {
    expect([...cited].filter(([id]) => !Object.hasOwn(requirements, id)).map(([id, files]) => `${id}: ${files[0]}`)).toEqual([])
  })

  test('every promise in the table is cited by a test [DESIGN-8.11]', () => {
    expect(Object.keys(requirements).filter((id) => !cited.has(id))).toEqual([])
  })
})

describe('documents', () => {
  test('the README has exactly two commands to set up and run [RUN-2]', () => {
    const commands = [...readFile('README.md').matchAll(/^(?:\$ )?(npm (?:start|test|install|ci|run)\b.*)$/gm)].map((m) =>
      (m[1] as string).split('#')[0]?.trim(),
    )
    expect([...new Set(commands)]).toEqual(['npm start', 'npm test'])
  })

  test('links between documents lead somewhere [REL-10]', () => {
    const files = [...prose, ...filesUnder('docs', '.md')].filter((name) => existsSync(path.join(root, name)))
    const broken = files.flatMap((name) =>
      [...readFile(name).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
        .map((m) => path.join(root, path.dirname(name), decodeURIComponent(m[1] as string)))
        .filter((target) => !existsSync(target))
        .map((target) => `${name} → ${path.relative(root, target)}`),
    )
    expect(broken).toEqual([])
  })
})

/** The ids in square brackets at the titles of tests: `[LOG-12, SEAL-6]`. */
function idsIn(text: string): string[] {
  return [...text.matchAll(/\[([A-Z][A-Z0-9.-]*\d(?:\s*,\s*[A-Z][A-Z0-9.-]*\d)*)\]/g)].flatMap((m) =>
    (m[1] as string).split(',').map((id) => id.trim()),
  )
}

function cycles(files: readonly SourceFile[]): string[] {
  const to = new Map(
    files.map((file) => [
      file.name,
      file.imports.filter((one) => !one.lazy && !one.typeOnly).flatMap((one) => (one.file === undefined ? [] : [one.file])),
    ]),
  )
  const state = new Map<string, 'open' | 'done'>()
  const found: string[] = []
  const visit = (name: string, way: readonly string[]): void => {
    if (state.get(name) === 'done') return
    if (state.get(name) === 'open') {
      found.push([...way.slice(way.indexOf(name)), name].join(' → '))
      return
    }
    state.set(name, 'open')
    for (const next of to.get(name) ?? []) visit(next, [...way, name])
    state.set(name, 'done')
  }
  for (const file of files) visit(file.name, [])
  return found
}

/** What is loaded from outside when these files are imported. */
function closure(files: readonly SourceFile[], entries: readonly string[]): string[] {
  const byName = new Map(files.map((file) => [file.name, file]))
  const seen = new Set<string>()
  const outside = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const one of byName.get(name)?.imports ?? []) {
      if (one.typeOnly || one.lazy) continue
      if (one.file === undefined) outside.add(one.from)
      else visit(one.file)
    }
  }
  for (const entry of entries) visit(entry)
  return [...outside, ...seen]
}
