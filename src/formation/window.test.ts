// Which messages one run forms: by turns, messages and bytes.
import { expect, test } from 'vitest'
import { dialogue } from '../../test/builders/dialogue.ts'
import { limits } from '../core/limits.ts'
import { windowOf } from './window.ts'

const foldOf = (lines: readonly string[], upTo = lines.length) => ({ messages: dialogue(...lines), upTo })
const seqsOf = (fold: ReturnType<typeof foldOf>, cursor = 0) => {
  const window = windowOf(fold, cursor)
  return window && [window.messages[0]?.seq, window.messages.at(-1)?.seq, window.upTo]
}
const turns = (count: number) => Array.from({ length: count }, () => ['u: question', 'a: let me look', 't: found', 'a: answer']).flat()

test('what is left goes in one window, with the entries after its last message; nothing left is no window [FORM-2]', () => {
  expect(seqsOf(foldOf(turns(2), 11))).toEqual([1, 8, 11])
  expect(seqsOf(foldOf(turns(2), 11), 4)).toEqual([5, 8, 11])
  expect(windowOf(foldOf(turns(2), 11), 9)).toEqual({ messages: [], upTo: 11 })
  expect(windowOf(foldOf(turns(2)), 8)).toBeUndefined()
})

test('a window of 64 messages ends with a turn, at the last that fits whole [FORM-2]', () => {
  expect(seqsOf(foldOf(turns(16)))).toEqual([1, 64, 64])
  expect(seqsOf(foldOf(turns(17)))).toEqual([1, 64, 64])
  expect(seqsOf(foldOf(['u: hello', 'a: hello', ...turns(16)]))).toEqual([1, 62, 62])
  expect(seqsOf(foldOf([...turns(15), ...Array.from({ length: 9 }, () => 'u: and'), 'a: ok']))).toEqual([1, 60, 60]) // neighbours of one user are one turn
})

test('256 KiB are bytes, not characters, and end with a turn too [FORM-2]', () => {
  const half = (letter: string, bytes: number) => `u: ${letter.repeat(limits.formBytes / 2 / bytes - 2)}`
  for (const [letter, bytes] of [
    ['x', 1],
    ['ж', 2],
  ] as const) {
    const lines = [half(letter, bytes), 'a: ok', half(letter, bytes), 'a: ok', 'u: more', 'a: ok']
    expect(seqsOf(foldOf(lines))).toEqual([1, 4, 4])
    expect(seqsOf(foldOf([`${lines[0]}xxxxx`, ...lines.slice(1)]))).toEqual([1, 2, 2])
  }
})

test('a turn that is too long by itself is cut between its messages, and one message is always taken [FORM-2]', () => {
  const long = ['u: go', ...Array.from({ length: 100 }, () => 'a: working')]
  expect(seqsOf(foldOf(long))).toEqual([1, 64, 64])
  expect(seqsOf(foldOf(long), 64)).toEqual([65, 101, 101])
  const huge = `u: ${'x'.repeat(limits.formBytes + 1)}`
  expect(seqsOf(foldOf([huge, 'a: ok']))).toEqual([1, 1, 1])
  expect(seqsOf(foldOf(['u: hello', 'a: hello', huge, 'a: ok', 'u: more']), 2)).toEqual([3, 3, 3])
})
