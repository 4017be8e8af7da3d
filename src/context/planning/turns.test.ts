import { expect, test } from 'vitest'
import type { LoggedMessage, Part, Role } from '../../core/message.ts'
import { groupTurns } from './turns.ts'

const call = (callId: string): Part => ({ type: 'tool-call', callId, name: 'look', arguments: '{}' })
const result = (callId: string): Part => ({ type: 'tool-result', callId, content: [] })
const text = (said: string): Part => ({ type: 'text', text: said, spans: [] })

/** `u` a user message, `a` an assistant's, `s` a system one, `a:x,y` calls, `t:x` results. */
const log = (script: string): LoggedMessage[] =>
  script.split(' ').map((word, index) => {
    const [who, ids] = word.split(':') as [string, string | undefined]
    const role = { u: 'user', a: 'assistant', s: 'system', t: 'tool' }[who] as Role
    const parts = ids === undefined ? [text(word)] : ids.split(',').map(who === 'a' ? call : result)
    return { seq: index + 1, message: { id: `m${index}`, role, createdAt: 1_000 - index, parts } }
  })
const spans = (script: string) => groupTurns(log(script)).map(({ no, firstSeq, lastSeq }) => [no, firstSeq, lastSeq])

test('a turn begins at a user message that follows anything else, and what stands before the first is turn 0 [TURN-1]', () => {
  expect(spans('a s u a u u a')).toEqual([
    [0, 1, 2],
    [1, 3, 4],
    [2, 5, 7],
  ])
  expect(spans('u a')).toEqual([[1, 1, 2]])
  expect(groupTurns([])).toEqual([])
})

test('a round is one assistant message with calls and all their results; parallel calls are one round [TURN-1]', () => {
  const [turn] = groupTurns(log('u a:x,y t:y t:x a:z t:z a'))
  expect(turn?.rounds.map(({ firstSeq, lastSeq, calls }) => [firstSeq, lastSeq, calls])).toEqual([
    [2, 4, ['x', 'y']],
    [5, 6, ['z']],
  ])
  expect([turn?.open, turn?.userSeq]).toEqual([false, 1])
})

test('grouping goes by seq and call id, whatever the times say, and by the newest call of an id that comes again [TURN-2]', () => {
  const [turn] = groupTurns(log('u a:x a:x t:x t:other'))
  expect(turn?.rounds.map(({ open }) => open)).toEqual([['x'], []])
})

test('a turn with a call that has no result is open, also when the result comes in a later turn [TURN-4]', () => {
  expect(groupTurns(log('u a:x,y t:x')).map(({ open }) => open)).toEqual([true])
  expect(groupTurns(log('u a:x u t:x a')).map(({ open }) => open)).toEqual([true, false])
})
