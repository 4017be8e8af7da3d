// The command line on a real terminal, as `script` makes one: colour, questions, and the keys that end them (surfaces.md §6).
import { execFileSync, spawn } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aPlace, bin, built, type Place } from './cli-runs.ts'

const ctrlC = '\u0003'
const ctrlD = '\u0004'
const missing = hasScript() ? '' : ' (not covered: script)'

describe.skipIf(!built || missing !== '')(`on a terminal${missing}`, { timeout: 120_000 }, () => {
  let place: Place
  beforeAll(async () => {
    place = await aPlace()
    await place.run(['remember', 'I keep bees.'])
  })
  afterAll(() => place.remove())

  /** Types each text once the terminal shows what stands before it. */
  const onTerminal = (line: string, term: string, typed: readonly (readonly [string, string])[] = []) =>
    new Promise<{ readonly code: number | null; readonly shown: string }>((resolve) => {
      const env = { ...place.env, TERM: term, NODE: process.execPath, BIN: bin }
      const child = spawn('script', ['-qec', `"$NODE" "$BIN" ${line}`, '/dev/null'], { cwd: place.folder, env })
      const left = [...typed]
      let shown = ''
      child.stdout.on('data', (chunk: Buffer) => {
        shown += chunk.toString()
        const [next] = left
        if (next === undefined || !shown.includes(next[0])) return
        left.shift()
        child.stdin.write(next[1])
      })
      child.on('close', (code) => resolve({ code, shown }))
    })

  test('nothing is told by colour, and a terminal that cannot move its cursor gets no code at all [CLI-5]', async () => {
    for (const line of ['doctor', 'search bees', '--help', 'nonsense']) expect((await onTerminal(line, 'xterm')).shown).not.toContain('\u001b')
    const talk = await onTerminal('chat', 'dumb', [
      ['> ', '/memories\r'],
      ['I keep bees.', ctrlD],
    ])
    expect(talk).toMatchObject({ code: 0, shown: expect.stringMatching(/> \r\n$/) as string })
    expect(talk.shown).not.toContain('\u001b')
  })

  test('Ctrl-C at a question or a prompt ends with 130, on a line of its own, and nothing is done [CLI-7, CLI-8]', async () => {
    for (const term of ['xterm', 'dumb'])
      for (const [line, asks] of [
        ['erase', 'go on: '],
        ['chat', '> '],
      ] as const)
        expect(await onTerminal(line, term, [[asks, ctrlC]])).toMatchObject({ code: 130, shown: expect.stringMatching(/\r\n$/) as string })
    expect((await place.run(['memories'])).out).toContain('I keep bees.')
  })

  test('a name that is typed wrong stops what destroys, and the right one lets it go on [CLI-8]', async () => {
    const wrong = await onTerminal('erase', 'xterm', [['go on: ', 'you\r']])
    expect(wrong).toMatchObject({ code: 2, shown: expect.stringContaining('the name that was typed is another') as string })
    expect((await place.run(['memories'])).out).toContain('I keep bees.')
    expect(await onTerminal('erase', 'xterm', [['go on: ', 'me\r']])).toMatchObject({
      code: 0,
      shown: expect.stringContaining('clean; receipt') as string,
    })
    expect((await place.run(['memories'])).out).toBe('no memories\n')
  })
})

/** Of util-linux: others have other flags. */
function hasScript(): boolean {
  try {
    return execFileSync('script', ['--version'], { encoding: 'utf8' }).includes('util-linux')
  } catch {
    return false
  }
}
