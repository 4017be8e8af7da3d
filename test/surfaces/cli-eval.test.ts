// `recollect eval retrieval` as a command: its result, its file, its refusals, and what is left when it is cut off (surfaces.md §6, memory.md §9).
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { outputs } from '../../src/cli/outputs.ts'
import { aPlace, built, type Place } from './cli-runs.ts'

const towns = ['Lisbon', 'Ghent', 'Turin', 'Oslo', 'Riga']
const said = towns.map((town, i) => ({ session: 's1', id: `m${i}`, at: Date.UTC(2026, 0, 1 + i), text: `In ${town} I bought a painted plate.` }))
const asked = towns.map((town, i) => ({ question: `What did I buy in ${town}?`, evidence: [`m${i}`] }))
const jsonLines = (lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('')

describe.skipIf(!built)('eval retrieval', { timeout: 120_000 }, () => {
  let place: Place
  let data: string
  let tmp: Record<'TMPDIR', string>
  beforeAll(async () => {
    place = await aPlace()
    data = path.join(place.folder, 'own.jsonl')
    tmp = { TMPDIR: path.join(place.folder, 'tmp') }
    await mkdir(tmp.TMPDIR)
    await writeFile(data, jsonLines([...said, ...asked]))
  })
  afterAll(() => place.remove())
  const evaluate = (...args: string[]) => place.run(['eval', 'retrieval', '--data', data, ...args], { env: tmp })

  test('it prints a table, and under --json one document by its schema; --out holds the same; its store is gone [CLI-3]', async () => {
    const out = path.join(place.folder, 'result.json')
    await writeFile(out, 'an older and much longer result'.repeat(1_000))
    const [text, json] = [await evaluate('--arms', 'lexical', '--quiet'), await evaluate('--arms', 'lexical', '--quiet', '--json', '--out', out)]
    expect(text).toMatchObject({ code: 0, out: expect.stringMatching(/^own: 5 messages, 5 questions[^]*r@10[^]*\nall /) as string, err: '' })
    expect(json).toMatchObject({ code: 0, err: '' })
    const result = JSON.parse(json.out) as { all: { n: number; r10: number } }
    expect(outputs['eval retrieval']?.safeParse(result).error).toBeUndefined()
    expect(result.all).toMatchObject({ n: 5, r10: 100 })
    expect(JSON.parse(await readFile(out, 'utf8'))).toEqual(result)
    expect(await readdir(tmp.TMPDIR)).toEqual([])
    expect(await readdir(place.folder)).not.toContain('data')
  })

  test.each([
    ['an arm that is none', ['--arms', 'lexical,guess'], /--arms/],
    ['an empty list', ['--categories', ','], /--categories names nothing/],
    ['a category that no question has', ['--categories', 'none'], /./],
    ['a number that is none', ['--seed', 'x'], /--seed/],
    ['a file that cannot be written', ['--out', '/nowhere/result.json'], /--out cannot be written/],
  ])('%s is 2, with a next step, and leaves nothing behind [CLI-6, CLI-7]', async (_, args, shape) => {
    const run = await evaluate(...args)
    expect(run).toMatchObject({ code: 2, out: '', err: expect.stringMatching(shape) as string })
    expect(run.err.trimEnd().split('\n').length).toBe(2)
    expect(await readdir(tmp.TMPDIR)).toEqual([])
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it by its code, and takes the store of the run along [CLI-7]', async (signal, code) => {
    const many = Array.from({ length: 4_000 }, (_, i) => ({ ...said[0], id: `n${i}`, text: `Plate ${i} was painted in ${towns[i % 5]}.` }))
    await writeFile(`${data}l`, jsonLines([...many, { question: 'Which plate?', evidence: ['n1'] }]))
    const { child, ended } = place.start(['eval', 'retrieval', '--format', 'jsonl', '--data', `${data}l`], tmp)
    const run = { over: false }
    void ended.then(() => (run.over = true))
    while (!run.over && (await stored()).length === 0) await new Promise((resolve) => setImmediate(resolve))
    child.kill(signal)
    expect((await ended).code).toBe(code)
    expect(await readdir(tmp.TMPDIR)).toEqual([])
  })

  /** What a run has stored so far. */
  const stored = async (): Promise<string[]> =>
    (await Promise.all((await readdir(tmp.TMPDIR)).map((name) => readdir(path.join(tmp.TMPDIR, name)).catch(() => [])))).flat()
})
