// The first things a context must do, end to end over a table session.
import { expect, test } from 'vitest'
import { tableSession } from './session-table.ts'

test('a context holds what was said, in order [CTX-1]', async () => {
  const session = tableSession()
  session.say('user', 'hello')
  session.say('assistant', 'hi')
  session.say('user', 'again')
  const context = await session.context()
  expect(JSON.stringify(context.messages)).toContain('again')
  expect(context.receipt.epoch.cause).toBe('first')
  const second = await session.context()
  expect(second.receipt.epoch.began).toBe(false)
  expect(session.swaps).toHaveLength(1)
})
