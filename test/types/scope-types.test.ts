// Takes the marks out of `scope.types.ts` and counts the errors that the compiler then gives: one on each line that was marked (ISO-3).
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

const compile = (project: string) =>
  new Promise<string>((done) => {
    execFile(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project, '--pretty', 'false'], (_, stdout) => done(stdout))
  })

test('each line that leaves out, swaps or fakes a scope is a compile error, and no other line is [ISO-3]', async () => {
  const marked = readFileSync(join(import.meta.dirname, 'scope.types.ts'), 'utf8').split('\n')
  const expected = marked.flatMap((line, i) => (line.includes('@ts-expect-error') ? [i + 2] : []))
  const folder = mkdtempSync(join(tmpdir(), 'recollect-types-'))
  try {
    const bare = marked.map((line) => line.replace('@ts-expect-error', '').replace("'../../src/", `'${root}/src/`)).join('\n')
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
    writeFileSync(join(folder, 'bare.ts'), bare)
    const settings = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { rewriteRelativeImportExtensions: false, typeRoots: [join(root, 'node_modules/@types')] },
      include: [join(folder, 'bare.ts')],
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
    const lines = [...(await compile(join(folder, 'tsconfig.json'))).matchAll(/bare\.ts\((\d+),\d+\): error/g)].map((match) => Number(match[1]))
    expect(lines).toEqual(expected)
    expect(lines).toHaveLength(18)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
