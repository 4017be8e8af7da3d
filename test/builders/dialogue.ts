// Messages for tests of summaries: `u: text`, `a: text`, `t: text` of a tool, seqs from 1.
import type { LoggedMessage, Role } from '../../src/core/message.ts'
import type { Origin } from '../../src/core/authority.ts'

const speakers: Readonly<Record<string, readonly [Role, Origin]>> = { u: ['user', 'user-typed'], a: ['assistant', 'assistant'], t: ['tool', 'tool'] }

export function dialogue(...lines: readonly string[]): LoggedMessage[] {
  return lines.map((line, index) => {
    const [role, origin] = speakers[line[0] as string] as readonly [Role, Origin]
    const said = line.slice(3)
    const text = { type: 'text' as const, text: said, spans: said === '' ? [] : [{ start: 0, end: said.length, origin, labelled: false }] }
    const parts = role === 'tool' ? [{ type: 'tool-result' as const, callId: `c${index}`, content: [text] }] : [text]
    return { seq: index + 1, message: { id: `m${index + 1}`, role, createdAt: 1_000 * index, parts } }
  })
}
