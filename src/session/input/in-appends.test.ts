import { expect, test } from 'vitest'
import { limits } from '../../core/limits.ts'
import type { MessageInput, PartInput } from '../../core/message.ts'
import { checkHistory, inAppends } from './in-appends.ts'

const units = Math.ceil(limits.entryBytes / 6) // JSON writes a control character in 6 bytes
const controls = (count: number) => '\u0001'.repeat(count)
const text = (count: number): PartInput => ({ type: 'text', text: controls(count) })

const kinds: readonly (readonly [string, (count: number) => MessageInput])[] = [
  ['a text', (count) => ({ role: 'user', text: controls(count) })],
  ['texts that are small one by one', (count) => ({ role: 'user', parts: [text(Math.ceil(count / 2)), text(Math.ceil(count / 2))] })],
  ['arguments', (count) => ({ role: 'assistant', parts: [{ type: 'tool-call', callId: 'c', name: 'n', arguments: controls(count) }] })],
  ['a result', (count) => ({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', content: controls(count) }] })],
  ['a result of parts', (count) => ({ role: 'tool', parts: [{ type: 'tool-result', callId: 'c', content: [text(count)] }] })],
  ['data that the engine does not read', (count) => ({ role: 'user', parts: [{ type: 'foreign', family: 'f', data: { said: controls(count) } }] })],
]

test.each(kinds)('%s over the bytes of an entry, as JSON writes them, refuse a history before any of it is stored [GW-11]', (_, said) => {
  const under = [{ role: 'user' as const, text: 'hello' }, said(units - 2_000)]
  checkHistory(under)
  expect(inAppends(under)).toEqual([under])
  const over = [{ role: 'user' as const, text: 'hello' }, said(units + 1)]
  expect(() => checkHistory(over, 3)).toThrow('messages[4]')
  expect(() => inAppends(over)).toThrow('messages[1]')
})
