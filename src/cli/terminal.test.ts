// Who may destroy, and what moves the cursor: the decisions of the terminal, without one.
import { describe, expect, test } from 'vitest'
import { isRecollectError } from '../core/errors.ts'
import { confirm, visible, type Terminal } from './terminal.ts'

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
  expect(visible('a\tb\nc \u001b[31m \u202e \u200b \u0085 é 日')).toBe('a\tb\nc \\u{1b}[31m \\u{202e} \\u{200b} \\u{85} é 日')
})
