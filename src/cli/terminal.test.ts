// Who may destroy, and what moves the cursor: the decisions of the terminal, without one.
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { isRecollectError } from '../core/errors.ts'
import { confirm, createTerminal, visible, type Terminal } from './terminal.ts'

describe('confirmation', () => {
  const terminal = (typed: string | undefined): Terminal & { readonly asked: string[] } => {
    const asked: string[] = []
    return {
      asked,
      json: false,
      quiet: false,
      interactive: typed !== undefined,
      result: () => {},
      note: () => {},
      progress: () => {},
      ask: async (question) => {
        asked.push(question)
        return typed ?? ''
      },
    }
  }
  const outcome = (typed: string | undefined, yes: boolean, name = 'alice') => {
    const at = terminal(typed)
    return confirm(at, yes, name, 'This erases').then(
      () => ['done', at.asked.length],
      (error: unknown) => [isRecollectError(error) ? error.code : 'bug', at.asked.length],
    )
  }

  test.each([
    ['the name, typed', 'alice', false, ['done', 1]],
    ['another name', 'alicia', false, ['invalid_input', 1]],
    ['the name with a space', ' alice', false, ['invalid_input', 1]],
    ['yes, typed', 'yes', false, ['invalid_input', 1]],
    ['nothing typed', '', false, ['invalid_input', 1]],
    ['--yes on a terminal', 'never asked', true, ['done', 0]],
    ['--yes without one', undefined, true, ['done', 0]],
    ['neither', undefined, false, ['invalid_input', 0]],
  ])('%s [CLI-8]', async (_, typed, yes, wanted) => {
    expect(await outcome(typed, yes)).toEqual(wanted)
  })

  test('a name with control characters is asked for by its marks [CLI-8]', async () => {
    const at = terminal('a\u001b[2J')
    await confirm(at, false, 'a\u001b[2J', 'This erases')
    expect(at.asked).toEqual(['This erases. Type a\\u{1b}[2J to go on: '])
  })
})

test('control, direction and invisible characters become marks; lines, tabs and letters stay [CLI-3]', () => {
  expect(visible('a\tb\nc \u2028\u2029 \u001b[31m \u202e \u200b \u0085 é 日')).toBe(
    'a\tb\nc \\u{2028}\\u{2029} \\u{1b}[31m \\u{202e} \\u{200b} \\u{85} é 日',
  )
})

test('a note shows marks as well: what it names may come from a gateway [CLI-3]', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => write.mockRestore())
  createTerminal({ json: false, quiet: false, dumb: false, now: () => 0 }).note('key \u001b[2J')
  expect(write.mock.calls).toEqual([['key \\u{1b}[2J\n']])
})

describe('progress', () => {
  const seen = (isTTY: boolean, quiet = false, dumb = false) => {
    let now = 5_000
    const lines: string[] = []
    const { progress } = createTerminal({ json: false, quiet, dumb, now: () => now, progressTo: { isTTY, write: (text) => lines.push(text) } })
    const at = (ms: number, done: number, what = 'messages', total = 100) => {
      now = 5_000 + ms
      progress(done, total, what)
      return lines.splice(0)
    }
    return at
  }

  test('nothing is said in the first second; then a line every 10 s and at the end, with rate and time left [CLI-4]', () => {
    const at = seen(false)
    expect([at(0, 0), at(999, 10), at(5_000, 25), at(9_999, 45)].flat()).toEqual([])
    expect(at(10_000, 50)).toEqual(['messages: 50 of 100, 5.0 a second, 10 s left\n'])
    expect(at(19_000, 90)).toEqual([])
    expect(at(19_500, 100)).toEqual(['messages: 100 of 100, 5.1 a second, 0 s left\n'])
  })

  test('work that ends within the first second says nothing at all [CLI-4]', () => {
    for (const isTTY of [true, false]) {
      const at = seen(isTTY)
      expect([at(0, 0), at(300, 50), at(999, 100)].flat()).toEqual([])
    }
  })

  test('each stage has a rate of its own [CLI-4]', () => {
    const at = seen(false)
    at(0, 0)
    at(20_000, 100)
    expect(at(20_000, 0, 'searches', 10)).toEqual([])
    expect(at(22_000, 10, 'searches', 10)).toEqual(['searches: 10 of 10, 5.0 a second, 0 s left\n'])
  })

  test('on a terminal it is one bar that is drawn again, and ends its line when all is done [CLI-4]', () => {
    const at = seen(true)
    at(0, 0)
    expect(at(1_000, 50)).toEqual(['\r\u001b[K[##########..........] messages: 50 of 100, 50.0 a second, 1 s left'])
    expect(at(1_100, 60)).toEqual([])
    expect(at(1_200, 100)[0]).toMatch(/#{20}.*\n$/)
  })

  test('a terminal that cannot move its cursor gets lines without a code [CLI-4, CLI-5]', () => {
    const at = seen(true, false, true)
    at(0, 0)
    expect(at(1_000, 10)).toEqual([])
    expect(at(10_000, 50)).toEqual(['messages: 50 of 100, 5.0 a second, 10 s left\n'])
  })

  test('--quiet says nothing, however long it takes [CLI-4]', () => {
    for (const isTTY of [true, false]) {
      const at = seen(isTTY, true)
      at(0, 0)
      expect([at(60_000, 50), at(120_000, 100)].flat()).toEqual([])
    }
  })
})
