import { expect, test } from 'vitest'
import type { Part, Role } from '../../core/message.ts'
import { breachesOf, requireRules, type Checked } from './rules.ts'

const call = (callId: string): Part => ({ type: 'tool-call', callId, name: 'look', arguments: '{}' })
const text = (said: string): Part => ({ type: 'text', text: said, spans: [] })
const result = (callId: string): Part => ({ type: 'tool-result', callId, content: [text('ok')] })
const said = (seq: number, role: Role, ...parts: Part[]): Checked => ({ seq, role, parts })
const all = ['I1', 'I2', 'I3', 'I4', 'I11', 'I12'] as const

const good = [
  said(1, 'user', text('hi')),
  said(2, 'assistant', call('x'), call('y')),
  said(3, 'tool', result('x'), result('y')),
  said(4, 'assistant', text('done')),
  said(5, 'user', text('again')),
]

test('a context that keeps the rules has no breach [RULE-1]', () => {
  expect(breachesOf(good, all)).toEqual([])
  expect(requireRules(good, all)).toBe(good)
})

test.each([
  ['I1', 2, 'a call without its result', [...good.slice(0, 2), said(5, 'user', text('again'))]],
  ['I1', 2, 'one parallel result too few', [...good.slice(0, 2), said(3, 'tool', result('x')), good[4] as Checked]],
  ['I1', 2, 'a call at the very end', good.slice(0, 2)],
  ['I1', 3, 'results out of call order', [...good.slice(0, 2), said(3, 'tool', result('y')), said(3, 'tool', result('x'))]],
  ['I1', 1, 'an orphan result first', [said(1, 'tool', result('x'))]],
  ['I2', 1, 'an assistant message first', [said(1, 'assistant', text('hi'))]],
  ['I3', 2, 'a system message among the others', [good[0] as Checked, said(2, 'system', text('be kind'))]],
  ['I4', 2, 'two user messages in a row', [said(1, 'user', text('a')), said(2, 'user', text('b'))]],
  ['I11', 1, 'an empty text', [said(1, 'user', text(''))]],
  ['I11', 1, 'no part at all', [said(1, 'user')]],
  [
    'I11',
    3,
    'an empty result',
    [good[0] as Checked, said(2, 'assistant', call('x')), said(3, 'tool', { type: 'tool-result', callId: 'x', content: [] })],
  ],
  ['I12', 4, 'a call id that comes twice', [...good.slice(0, 3), said(4, 'assistant', call('x')), said(5, 'tool', result('x'))]],
] as const)('%s finds at seq %i %s, and the error names the rule [RULE-1]', (rule, seq, _, messages) => {
  expect(breachesOf(messages, [rule])[0]).toEqual({ rule, seq })
  expect(() => requireRules(messages, [rule])).toThrow(rule)
})
